//! The canvas: pan, zoom, what is under the pointer, and painting only what is in view.

use eframe::egui::{Id, Key, Painter, PointerButton, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use super::glide::Glide;
use super::layout::{Item, Layout};
use super::pen::{Mood, Pen, caret_of};
use super::picture::Picture;
use super::view::{Detail, View, ZOOM};
use crate::gui::theme::Palette;

/// What happened on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Box clicked.
    pub clicked: Option<usize>,
    /// Ctrl or Shift was held: add to the selection.
    pub is_added: bool,
    /// Box under the pointer.
    pub hovered: Option<usize>,
    /// Edge under the pointer, unless it is too far away to be pointed at.
    pub edge: Option<usize>,
    /// Clicked beside all boxes.
    pub cleared: bool,
    /// Block whose caret was clicked.
    pub toggled: Option<usize>,
}

/// Paints the graph over `canvas` and moves `view` with drag, wheel and pinch. `name` is what the canvas is called as a whole.
pub fn draw(
    ui: &mut Ui,
    canvas: Rect,
    view: &mut View,
    layout: &Layout,
    picture: &impl Picture,
    glide: &Glide,
    name: &str,
) -> Touched {
    let background = ui.interact(canvas, ui.scope_id().with("graph canvas"), Sense::click_and_drag());
    background.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, name));
    pan_and_zoom(ui, canvas, view, &background);
    let t = glide.progress(ui.ctx());
    let shown = glide.looking(*view, t);
    let painter = ui.painter_at(canvas);
    let seen = shown.seen(canvas.size());
    let edges = layout.edge_index.meeting(seen);
    let place = |i: usize| shown.rect_to_screen(canvas, glide.on_the_way(i, layout.placed[i].rect, t));
    let boxes: Vec<(usize, Rect)> = layout.box_index.meeting(seen).into_iter().map(|i| (i, place(i))).collect();
    let ctx = ui.ctx().clone();
    let mut pen = Pen::new(&ctx, Palette::of(ui), shown, canvas, glide.edge_clarity(t));
    let mut touched = if shown.detail() == Detail::Far {
        pen.far(layout, picture, &boxes, &edges);
        Touched::default()
    } else {
        pen.edges(layout, picture, &edges);
        pen.brackets(layout);
        let mut near = Near { ui: &mut *ui, painter: &painter, canvas, id: background.id, layout, picture, view: shown };
        let mut touched = near.boxes(&mut pen, &boxes);
        touched.toggled = near.carets(seen).or(touched.toggled);
        touched
    };
    if background.hovered() && touched.hovered.is_none() && shown.detail() > Detail::Far {
        touched.edge = ui.ctx().pointer_hover_pos().and_then(|at| pen.edge_at(layout, picture, at));
    }
    painter.extend(pen.out);
    take_background(ui, canvas, shown, layout, &boxes, &background, &mut touched);
    touched.is_added = ui.input(|i| i.modifiers.command || i.modifiers.shift);
    touched
}

/// From far out boxes have no responses of their own: they are found by position.
fn take_background(
    ui: &Ui,
    canvas: Rect,
    view: View,
    layout: &Layout,
    boxes: &[(usize, Rect)],
    background: &Response,
    touched: &mut Touched,
) {
    let under = |at| boxes.iter().map(|(i, _)| *i).find(|&i| layout.placed[i].rect.contains(view.to_graph(canvas, at)));
    if background.clicked() && touched.clicked.is_none() && touched.toggled.is_none() {
        touched.clicked = background.interact_pointer_pos().and_then(under);
        touched.cleared = touched.clicked.is_none();
    }
    if background.hovered() && touched.hovered.is_none() && view.detail() == Detail::Far {
        touched.hovered = ui.ctx().pointer_hover_pos().and_then(under);
    }
}

fn pan_and_zoom(ui: &Ui, canvas: Rect, view: &mut View, background: &Response) {
    if background.dragged_by(PointerButton::Primary) || background.dragged_by(PointerButton::Middle) {
        view.origin -= background.drag_delta() / view.zoom;
    }
    let Some(at) = ui.ctx().pointer_hover_pos().filter(|at| canvas.contains(*at)) else { return };
    if !background.contains_pointer() && !background.hovered() {
        return;
    }
    let (pinch, scroll, space) = ui.input(|i| (i.zoom_delta(), i.smooth_scroll_delta(), i.key_down(Key::Space)));
    if space {
        view.origin -= scroll / view.zoom;
        return;
    }
    let factor = pinch * (scroll.y / 240.0).exp();
    if factor != 1.0 {
        let fixed = view.to_graph(canvas, at);
        view.zoom = (view.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        view.origin = fixed - (at - canvas.min) / view.zoom;
    }
}

/// Boxes that are near enough to be pointed at and read out one by one.
struct Near<'a, P> {
    ui: &'a mut Ui,
    painter: &'a Painter,
    canvas: Rect,
    id: Id,
    layout: &'a Layout,
    picture: &'a P,
    view: View,
}

impl<P: Picture> Near<'_, P> {
    fn boxes(&mut self, pen: &mut Pen<'_>, boxes: &[(usize, Rect)]) -> Touched {
        let mut touched = Touched::default();
        for &(i, rect) in boxes {
            let item = self.layout.placed[i].item;
            let (words, emphasis) = (self.picture.words(i), self.picture.emphasis(i));
            let response = self.ui.interact(rect.intersect(self.canvas), self.id.with(i), Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, emphasis.is_selected, &words.name));
            if response.clicked() {
                touched.clicked = Some(i);
            }
            if response.hovered() {
                touched.hovered = Some(i);
            }
            if let Item::Block(block) = item
                && response.double_clicked()
            {
                touched.toggled = Some(block);
            }
            let mood = Mood { emphasis, is_hovered: response.hovered(), has_focus: response.has_focus() };
            pen.node(item, rect, &self.picture.ground(i), words, mood);
        }
        for &(i, rect) in boxes {
            if let Item::Block(block) = self.layout.placed[i].item {
                let caret = Rect::from_min_size(rect.min, Vec2::splat(rect.height() * 0.6));
                touched.toggled = self.caret(caret, block, "Expand").or(touched.toggled);
            }
        }
        touched
    }

    /// Carets of brackets in view; the block whose caret was clicked.
    fn carets(&mut self, seen: Rect) -> Option<usize> {
        let layout = self.layout;
        let mut clicked = None;
        for bracket in layout.brackets.iter().filter(|b| b.is_first && seen.contains(b.top)) {
            let caret = caret_of(bracket, self.view, self.canvas);
            clicked = self.caret(caret, bracket.block, "Collapse").or(clicked);
        }
        clicked
    }

    fn caret(&mut self, rect: Rect, block: usize, verb: &str) -> Option<usize> {
        let number = self.layout.blocks[block].number;
        let id = self.id.with(("caret", block));
        let response = self.ui.interact(rect.expand(3.0).intersect(self.canvas), id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{verb} block {number}")));
        if response.hovered() || response.has_focus() {
            let p = Palette::of(self.ui);
            self.painter.rect_filled(rect.expand(2.0), 2.0, p.control_hover);
        }
        response.clicked().then_some(block)
    }
}
