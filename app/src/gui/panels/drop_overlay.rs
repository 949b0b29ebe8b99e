//! What a file held over the window will become when it is let go.

use std::path::Path;

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Align2, Area, Context, CornerRadius, Id, Order, Role, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};
use tinsmith_core::formats::suffixes;

use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};
use crate::worker::samples_at;

/// Shows the overlay while files are held over the window.
pub fn ui(cx: PanelCtx<'_>, ctx: &Context) {
    let hovered = ctx.input(|i| i.raw.hovered_files.iter().map(|f| f.path.clone()).collect::<Vec<_>>());
    let Some(first) = hovered.first() else { return };
    let (title, about) = words(cx, first.as_deref(), hovered.len());
    Area::new(Id::unique("drop overlay"))
        .order(Order::Tooltip)
        .fixed_pos(ctx.content_rect().min)
        .constrain(false)
        .interactable(false)
        .fade_in(false)
        .show(ctx, |ui| overlay_ui(&title, &about, ui));
}

fn overlay_ui(title: &str, about: &str, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (all, response) = ui.allocate_exact_size(ui.ctx().content_rect().size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{title}, {about}")));
    let painter = ui.painter();
    painter.rect_filled(all, 0.0, p.bg.gamma_multiply(0.82));
    let zone = all.shrink(32.0);
    let corners = [zone.left_top(), zone.right_top(), zone.right_bottom(), zone.left_bottom(), zone.left_top()];
    painter.rect_filled(zone, CornerRadius::same(8), p.accent_soft.gamma_multiply(0.5));
    painter.extend(Shape::dashed_line(&corners, Stroke::new(2.0, p.accent), 8.0, 6.0));
    let mut icon = Type::IconRail.font();
    icon.size = 40.0;
    let c = zone.center();
    painter.text(c - vec2(0.0, 44.0), Align2::CENTER_CENTER, icons::UPLOAD_SIMPLE, icon, p.accent_text);
    let line = |y: f32, words: &str, kind: Type, colour| {
        let mut job = LayoutJob::single_section(words.to_owned(), TextFormat::simple(kind.font(), colour));
        job.wrap = TextWrapping::truncate_at_width(zone.width() - 32.0);
        let galley = painter.layout_job(job);
        painter.galley(c + vec2(0.0, y) - galley.size() / 2.0, galley, colour);
    };
    line(0.0, title, Type::Headline, p.text);
    line(32.0, about, Type::Body, p.text_weak);
}

fn words(cx: PanelCtx<'_>, path: Option<&Path>, n: usize) -> (String, String) {
    let name = path.and_then(Path::file_name).map_or_else(|| "the file".to_owned(), |n| n.to_string_lossy().into_owned());
    let title = if n > 1 { format!("Let go to open {n} files") } else { format!("Let go to open {name}") };
    let suffix = path.and_then(Path::extension).map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_open = cx.session.open.is_some();
    let is_data = path.is_some_and(|path| samples_at(path).is_some());
    let about = match suffix.as_str() {
        _ if is_data && is_open => format!("as data for {}", cx.session.name()),
        _ if is_data => "as data: open a model first".to_owned(),
        "ron" => "as a project".to_owned(),
        model if suffixes().any(|suffix| suffix == model) => "as a model".to_owned(),
        _ => {
            let models: String = suffixes().map(|suffix| format!(".{suffix}, ")).collect();
            format!("Tinsmith opens {models}.ron, .npz, .npy and folders of data sets")
        }
    };
    (title, about)
}
