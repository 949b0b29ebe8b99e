//! The first page: what this is, one button to start, what was open last.

use std::path::Path;

use eframe::egui::{
    Align, Color32, CornerRadius, Frame, Layout, Margin, Rect, ScrollArea, Sense, Shape, Stroke, Ui, UiBuilder, Vec2, pos2, vec2,
};

use crate::gui::command::{Action, Command};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::room::Room;
use crate::gui::theme::{Palette, RADIUS_CARD, Type, small_caps};
use crate::gui::widgets::{button, primary_button, progress_bar};
use crate::worker::sample_project;

const WIDTH: f32 = 960.0;
const ASIDE: f32 = 376.0;
const DROP_HEIGHT: f32 = 248.0;

/// Distances of the page: as designed, and closer together where the window is small.
struct Measures {
    top: f32,
    headline: Type,
    gap: f32,
    aside: f32,
    card: f32,
    /// Above what is in a card.
    inner: f32,
}

impl Measures {
    fn of(room: Room, width: f32) -> Self {
        if room > Room::Narrow {
            return Self { top: 44.0, headline: Type::Headline, gap: 24.0, aside: ASIDE, card: DROP_HEIGHT, inner: 20.0 };
        }
        let aside = ((width - 16.0) / 2.0).min(ASIDE).floor();
        Self { top: 16.0, headline: Type::Figure, gap: 16.0, aside, card: 204.0, inner: 12.0 }
    }
}

/// Shows the page; it scrolls where the window is too low for it.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    ScrollArea::vertical().id_salt("first page").auto_shrink([false, false]).show(ui, |ui| page_ui(cx, ui));
}

fn page_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let width = WIDTH.min(ui.available_width() - 48.0);
    let left = ((ui.available_width() - width) / 2.0).max(24.0);
    let of = Measures::of(Room::of(ui.ctx()), width);
    let top = ui.cursor().min + vec2(left, of.top);
    let page = Rect::from_min_size(top, vec2(width, (ui.available_height() - of.top).max(0.0)));
    ui.scope_builder(UiBuilder::new().max_rect(page), |ui| {
        ui.label(of.headline.text("Make a neural network small enough for a microcontroller", p.text));
        ui.label(Type::Body.text(
            "See what each choice costs, prove it on your own data, leave with files that firmware can include. Offline.",
            p.text_weak,
        ));
        ui.add_space(of.gap);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = of.gap;
            drop_zone(cx, ui, vec2(width - of.aside - of.gap, of.card));
            sample_card(cx, ui, &of);
        });
        ui.add_space(of.gap + 4.0);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = of.gap;
            recent(cx, ui, width - of.aside - of.gap);
            what_it_opens(ui, of.aside);
        });
        ui.add_space(of.gap);
    });
}

fn drop_zone(cx: PanelCtx<'_>, ui: &mut Ui, size: Vec2) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let is_hovered = ui.input(|i| !i.raw.hovered_files.is_empty());
    let colour = if is_hovered { p.accent } else { p.line_strong };
    ui.painter().rect_filled(rect, CornerRadius::same(8), p.panel);
    let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    ui.painter().extend(Shape::dashed_line(&corners, Stroke::new(1.5, colour), 6.0, 5.0));
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Center)));
    // Centred, a little high.
    inside.add_space((size.y - 160.0) / 2.0);
    let mut icon = Type::IconRail.font();
    icon.size = 34.0;
    inside.label(eframe::egui::RichText::new(icons::UPLOAD_SIMPLE).font(icon).color(p.accent_text));
    inside.add_space(8.0);
    if let Some(path) = &cx.session.opening {
        opening_ui(&mut inside, path);
        return;
    }
    let title = if is_hovered { "Let go to open it" } else { "Drop a model here" };
    inside.label(Type::Figure.text(title, p.text));
    inside.label(Type::Small.text("or a project, or a data set, anywhere in the window", p.text_weak));
    inside.add_space(14.0);
    if primary_button(&mut inside, "Open a file").on_hover_text("Ctrl O").clicked() {
        cx.commands.act(Action::Open);
    }
}

/// What is being read, in place of the invitation.
fn opening_ui(ui: &mut Ui, path: &Path) {
    let p = Palette::of(ui);
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    ui.label(Type::Figure.text(format!("Opening {name}"), p.text));
    ui.label(Type::Small.text("reading the file and checking it", p.text_weak));
    ui.add_space(18.0);
    progress_bar(ui, None, 160.0, "Opening");
}

