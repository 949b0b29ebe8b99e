//! One frame for all plots, so that they look and behave alike: ground, grid, axes named with units; hover reads exact values, drag
//! zooms, double-click resets; a menu copies the numbers, saves a picture, or shows the numbers as a table instead.
//!
//! A plot says what it is with a [`Frame`], keeps its [`View`], and paints through [`Frame::show`].

mod axis;
mod menu;
mod table;
pub mod trace;
mod zoom;

use eframe::egui::{
    Color32, Id, Popup, Rangef, Rect, Response, Role, Stroke, StrokeKind, Tooltip, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use egui_plot::{Plot, PlotPoint, PlotTransform, PlotUi};

use super::context::PanelCtx;
use super::picture;
use super::theme::{Palette, Type};
use super::widgets::is_copied;

pub use axis::{Axis, Marks, Scale, scale_switch};
pub use menu::actions;
pub use table::Table;

/// Numbers and names along the axes reach beyond the plot by so much.
const BLEED: Vec2 = vec2(4.0, 6.0);

/// What a user has chosen for one plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The numbers instead of the picture.
    pub as_table: bool,
    /// How counts are spread over the height.
    pub scale: Scale,
    copy: bool,
}

impl View {
    /// Begins with a logarithmic axis.
    pub fn log() -> Self {
        Self { scale: Scale::Log, ..Self::default() }
    }
}

/// What a plot is of.
pub struct Frame<'a> {
    /// What it is called, for menus, pictures and screen readers: `Weights plot`.
    pub name: &'static str,
    /// What of: a zoom belongs to it.
    pub subject: &'a str,
    /// What is to be seen, in a sentence.
    pub summary: String,
    /// In points, axes included.
    pub height: f32,
    /// The axes: across and up.
    pub axes: [Axis; 2],
    /// What is shown before anybody zooms: across and up.
    pub ranges: [(f64, f64); 2],
    /// The same numbers as a table.
    pub table: Table<'a>,
}

/// The plot as it lies on screen.
pub struct Canvas<'a> {
    /// From values to points and back.
    pub transform: &'a PlotTransform,
    /// Where the pointer is, if it is on the plot and nothing else.
    pub pointer: Option<PlotPoint>,
    /// The plot's own response.
    pub response: &'a Response,
}

impl Canvas<'_> {
    /// Where the plot lies without its axes.
    pub fn rect(&self) -> Rect {
        *self.transform.frame()
    }

    /// Where a value lies across.
    pub fn x(&self, value: f64) -> f32 {
        self.transform.position_from_point_x(value)
    }

    /// Where a value lies up.
    pub fn y(&self, value: f64) -> f32 {
        self.transform.position_from_point_y(value)
    }
}

/// What is read under the pointer.
pub struct Reading {
    /// Exact values with units, a line each.
    pub text: String,
    /// What it is read from, across; highlighted.
    pub span: Option<(f64, f64)>,
}

