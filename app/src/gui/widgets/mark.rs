//! Marks: how a figure is known, how it changed, badges.

use eframe::egui::{Align2, Color32, CornerRadius, Label, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::gui::icons;
use crate::gui::theme::{Palette, Type};

/// How a figure is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Computed from what would be exported.
    Exact,
    /// Estimated; the figure's tooltip names model, source and interval.
    Estimate,
    /// Samples run so far, of how many.
    Running(usize, usize),
    /// Belongs to an older recipe; the new one is being computed.
    Stale,
    /// There is none.
    Missing,
}

/// Shows how a figure is known as a dot and a word, right-aligned in the rest of the line.
pub fn known(ui: &mut Ui, known: &Known) {
    let p = Palette::of(ui);
    let (text, colour) = match known {
        Known::Exact => ("exact".to_owned(), p.text_weak),
        Known::Estimate => ("est.".to_owned(), p.amber),
        Known::Running(done, total) => (format!("{done} of {total}…"), p.text_weak),
        Known::Stale => ("stale".to_owned(), p.text_faint),
        Known::Missing => return,
    };
    ui.add(Label::new(Type::Caption.text(text, colour)).selectable(false));
    let hollow = matches!(known, Known::Estimate);
    dot(ui, if matches!(known, Known::Exact | Known::Running(..)) { p.base } else { colour }, hollow);
}

/// The same in little room: the mark alone, with its word for an estimate.
pub fn known_briefly(ui: &mut Ui, of: &Known) {
    let p = Palette::of(ui);
    match of {
        Known::Estimate => known(ui, of),
        Known::Exact | Known::Running(..) => {
            dot(ui, p.base, false);
        }
        Known::Stale => {
            dot(ui, p.text_faint, false);
        }
        Known::Missing => {}
    }
}

/// A small disc or ring.
pub fn dot(ui: &mut Ui, colour: Color32, hollow: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(7.0), Sense::hover());
    if hollow {
        ui.painter().circle_stroke(rect.center(), 2.5, Stroke::new(1.25, colour));
    } else {
        ui.painter().circle_filled(rect.center(), 3.0, colour);
    }
    response
}

/// How the candidate differs from the baseline.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Less, by this much.
    Down(String),
    /// More, by this much.
    Up(String),
    /// Equal.
    None,
}

impl Change {
    /// The change from `from` to `to` in percent of `from`, one decimal.
    pub fn relative(from: f64, to: f64) -> Self {
        if from == 0.0 || (to - from).abs() / from < 0.0005 {
            return Self::None;
        }
        let percent = format!("{:.1} %", (to - from).abs() / from * 100.0);
        if to < from { Self::Down(percent) } else { Self::Up(percent) }
    }
}

/// Shows a change: a triangle or a bar, then the amount.
pub fn change(ui: &mut Ui, change: &Change) {
    let p = Palette::of(ui);
    let (text, up) = match change {
        Change::Down(text) => (text.as_str(), Some(false)),
        Change::Up(text) => (text.as_str(), Some(true)),
        Change::None => ("", None),
    };
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 12.0), Sense::hover());
    let c = rect.center();
    match up {
        None => {
            let bar = Rect::from_center_size(c, vec2(9.0, 3.0));
            ui.painter().rect_filled(bar, CornerRadius::same(1), p.text_weak);
        }
        Some(up) => {
            let s = if up { 1.0 } else { -1.0 };
            let points = vec![pos2(c.x - 4.0, c.y + 3.0 * s), pos2(c.x + 4.0, c.y + 3.0 * s), pos2(c.x, c.y - 4.0 * s)];
            ui.painter().add(eframe::egui::Shape::convex_polygon(points, p.text_weak, Stroke::NONE));
        }
    }
    if !text.is_empty() {
        ui.label(Type::Caption.text(text, p.text_weak));
    }
}

/// Words on a coloured ground.
pub fn badge(ui: &mut Ui, icon: Option<&str>, text: &str, ink: Color32, ground: Color32) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Caption.font(), ink);
    let icon_room = if icon.is_some() { 16.0 } else { 0.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + icon_room + 12.0, 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().rect_filled(rect, CornerRadius::same(3), ground);
    if let Some(icon) = icon {
        let mut font = Type::IconSmall.font();
        font.size = 12.0;
        ui.painter().text(pos2(rect.left() + 12.0, rect.center().y), Align2::CENTER_CENTER, icon, font, ink);
    }
    let at = pos2(rect.left() + 6.0 + icon_room, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    response
}

/// An icon among captions.
pub fn small_icon(ui: &mut Ui, icon: &str, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
    let mut font = Type::IconSmall.font();
    font.size = 12.0;
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, font, colour);
}

/// `fits 512 KB` with a tick or `over by 2.3 KB` with a cross.
pub fn fits(ui: &mut Ui, fits: bool, text: &str) {
    let p = Palette::of(ui);
    let (icon, colour) = if fits { (icons::CHECK, p.green) } else { (icons::X, p.red) };
    small_icon(ui, icon, colour);
    ui.label(Type::Caption.text(text, colour));
}
