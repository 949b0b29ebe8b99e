//! What a file held over the window will become when it is let go.

use std::path::Path;

use eframe::egui::{Align2, Context, CornerRadius, Id, LayerId, Order, Shape, Stroke, vec2};
use tinsmith_core::formats::suffixes;

use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};

/// Shows the overlay while files are held over the window.
pub fn ui(cx: PanelCtx<'_>, ctx: &Context) {
    let hovered = ctx.input(|i| i.raw.hovered_files.iter().map(|f| f.path.clone()).collect::<Vec<_>>());
    let Some(first) = hovered.first() else { return };
    let p = Palette::named(ctx.theme(), cx.session.settings.high_contrast);
    let painter = ctx.layer_painter(LayerId::new(Order::Tooltip, Id::unique("drop overlay")));
    let all = ctx.content_rect();
    painter.rect_filled(all, 0.0, p.bg.gamma_multiply(0.82));
    let zone = all.shrink(32.0);
    let corners = [zone.left_top(), zone.right_top(), zone.right_bottom(), zone.left_bottom(), zone.left_top()];
    painter.rect_filled(zone, CornerRadius::same(8), p.accent_soft.gamma_multiply(0.5));
    painter.extend(Shape::dashed_line(&corners, Stroke::new(2.0, p.accent), 8.0, 6.0));
    let (title, about) = words(cx, first.as_deref(), hovered.len());
    let mut icon = Type::IconRail.font();
    icon.size = 40.0;
    let c = zone.center();
    painter.text(c - vec2(0.0, 44.0), Align2::CENTER_CENTER, icons::UPLOAD_SIMPLE, icon, p.accent_text);
    painter.text(c, Align2::CENTER_CENTER, title, Type::Headline.font(), p.text);
    painter.text(c + vec2(0.0, 32.0), Align2::CENTER_CENTER, about, Type::Body.font(), p.text_weak);
}

fn words(cx: PanelCtx<'_>, path: Option<&Path>, n: usize) -> (String, String) {
    let name = path.and_then(Path::file_name).map_or_else(|| "the file".to_owned(), |n| n.to_string_lossy().into_owned());
    let title = if n > 1 { format!("Let go to open {n} files") } else { format!("Let go to open {name}") };
    let suffix = path.and_then(Path::extension).map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_open = cx.session.open.is_some();
    let about = match suffix.as_str() {
        "npz" | "npy" if is_open => format!("as data for {}", cx.session.name()),
        "npz" | "npy" => "as data: open a model first".to_owned(),
        "ron" => "as a project".to_owned(),
        model if suffixes().any(|suffix| suffix == model) => "as a model".to_owned(),
        _ => {
            let models: String = suffixes().map(|suffix| format!(".{suffix}, ")).collect();
            format!("Tinsmith opens {models}.ron, .npz and .npy")
        }
    };
    (title, about)
}
