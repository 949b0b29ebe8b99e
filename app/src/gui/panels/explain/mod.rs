//! What makes up a figure of the strip, layer by layer, and what would lower it. Not modal: the rest of the window goes on.

mod advice;
pub mod features;
mod parts;

use eframe::egui::{
    Align, Align2, Area, CornerRadius, Frame, Id, Key, Layout, Margin, Modifiers, Order, Popup, Pos2, Rect, Response, Role,
    ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use tinsmith_core::measure::sizes::Sizes;
use tinsmith_core::measure::{AccuracyFigures, LayerErrors, StaticFigures};
use tinsmith_core::optimize::Candidate;

use crate::gui::command::{Command, Quantity};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::kept::{Same, kept};
use crate::gui::session::Edit;
use crate::gui::theme::{Palette, TABLE_ROW, Type};
use crate::gui::widgets::icon_button;
use parts::{Explanation, Part, accuracy_of, explain, is_stale};
pub use parts::{size_facts, sizes_of};

const WIDTH: f32 = 460.0;
const NAME_WIDTH: f32 = 150.0;
const VALUE_WIDTH: f32 = 84.0;
const SHARE_WIDTH: f32 = 48.0;

/// Shows the explanation of `quantity` below `cell`, the figure it was asked from. `title` is the figure in words.
pub fn ui(cx: PanelCtx<'_>, quantity: Quantity, title: &str, cell: &Response, opened: bool, ui: &Ui) {
    let made = kept(ui.ctx(), "explained figure", Basis::of(cx, quantity), |_| {
        Some((explain(cx, quantity)?, advice::advice(cx, quantity)))
    });
    let Some((of, advice)) = &*made else { return };
    let at = cell.rect.left_bottom() + vec2(0.0, 2.0);
    let mut had_focus = false;
    let area = Area::new(Id::unique("explained figure")).order(Order::Foreground).fixed_pos(at).constrain(true);
    let shown = area.show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).inner_margin(Margin::same(12)).show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 4.0;
            had_focus |= title_ui(cx, quantity, title, opened, ui);
            // A small window, or one at 200 %, has not the height for all of it.
            let room = (ui.ctx().content_rect().bottom() - at.y - 72.0).max(120.0);
            ScrollArea::vertical().max_height(room).show(ui, |ui| {
                for fact in &of.facts {
                    ui.label(Type::Small.text(fact, Palette::of(ui).text_weak));
                }
                had_focus |= parts_ui(cx, of, ui);
                advice_ui(quantity, advice, ui);
            });
        });
    });
    // Escape belongs to an open menu first.
    let is_closed = !Popup::is_any_open(ui.ctx()) && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    // The strip's own cells close it, or put their own in its place.
    let is_on_strip = ui.input(|i| i.pointer.interact_pos()).is_some_and(|pos| cell.rect.y_range().contains(pos.y));
    if is_closed || (shown.response.clicked_elsewhere() && !is_on_strip) {
        cx.send(Command::Explain(None));
        if had_focus {
            cell.request_focus();
        }
    }
}

/// What an explanation was made from: while none of it changes, neither does the explanation.
#[derive(Clone, PartialEq)]
struct Basis {
    quantity: Quantity,
    is_source: bool,
    has_data: bool,
    candidate: Option<Same<Candidate>>,
    statics: [Option<Same<StaticFigures>>; 2],
    errors: Option<Same<LayerErrors>>,
    sizes: Option<Same<Sizes>>,
    accuracy: Option<AccuracyFigures>,
    /// Recipe and board.
    edit: Edit,
}

impl Basis {
    fn of(cx: PanelCtx<'_>, quantity: Quantity) -> Self {
        let figures = &cx.session.figures;
        Self {
            quantity,
            is_source: cx.session.hold_baseline,
            has_data: cx.session.open.as_ref().is_some_and(|o| o.data.is_some()),
            candidate: figures.candidate.value.clone().map(Same),
            statics: [&figures.candidate_static, &figures.baseline_static].map(|statics| statics.value.clone().map(Same)),
            errors: figures.layer_errors.value.clone().map(Same),
            sizes: Some(&figures.sizes).filter(|sizes| !sizes.is_stale).and_then(|sizes| sizes.value.clone()).map(Same),
            accuracy: accuracy_of(cx).value.clone(),
            edit: cx.session.edit.clone(),
        }
    }
}

/// The title line; returns whether its button has the focus.
fn title_ui(cx: PanelCtx<'_>, quantity: Quantity, title: &str, opened: bool, ui: &mut Ui) -> bool {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(Type::Title.text(format!("What makes up {title}"), p.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = icon_button(ui, icons::X, "Close the explanation");
            if close.clicked() {
                cx.send(Command::Explain(None));
            }
            if opened {
                close.request_focus();
            }
            if is_stale(cx, quantity) {
                ui.label(Type::Caption.text("stale", p.text_faint));
            }
            close.has_focus()
        })
        .inner
    })
    .inner
}