impl Frame<'_> {
    /// Shows the plot or its table. `items` are painted by the plot; `overlay` paints on top of it and reads what is under the
    /// pointer.
    pub fn show<'p>(
        &self,
        cx: PanelCtx<'_>,
        view: &mut View,
        ui: &mut Ui,
        items: impl FnOnce(&mut PlotUi<'p>) + 'p,
        overlay: impl FnOnce(&mut Ui, &Canvas<'_>) -> Option<Reading>,
    ) {
        if std::mem::take(&mut view.copy) {
            ui.ctx().copy_text(self.table.as_text());
        }
        if view.as_table {
            let place = ui.scope(|ui| self.table.ui(self.name, self.height, ui)).response.rect;
            if is_copied(ui, ui.rect_contains_pointer(place)) {
                ui.ctx().copy_text(self.table.as_text());
            }
            return;
        }
        let p = Palette::of(ui);
        let is_pictured = picture::is_wanted(cx, self.name);
        let from = picture::mark(ui);
        let top_left = ui.cursor().min;
        let width = ui.available_width();
        let painted = Rect::from_min_size(top_left, vec2(width, self.height)).expand2(BLEED);
        let shown_of_panel = picture::uncover(cx, ui, self.name, painted);
        let id = ui.make_persistent_id((self.name, self.subject, view.scale));
        let shown = ground(ui, |ui| self.plot(p, id).show(ui, items));
        let (response, transform) = (shown.response, shown.transform);
        let name = format!("{}: {}", self.name, self.summary);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        if is_copied(ui, response.hovered() || response.has_focus()) {
            ui.ctx().copy_text(self.table.as_text());
        }
        let is_busy = response.dragged() || is_pictured || Popup::is_any_open(ui.ctx());
        let pointer = response.hover_pos().filter(|_| !is_busy).map(|at| transform.value_from_position(at));
        let canvas = Canvas { transform: &transform, pointer, response: &response };
        if let Some(reading) = overlay(ui, &canvas) {
            reading_ui(&reading, &canvas, ui);
        }
        zoom::zoom_ui(id, &canvas, ui);
        if response.has_focus() {
            ui.painter().rect_stroke(*transform.frame(), 2.0, Stroke::new(1.5, p.accent), StrokeKind::Inside);
        }
        response.context_menu(|ui| menu::menu_ui(cx, view, self.name, ui));
        picture::take(cx, ui, self.name, from, painted, p.panel);
        if let Some(shown) = shown_of_panel {
            picture::cover(ui, from, shown);
        }
    }

    fn plot<'p>(&self, p: &Palette, id: Id) -> Plot<'p> {
        let [x, y] = &self.axes;
        let [(left, right), (bottom, top)] = self.ranges;
        Plot::new(self.name)
            .id(id)
            .grid_color(p.grid)
            .grid_fade(0.0)
            .grid_spacing(Rangef::new(24.0, 48.0))
            .height(self.height)
            .show_axes([x.is_shown(), y.is_shown()])
            .show_grid([x.is_shown(), y.is_shown()])
            .show_crosshair(false)
            .allow_scroll(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_axis_zoom_drag(false)
            .allow_boxed_zoom(false)
            .x_grid_spacer(x.spacer(true))
            .y_grid_spacer(y.spacer(false))
            .set_margin_fraction(vec2(0.0, 0.02))
            .label_formatter(|_| None)
            .custom_x_axes(vec![x.hints(p, true)])
            .custom_y_axes(vec![y.hints(p, false)])
            .include_x(left)
            .include_x(right)
            .include_y(bottom)
            .include_y(top)
    }
}

/// What is read, beside the pointer, and where it is read.
fn reading_ui(reading: &Reading, canvas: &Canvas<'_>, ui: &Ui) {
    let p = Palette::of(ui);
    let frame = canvas.rect();
    if let Some((from, to)) = reading.span {
        let (left, right) = (canvas.x(from).max(frame.left()), canvas.x(to).min(frame.right()));
        let column = Rect::from_min_max(pos2(left, frame.top()), pos2(right.max(left + 1.0), frame.bottom()));
        ui.painter_at(frame).rect_filled(column, 0.0, p.text.gamma_multiply(0.14));
    }
    let id = canvas.response.id.with("reading");
    let tooltip = Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, eframe::egui::PopupAnchor::Pointer);
    tooltip.gap(12.0).width(440.0).show(|ui| {
        ui.label(Type::Small.text(&reading.text, p.text));
    });
}

/// Paints what `contents` shows on the ground of plots, without an outline.
fn ground<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let p = Palette::of(ui);
    ui.scope(|ui| {
        let visuals = ui.visuals_mut();
        visuals.extreme_bg_color = p.plot;
        visuals.widgets.noninteractive.bg_stroke = Stroke::NONE;
        contents(ui)
    })
    .inner
}

/// The colour of the n-th of several things that are shown over each other.
pub fn series_colour(p: &Palette, index: usize) -> Color32 {
    if index == 0 { p.accent } else { p.series[(index - 1) % p.series.len()] }
}
