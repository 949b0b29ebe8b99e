//! The whole graph in a corner, with the part in view marked: drag or click in it to look elsewhere.

use std::sync::Arc;

use eframe::egui::{CornerRadius, Mesh, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use super::layout::Layout;
use super::picture::Picture;
use super::view::View;
use crate::gui::theme::{Palette, RADIUS_CONTROL};

const SIZE: Vec2 = vec2(160.0, 100.0);
const INSET: f32 = 12.0;
const PADDING: f32 = 6.0;
/// The part in view is marked by at least this much.
const MIN_MARK: f32 = 6.0;

/// The mini-map's mesh, kept until the picture or its place changes.
#[derive(Clone, Debug, Default)]
pub struct MiniMap {
    mesh: Option<(Rect, Arc<Mesh>)>,
}

impl MiniMap {
    /// Paints it anew in the next frame: colours or boxes have changed.
    pub fn forget(&mut self) {
        self.mesh = None;
    }

    /// Where it is on a canvas; `None` while the whole graph is in view.
    pub fn place(canvas: Rect, view: View, layout: &Layout) -> Option<Rect> {
        let fits = canvas.width() > 3.0 * SIZE.x && canvas.height() > 2.5 * SIZE.y;
        let is_whole = view.seen(canvas.size()).contains_rect(layout.bounds);
        let shape = layout.bounds.size().max(Vec2::splat(1.0));
        let scale = ((SIZE.x - 2.0 * PADDING) / shape.x).min((SIZE.y - 2.0 * PADDING) / shape.y);
        let size = (shape * scale + Vec2::splat(2.0 * PADDING)).max(Vec2::splat(32.0));
        let corner = canvas.right_bottom() - Vec2::splat(INSET);
        (fits && !is_whole).then(|| Rect::from_min_size(corner - size, size))
    }

    /// Shows it at `place`; returns the graph point to look at, if the user chose one.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        place: Rect,
        canvas: Rect,
        view: View,
        layout: &Layout,
        picture: &impl Picture,
    ) -> Option<Pos2> {
        let p = Palette::of(ui);
        let inner = place.shrink(PADDING);
        let zoom = (inner.width() / layout.bounds.width().max(1.0)).min(inner.height() / layout.bounds.height().max(1.0));
        let map = View { origin: layout.bounds.center() - inner.size() / (2.0 * zoom), zoom };
        let response = ui.interact(place, ui.scope_id().with("mini-map"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::ScrollView, true, "Mini-map"));
        let painter = ui.painter_at(place.expand(1.0));
        let radius = CornerRadius::same(RADIUS_CONTROL);
        painter.rect(place, radius, p.panel, Stroke::new(1.0, p.line_strong), StrokeKind::Inside);
        let mesh = match &self.mesh {
            Some((at, mesh)) if *at == inner => Arc::clone(mesh),
            _ => {
                let mesh = Arc::new(mesh_of(layout, picture, map, inner));
                self.mesh = Some((inner, Arc::clone(&mesh)));
                mesh
            }
        };
        painter.add(Shape::Mesh(mesh));
        let seen = map.rect_to_screen(inner, view.seen(canvas.size()));
        let seen = Rect::from_center_size(seen.center(), seen.size().max(Vec2::splat(MIN_MARK))).intersect(place);
        painter.rect_filled(seen, 0.0, p.accent.gamma_multiply(0.12));
        painter.rect_stroke(seen, 0.0, Stroke::new(1.25, p.accent), StrokeKind::Inside);
        if response.has_focus() {
            painter.rect_stroke(place, radius, Stroke::new(1.5, p.accent), StrokeKind::Inside);
        }
        let at = response.interact_pointer_pos().filter(|_| response.clicked() || response.dragged())?;
        Some(map.to_graph(inner, at))
    }
}

fn mesh_of(layout: &Layout, picture: &impl Picture, map: View, inner: Rect) -> Mesh {
    let mut mesh = Mesh::default();
    for (i, placed) in layout.placed.iter().enumerate() {
        let rect = map.rect_to_screen(inner, placed.rect);
        let size = rect.size().max(vec2(1.0, 0.75));
        mesh.add_colored_rect(Rect::from_min_size(rect.min, size), picture.ground(i).fill);
    }
    mesh
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::gui::graph_view::layout::layout;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};
    use eframe::egui::pos2;
    use tinsmith_core::progress::Cancel;

    #[test]
    fn it_is_there_only_while_something_is_out_of_view() {
        let canvas = Rect::from_min_size(pos2(0.0, 0.0), vec2(900.0, 600.0));
        let layout = layout(&chain_of(&[Kind::Mean; 40]), &BTreeSet::new(), canvas.size(), &Cancel::new()).unwrap();
        let mut view = View::fit(layout.bounds, canvas.size());
        assert_eq!(MiniMap::place(canvas, view, &layout), None);
        view.zoom *= 2.0;
        let place = MiniMap::place(canvas, view, &layout).unwrap();
        assert!(canvas.contains_rect(place));
        assert_eq!(MiniMap::place(canvas.with_max_x(200.0), view, &layout), None, "there is no room for it");
    }
}