/// The layers, most first; returns whether a row has the focus.
fn parts_ui(cx: PanelCtx<'_>, of: &Explanation, ui: &mut Ui) -> bool {
    let p = Palette::of(ui);
    if of.parts.is_empty() {
        return false;
    }
    divider(ui);
    headings_ui(of, ui);
    let most = of.parts.iter().map(|part| part.value.max(part.baseline.unwrap_or(0.0))).fold(0.0, f64::max);
    let mut had_focus = false;
    let mut sum = 0.0;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for part in &of.parts {
            sum += part.share.unwrap_or(0.0);
            had_focus |= part_ui(cx, part, sum, most, ui).has_focus();
        }
    });
    if let Some(rest) = &of.rest {
        ui.label(Type::Small.text(rest, p.text_weak));
    }
    had_focus
}

/// Where the columns of a row lie.
struct Columns {
    name: Rect,
    bar: Rect,
    value: Rect,
    share: Rect,
    sum: Rect,
}

impl Columns {
    fn of(row: Rect) -> Self {
        let cut = |from: f32, to: f32| Rect::from_min_max(pos2(from, row.top()), pos2(to, row.bottom()));
        let sum = row.right() - SHARE_WIDTH;
        let share = sum - SHARE_WIDTH;
        let value = share - VALUE_WIDTH;
        let bar = row.left() + NAME_WIDTH;
        Self {
            name: cut(row.left(), bar - 8.0),
            bar: cut(bar, value - 4.0),
            value: cut(value, share),
            share: cut(share, sum),
            sum: cut(sum, row.right()),
        }
    }
}

/// A line across the popup.
fn divider(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, Palette::of(ui).line_strong));
}

fn headings_ui(of: &Explanation, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    let columns = Columns::of(row);
    let write = |at: Pos2, align: Align2, words: &str| {
        ui.painter().text(at, align, words, Type::Caption.font(), p.text_faint);
    };
    write(columns.name.left_center(), Align2::LEFT_CENTER, of.column);
    let against = if of.parts.iter().any(|part| part.baseline.is_some()) { "source in grey" } else { "" };
    write(columns.bar.left_center(), Align2::LEFT_CENTER, against);
    if of.parts.iter().any(|part| part.share.is_some()) {
        write(columns.share.right_center(), Align2::RIGHT_CENTER, "share");
        write(columns.sum.right_center(), Align2::RIGHT_CENTER, "sum");
    }
}

fn part_ui(cx: PanelCtx<'_>, part: &Part, sum: f64, most: f64, ui: &mut Ui) -> Response {
    let p = Palette::of(ui);
    let sense = if part.node.is_some() { Sense::click() } else { Sense::hover() };
    let (row, response) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_ROW), sense);
    let share = part.share.map(|s| format!("{:.1} %", s * 100.0));
    let words = [Some(part.name.clone()), Some(part.words.clone()), share.clone()];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let is_selected = part.node.as_deref().is_some_and(|n| cx.session.is_selected(n));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, &words));
    let ground = row.expand2(vec2(4.0, 0.0));
    if is_selected {
        ui.painter().rect_filled(ground, CornerRadius::same(2), p.accent_soft);
    } else if response.hovered() && part.node.is_some() {
        ui.painter().rect_filled(ground, CornerRadius::same(2), p.control);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(ground, CornerRadius::same(2), Stroke::new(1.5, p.accent), StrokeKind::Inside);
    }
    let columns = Columns::of(row);
    bars_ui(part, columns.bar, most, ui);
    let font = Type::Small.font();
    let name = ui.painter_at(columns.name);
    name.text(columns.name.left_center(), Align2::LEFT_CENTER, &part.name, font.clone(), p.text);
    ui.painter().text(columns.value.right_center(), Align2::RIGHT_CENTER, &part.words, font.clone(), p.text);
    if let Some(share) = share {
        ui.painter().text(columns.share.right_center(), Align2::RIGHT_CENTER, share, font.clone(), p.text_weak);
        let sum = format!("{:.0} %", sum * 100.0);
        ui.painter().text(columns.sum.right_center(), Align2::RIGHT_CENTER, sum, font, p.text_faint);
    }
    if response.clicked()
        && let Some(node) = &part.node
    {
        cx.send(Command::Select(Some(node.clone())));
    }
    response
}

/// The source's bar behind in grey, the candidate's in front.
fn bars_ui(part: &Part, room: Rect, most: f64, ui: &Ui) {
    let p = Palette::of(ui);
    let bar = |value: f64, height: f32| {
        let width = if most > 0.0 { room.width() * (value / most) as f32 } else { 0.0 };
        Rect::from_min_size(pos2(room.left(), room.center().y - height / 2.0), vec2(width.max(1.5), height))
    };
    if let Some(baseline) = part.baseline {
        ui.painter().rect_filled(bar(baseline, 10.0), CornerRadius::same(2), p.base_fill);
    }
    ui.painter().rect_filled(bar(part.value, 4.0), CornerRadius::same(2), p.accent);
}

fn advice_ui(quantity: Quantity, advice: &[String], ui: &mut Ui) {
    let p = Palette::of(ui);
    if advice.is_empty() {
        return;
    }
    divider(ui);
    let title = if quantity == Quantity::Accuracy { "What would raise it" } else { "What would lower it" };
    ui.label(Type::SmallTitle.text(title, p.text));
    for words in advice {
        ui.label(Type::Small.text(words, p.text_weak));
    }
}
