//! Finding layers: `/` opens a field over the graph; what fits stands out, Enter steps through it.

use eframe::egui::{Align, Align2, Frame, Id, Key, Layout, Margin, Modifiers, Rect, Stroke, TextEdit, Ui, UiBuilder, Vec2, pos2};

use super::colour::ColourBy;
use super::scene::Scene;
use crate::gui::icons;
use crate::gui::theme::{CONTROL, Palette, RADIUS_CARD, Type};
use crate::gui::units;
use crate::gui::widgets::{icon_button, small_icon};

const SIZE: Vec2 = Vec2::new(340.0, 32.0);
const NAME: &str = "Find in graph";

/// The field and what was found.
#[derive(Debug, Default)]
pub(super) struct Search {
    is_open: bool,
    wants_focus: bool,
    field: Option<Id>,
    text: String,
    /// Positions of nodes that fit, in execution order.
    found: Vec<usize>,
    /// Which of them was stepped to last.
    at: Option<usize>,
}

/// What became of the field in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Searched {
    /// Other boxes stand out now.
    pub is_changed: bool,
    /// Select this node.
    pub go_to: Option<usize>,
}

impl Search {
    /// Opens the field if `/` is pressed and nobody is typing.
    pub fn take_shortcut(&mut self, ui: &Ui) {
        if !ui.ctx().text_edit_focused() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Slash)) {
            self.open();
        }
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn open(&mut self) {
        self.is_open = true;
        self.wants_focus = true;
    }

    /// Nodes that fit; `None` while nothing is searched for.
    pub fn found(&self) -> Option<&[usize]> {
        (self.is_open && !self.text.trim().is_empty()).then_some(&self.found)
    }

    /// Looks again: the graph or its figures are others.
    pub fn renew(&mut self, scene: &Scene) {
        let query = Query::new(&self.text);
        let n = scene.given.graph.graph().nodes.len();
        self.found = (0..n).filter(|&node| self.is_open && query.fits(scene, node)).collect();
        self.at = None;
    }

    /// The part of the canvas that the field covers.
    pub fn place(&self, canvas: Rect) -> Option<Rect> {
        self.is_open.then(|| place_on(canvas))
    }

    /// Shows the field over the canvas, if it is open.
    pub fn ui(&mut self, ui: &mut Ui, canvas: Rect, scene: &Scene) -> Searched {
        if !self.is_open {
            return Searched::default();
        }
        let place = place_on(canvas);
        let p = Palette::of(ui);
        let mut inner = ui.new_child(UiBuilder::new().max_rect(place));
        let frame = Frame::new()
            .fill(p.raised)
            .stroke(Stroke::new(1.0, p.line_strong))
            .corner_radius(RADIUS_CARD)
            .shadow(inner.visuals().popup_shadow)
            .inner_margin(Margin::symmetric(8, 4));
        let mut searched = frame.show(&mut inner, |ui| ui.horizontal(|ui| self.line_ui(ui, scene)).inner).inner;
        if inner.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
            self.is_open = false;
            searched.is_changed = true;
        }
        searched
    }

    fn line_ui(&mut self, ui: &mut Ui, scene: &Scene) -> Searched {
        let p = Palette::of(ui);
        small_icon(ui, icons::MAGNIFYING_GLASS, p.text_weak);
        let step = self.step_asked(ui);
        let mut searched = Searched::default();
        // Buttons and count take their room first; what is left is for typing.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, icons::X, "Close search (Esc)").clicked() {
                self.is_open = false;
                searched.is_changed = true;
            }
            let next = icon_button(ui, icons::CARET_DOWN, "Next match (Enter)").clicked();
            let previous = icon_button(ui, icons::CARET_UP, "Previous match (Shift+Enter)").clicked();
            searched.go_to = step.or(next.then_some(1)).or(previous.then_some(-1)).and_then(|by| self.step(by));
            ui.label(Type::Small.text(self.count(), p.text_weak));
            searched.is_changed |= self.field_ui(ui, scene, step.is_some());
        });
        searched
    }

    /// `12 found` or `3 of 12`.
    fn count(&self) -> String {
        let exact = |n: usize| units::exact(n as u64);
        match (self.at, self.found().map(<[usize]>::len)) {
            (_, None) => String::new(),
            (_, Some(0)) => "none".to_owned(),
            (None, Some(n)) => format!("{} found", exact(n)),
            (Some(at), Some(n)) => format!("{} of {}", exact(at + 1), exact(n)),
        }
    }

    /// The line that is typed into; whether other boxes stand out now.
    fn field_ui(&mut self, ui: &mut Ui, scene: &Scene, has_stepped: bool) -> bool {
        let field = TextEdit::singleline(&mut self.text).hint_text("name, kind, macs>100k").desired_width(f32::INFINITY);
        let field = field.align(Align2::LEFT_CENTER).min_size(Vec2::new(0.0, CONTROL)).frame(Frame::NONE);
        let response = ui.add(field).accessible_name(NAME);
        self.field = Some(response.id);
        let is_new = std::mem::take(&mut self.wants_focus);
        if is_new || has_stepped {
            // A line of text gives its focus away at Enter; here the next Enter steps on.
            response.request_focus();
        }
        // A field that was closed while the graph or its figures changed knows only that it was closed.
        let is_changed = is_new || response.changed();
        if is_changed {
            self.renew(scene);
        }
        is_changed
    }

    /// Takes Enter and Shift+Enter from the field, which has no use for them.
    fn step_asked(&self, ui: &mut Ui) -> Option<isize> {
        let is_typing = self.field.is_some_and(|id| ui.memory(|m| m.has_focus(id)));
        let pressed = |ui: &mut Ui, modifiers| is_typing && ui.input_mut(|i| i.consume_key(modifiers, Key::Enter));
        // The one with more modifiers first: the other would take both.
        if pressed(ui, Modifiers::SHIFT) {
            Some(-1)
        } else if pressed(ui, Modifiers::NONE) {
            Some(1)
        } else {
            None
        }
    }

    fn step(&mut self, by: isize) -> Option<usize> {
        let n = self.found()?.len();
        if n == 0 {
            return None;
        }
        let next = match self.at {
            Some(at) => (at as isize + by).rem_euclid(n as isize) as usize,
            None if by < 0 => n - 1,
            None => 0,
        };
        self.at = Some(next);
        self.found.get(next).copied()
    }
}

