//! Where the graphs on screen lie in the panel: one over all of it, or two with a title each.

use eframe::egui::{Align, Label, Layout, Rect, Stroke, Ui, UiBuilder, Vec2, pos2, vec2};

use crate::gui::command::Shown;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;

/// Height of the title over each of two graphs.
const TITLE: f32 = 24.0;
/// In a smaller panel a legend in a corner would cover boxes.
const ROOM_FOR_LEGEND: Vec2 = vec2(720.0, 440.0);
/// In a narrower panel one graph lies above the other, unless there is even less height.
const ROOM_FOR_TWO: f32 = 560.0;
const FLAT: f32 = 1.4;
/// With less room beside the title the rest of it is left out.
const ROOM_FOR_WORDS: f32 = 128.0;

/// Where a graph lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Which graph.
    pub which: Shown,
    /// Position among the panel's panes.
    pub slot: usize,
    /// Where its title stands, if there are two.
    pub title: Option<Rect>,
    /// Where it is painted.
    pub canvas: Rect,
    /// Whether the legend stands in a corner of it; otherwise in a strip below all graphs.
    pub has_legend: bool,
}

/// The slot of a graph that is alone, and of the candidate beside the source.
pub(super) const MAIN: usize = 1;
/// The slot of the source beside the candidate.
pub(super) const BESIDE: usize = 0;

/// The graphs on screen, above a strip of this height if they need one.
pub(super) fn places(cx: PanelCtx<'_>, panel: Rect, strip: f32) -> Vec<Place> {
    if !cx.session.shows_both_now() {
        let has_legend = panel.width() >= ROOM_FOR_LEGEND.x && panel.height() >= ROOM_FOR_LEGEND.y;
        let canvas = if has_legend { panel } else { above(panel, strip) };
        return vec![Place { which: cx.session.shown_now(), slot: MAIN, title: None, canvas, has_legend }];
    }
    let (first, second) = halves(above(panel, strip));
    vec![titled(Shown::Source, BESIDE, first), titled(Shown::Candidate, MAIN, second)]
}

/// Where the legend has no corner it stands below, in a strip of this height.
fn above(panel: Rect, strip: f32) -> Rect {
    panel.with_max_y((panel.bottom() - strip).max(panel.top()))
}

/// Where the strip with the legend stands.
pub(super) fn legend_place(panel: Rect, strip: f32) -> Rect {
    panel.with_min_y(above(panel, strip).bottom())
}

fn halves(panel: Rect) -> (Rect, Rect) {
    if panel.width() >= ROOM_FOR_TWO || panel.width() > FLAT * panel.height() {
        panel.split_left_right_at_fraction(0.5)
    } else {
        panel.split_top_bottom_at_fraction(0.5)
    }
}

fn titled(which: Shown, slot: usize, part: Rect) -> Place {
    let (title, canvas) = part.split_top_bottom_at_y(part.top() + TITLE.min(part.height()));
    Place { which, slot, title: Some(title), canvas, has_legend: false }
}

/// The title over one of two graphs, which says what the rest of the window is about.
pub(super) fn title_ui(cx: PanelCtx<'_>, ui: &mut Ui, place: &Place) {
    let (Some(line), Some(graph)) = (place.title, cx.session.ref_to(place.which)) else { return };
    let p = Palette::of(ui);
    let is_on = cx.session.shown_now() == place.which;
    let panel = line.union(place.canvas);
    ui.painter().rect_filled(line, 0.0, p.panel);
    ui.painter().hline(line.x_range(), line.bottom() - 0.5, Stroke::new(1.0, p.line));
    ui.painter().vline(panel.left() + 0.5, panel.y_range(), Stroke::new(1.0, p.line));
    if is_on {
        let mark = Rect::from_min_max(pos2(line.left(), line.bottom() - 2.0), line.max);
        ui.painter().rect_filled(mark, 0.0, p.accent);
    }
    let name = if place.which == Shown::Source { "Source" } else { "Candidate" };
    let n = graph.graph().nodes.len();
    let ops = if n == 1 { "1 op".to_owned() } else { format!("{} ops", units::exact(n as u64)) };
    let inner = line.shrink2(vec2(f32::from(PANEL_PADDING), 0.0));
    let builder = UiBuilder::new().max_rect(inner).layout(Layout::left_to_right(Align::Center)).id_salt(name);
    let mut inside = ui.new_child(builder);
    inside.label(Type::SmallTitle.text(name, if is_on { p.text } else { p.text_weak }));
    inside.label(Type::Caption.text(ops, p.text_weak));
    if is_on && inside.available_width() >= ROOM_FOR_WORDS {
        inside.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(Type::Caption.text("in inspector and table", p.text_weak)).truncate());
        });
    }
}