fn sample_card(cx: PanelCtx<'_>, ui: &mut Ui, of: &Measures) {
    let p = Palette::of(ui);
    let margin = Margin::same(of.inner as i8);
    Frame::new()
        .fill(p.panel)
        .stroke(Stroke::new(1.0, p.card_line))
        .corner_radius(CornerRadius::same(RADIUS_CARD))
        .inner_margin(margin)
        .show(ui, |ui| {
            ui.set_width(of.aside - 2.0 * of.inner - 2.0);
            ui.set_height(of.card - 2.0 * of.inner - 2.0);
            ui.vertical(|ui| {
                ui.label(small_caps("No model at hand", p.text_weak));
                ui.label(Type::FigureSmall.text("Open the sample project", p.text));
                ui.add_space(4.0);
                ui.label(Type::Small.text(
                    "A key word spotter with its own data set and a recipe to play with. No hardware needed.",
                    p.text_weak,
                ));
                ui.add_space(of.inner);
                chain(ui);
                ui.add_space(of.inner);
                match sample_project() {
                    Some(_) => {
                        if button(ui, Action::OpenSample.name()).clicked() {
                            cx.commands.act(Action::OpenSample);
                        }
                    }
                    None => {
                        ui.label(Type::Small.text(
                            "The sample is not beside this program: it is in the source folder under projects.",
                            p.text_faint,
                        ));
                    }
                }
            });
        });
}

/// A small chain of boxes with a residual, for the eye.
fn chain(ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let heat = [0.35, 0.5, 0.25, 0.6, 0.3, 0.75, 0.9, 0.55, 0.62, 0.4, 0.3, 0.2];
    let pitch = rect.width() / heat.len() as f32;
    let y = rect.bottom() - 8.0;
    ui.painter().hline(rect.left()..=rect.right() - pitch / 2.0, y, Stroke::new(1.0, p.axis));
    let x = |i: f32| rect.left() + i * pitch + pitch * 0.4;
    let skip = [pos2(x(4.6), y), pos2(x(4.6), y - 22.0), pos2(x(7.0), y - 22.0), pos2(x(7.0), y)];
    ui.painter().add(Shape::line(skip.to_vec(), Stroke::new(1.0, p.axis)));
    for (i, t) in heat.into_iter().enumerate() {
        let block = Rect::from_center_size(pos2(x(i as f32), y), vec2(pitch * 0.78, 15.0));
        ui.painter().rect_filled(block, CornerRadius::same(2), p.heat_at(t));
    }
}

fn recent(cx: PanelCtx<'_>, ui: &mut Ui, width: f32) {
    let p = Palette::of(ui);
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.label(Type::Title.text("Recent", p.text));
        line(ui, p.line);
        if cx.session.recent.is_empty() {
            ui.label(Type::Small.text("Files you open are listed here.", p.text_faint));
        }
        for path in &cx.session.recent {
            let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            let folder = path.parent().map_or_else(String::new, |f| f.display().to_string());
            ui.horizontal(|ui| {
                ui.set_min_height(30.0);
                let is_project = path.extension().is_some_and(|e| e == "ron");
                ui.label(Type::Icon.text(if is_project { icons::FILE } else { icons::TREE_STRUCTURE }, p.text_weak));
                if ui.link(Type::BodyMedium.text(name, p.text)).clicked() {
                    cx.send(Command::OpenPath(path.clone()));
                }
                ui.add(eframe::egui::Label::new(Type::Small.text(folder, p.text_faint)).truncate());
            });
            line(ui, p.line);
        }
    });
}

fn what_it_opens(ui: &mut Ui, width: f32) {
    let p = Palette::of(ui);
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.label(Type::Title.text("What it opens", p.text));
        line(ui, p.line);
        let models: Vec<&str> = tinsmith_core::formats::suffixes().collect();
        let rows: [(&str, &[&str]); 3] = [("Models", &models), ("Projects", &["ron"]), ("Data", &["npz", "npy"])];
        for (what, suffixes) in rows {
            ui.horizontal(|ui| {
                ui.set_min_height(28.0);
                ui.allocate_ui_with_layout(vec2(68.0, 20.0), Layout::left_to_right(Align::Center), |ui| {
                    ui.set_width(68.0);
                    ui.label(Type::Small.text(what, p.text_weak));
                });
                for suffix in suffixes {
                    Frame::new().fill(p.control).corner_radius(CornerRadius::same(3)).inner_margin(Margin::symmetric(6, 2)).show(
                        ui,
                        |ui| {
                            ui.label(Type::Mono.text(format!(".{suffix}"), p.text));
                        },
                    );
                }
            });
        }
    });
}

fn line(ui: &mut Ui, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, colour));
}