fn place_on(canvas: Rect) -> Rect {
    let width = SIZE.x.min(canvas.width() - 16.0);
    Rect::from_min_size(pos2(canvas.center().x - width / 2.0, canvas.top() + 8.0), Vec2::new(width, SIZE.y))
}

/// What is asked for: all parts have to fit.
struct Query(Vec<Part>);

enum Part {
    /// Name or kind holds this.
    Word(String),
    /// A figure lies above or below a limit.
    Figure(ColourBy, Side, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

impl Query {
    fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(|part| figure_part(part).unwrap_or_else(|| Part::Word(part.to_lowercase()))).collect())
    }

    fn fits(&self, scene: &Scene, node: usize) -> bool {
        let (layer, error) = scene.figures_of(node);
        !self.0.is_empty()
            && self.0.iter().all(|part| match part {
                Part::Word(word) => holds(scene, node, word),
                Part::Figure(by, side, limit) => by.figure(layer, error).is_some_and(|figure| match side {
                    Side::Above => figure > *limit,
                    Side::Below => figure < *limit,
                }),
            })
    }
}

fn holds(scene: &Scene, node: usize, word: &str) -> bool {
    let of = &scene.given.graph.graph().nodes[node];
    let (layer, _) = scene.figures_of(node);
    let holds = |text: &str| contains_ignoring_case(text, word);
    holds(&of.name) || holds(of.op.name()) || layer.map_or_else(|| holds(&scene.kind_words(node)), |l| holds(&l.label))
}

/// Whether `text` holds `word`, which is in lower case. Thousands of names are gone through at each letter typed, so nothing is
/// copied as long as the text is plain.
fn contains_ignoring_case(text: &str, word: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// `macs>100k`, `size<2k`, `sqnr<25`.
fn figure_part(part: &str) -> Option<Part> {
    let at = part.find(['<', '>'])?;
    let side = if part.as_bytes()[at] == b'>' { Side::Above } else { Side::Below };
    let by = match part[..at].to_lowercase().as_str() {
        "macs" => ColourBy::Macs,
        "size" | "bytes" => ColourBy::Size,
        "params" | "parameters" => ColourBy::Parameters,
        "output" => ColourBy::Output,
        "latency" => ColourBy::Latency,
        "sqnr" => ColourBy::Error,
        "clipped" => ColourBy::Clipped,
        _ => return None,
    };
    Some(Part::Figure(by, side, number(&part[at + 1..], by)?))
}

/// A number with the unit that is usual for the figure: thousands for counts, KB for bytes, ms for times, percent for shares.
fn number(text: &str, by: ColourBy) -> Option<f64> {
    let lower = text.to_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
    let kilo = if matches!(by, ColourBy::Size | ColourBy::Output) { 1024.0 } else { 1e3 };
    let factor = match &lower[digits.len()..] {
        "k" | "kb" => kilo,
        "m" | "mb" => kilo * kilo,
        "g" => 1e9,
        "ms" => 1e3,
        "s" => 1e6,
        "" | "%" if by == ColourBy::Clipped => 0.01,
        "" | "us" | "b" | "db" => 1.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|n| n * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Option<(ColourBy, Side, f64)> {
        match figure_part(text)? {
            Part::Figure(by, side, limit) => Some((by, side, limit)),
            Part::Word(_) => None,
        }
    }

    #[test]
    fn figures_are_asked_for_as_they_are_read() {
        assert_eq!(limit("macs>100k"), Some((ColourBy::Macs, Side::Above, 100_000.0)));
        assert_eq!(limit("size>2KB"), Some((ColourBy::Size, Side::Above, 2048.0)));
        assert_eq!(limit("sqnr<25"), Some((ColourBy::Error, Side::Below, 25.0)));
        assert_eq!(limit("clipped>1%"), Some((ColourBy::Clipped, Side::Above, 0.01)));
        assert_eq!(limit("latency>1.5ms"), Some((ColourBy::Latency, Side::Above, 1500.0)));
        assert_eq!(limit("macs>"), None);
        assert_eq!(limit("conv"), None);
        assert_eq!(limit("a>b"), None);
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        assert!(contains_ignoring_case("Depthwise_Conv2D", "conv2d"));
        assert!(contains_ignoring_case("Straße/ÉTAGE", "étage"));
        assert!(!contains_ignoring_case("conv", "convolution"));
    }
}
