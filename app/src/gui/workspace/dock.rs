//! Showing an arrangement of panels: they are dragged by their headers, stacked as tabs, split and resized.

use std::collections::{BTreeMap, HashSet};

use eframe::egui::{
    Color32, CursorIcon, Id, Rect, Response, Role, Sense, Stroke, Style, Ui, UiBuilder, UiKind, UiStackInfo, Vec2, Visuals,
    WidgetInfo, WidgetText, pos2, vec2,
};
use egui_tiles::{
    Behavior, Container, EditAction, ResizeState, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree, UiResponse,
};

use super::arrange::arrangement;
use super::panes::Panels;
use super::{Pane, Workspace};
use crate::gui::context::PanelCtx;
use crate::gui::room::Room;
use crate::gui::session::Edit;
use crate::gui::theme::{PANEL_HEADER, Palette};
use crate::gui::widgets::{TABBED, focus_ring, tab_ui};

/// The arrangements of all workspaces.
#[derive(Debug, Default)]
pub struct Dock(BTreeMap<Workspace, Arranged>);

/// The arrangement of one workspace.
#[derive(Debug)]
struct Arranged {
    tree: Tree<Pane>,
    /// Size that it was made for; `None` once the user has changed it: then it is kept and only scaled.
    made_for: Option<Vec2>,
}

impl Dock {
    /// Takes up arrangements that the user made.
    pub fn restore(&mut self, saved: BTreeMap<Workspace, Tree<Pane>>) {
        for (workspace, tree) in saved {
            // An arrangement without any panel, or with one twice, is nobody's: it was made by another version.
            let mut panes: Vec<Pane> = panes_of(&tree).map(|(_, pane)| pane).collect();
            let n = panes.len();
            panes.sort_unstable();
            panes.dedup();
            if n > 0 && panes.len() == n && tree.root().is_some() {
                self.0.insert(workspace, Arranged { tree, made_for: None });
            }
        }
    }

    /// The arrangements that the user made.
    pub fn changed(&self) -> BTreeMap<Workspace, Tree<Pane>> {
        self.0.iter().filter(|(_, a)| a.made_for.is_none()).map(|(&w, a)| (w, a.tree.clone())).collect()
    }

    /// Back to the arrangement that the workspace came with.
    pub fn reset(&mut self, workspace: Workspace) {
        self.0.remove(&workspace);
    }

    /// Panels on screen in this workspace.
    pub fn shown(&self, workspace: Workspace) -> Vec<Pane> {
        self.0.get(&workspace).map(|a| panes_of(&a.tree).map(|(_, pane)| pane).collect()).unwrap_or_default()
    }

    /// Puts a panel into the workspace, or takes it out. The last one stays.
    pub fn toggle(&mut self, workspace: Workspace, pane: Pane) {
        let Some(arranged) = self.0.get_mut(&workspace) else { return };
        let tree = &mut arranged.tree;
        let n = panes_of(tree).count();
        match (tree.tiles.find_pane(&pane), tree.root()) {
            (Some(id), _) if n > 1 => {
                tree.remove_recursively(id);
            }
            (None, Some(root)) => {
                let id = tree.tiles.insert_pane(pane);
                match tree.tiles.get_mut(root) {
                    Some(Tile::Container(container)) => container.add_child(id),
                    _ => tree.root = Some(tree.tiles.insert_horizontal_tile(vec![root, id])),
                }
            }
            _ => return,
        }
        arranged.made_for = None;
    }

    /// Shows a workspace over the rest of `ui`.
    pub fn ui(&mut self, workspace: Workspace, panels: &mut Panels, cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
        let area = ui.available_size();
        let is_for = |a: &Arranged| a.made_for.is_none_or(|size| size == area);
        if !self.0.get(&workspace).is_some_and(is_for) {
            let front = self.0.get(&workspace).map(|a| chosen_tabs(&a.tree)).unwrap_or_default();
            let mut tree = arrangement(workspace, Room::of(ui.ctx()), area);
            // Another size of the window is no reason to turn back to the first tab, even where panels are arranged in another way.
            tree.make_active(|_, tile| matches!(tile, Tile::Pane(p) if front.contains(p)));
            self.0.insert(workspace, Arranged { tree, made_for: Some(area) });
        }
        let Some(arranged) = self.0.get_mut(&workspace) else { return };
        let tabbed = tabbed(&arranged.tree);
        let mut docked = Docked { panels, cx, edit, tabbed, is_changed: false, headers: Vec::new(), tabs_end: 0.0 };
        arranged.tree.ui(&mut docked, ui);
        let (is_changed, headers) = (docked.is_changed, docked.headers);
        if is_changed {
            arranged.made_for = None;
        }
        next_panel_by_keyboard(ui, headers);
    }
}

/// F6 goes from panel to panel, Shift+F6 back: the header is focused, and Tab goes on into the panel.
fn next_panel_by_keyboard(ui: &Ui, mut headers: Vec<(Rect, Id)>) {
    use eframe::egui::{Key, Modifiers};
    let back = ui.input_mut(|i| i.consume_key(Modifiers::SHIFT, Key::F6));
    let on = !back && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::F6));
    if !(back || on) || headers.is_empty() {
        return;
    }
    headers.sort_by(|(a, _), (b, _)| a.left().total_cmp(&b.left()).then(a.top().total_cmp(&b.top())));
    let focused = ui.memory(|m| m.focused());
    let at = headers.iter().position(|(_, id)| Some(*id) == focused);
    let n = headers.len();
    let next = match (at, back) {
        (None, false) => 0,
        (None, true) => n - 1,
        (Some(i), false) => (i + 1) % n,
        (Some(i), true) => (i + n - 1) % n,
    };
    ui.memory_mut(|m| m.request_focus(headers[next].1));
}

fn panes_of(tree: &Tree<Pane>) -> impl Iterator<Item = (TileId, Pane)> + '_ {
    tree.tiles.iter().filter_map(|(id, tile)| if let Tile::Pane(pane) = tile { Some((*id, *pane)) } else { None })
}

/// Panels that somebody brought to the front: the first tab is there by itself.
fn chosen_tabs(tree: &Tree<Pane>) -> HashSet<Pane> {
    let tabs =
        tree.tiles.tiles().filter_map(|tile| if let Tile::Container(Container::Tabs(tabs)) = tile { Some(tabs) } else { None });
    let chosen = tabs.filter(|tabs| tabs.active != tabs.children.first().copied()).filter_map(|tabs| tabs.active);
    chosen.filter_map(|id| tree.tiles.get_pane(&id).copied()).collect()
}

/// Panels whose header is a tab.
fn tabbed(tree: &Tree<Pane>) -> HashSet<TileId> {
    let tabs =
        tree.tiles.tiles().filter_map(|tile| if let Tile::Container(Container::Tabs(tabs)) = tile { Some(tabs) } else { None });
    tabs.flat_map(|tabs| tabs.children.iter().copied()).collect()
}

/// What the arrangement asks for while it is shown.
struct Docked<'a> {
    panels: &'a mut Panels,
    cx: PanelCtx<'a>,
    edit: &'a mut Edit,
    tabbed: HashSet<TileId>,
    is_changed: bool,
    headers: Vec<(Rect, Id)>,
    /// Where the line of tabs that was shown last ends.
    tabs_end: f32,
}

impl Behavior<Pane> for Docked<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, tile: TileId, pane: &mut Pane) -> UiResponse {
        let is_tabbed = self.tabbed.contains(&tile);
        let header = header_ui(ui, *pane, is_tabbed);
        self.headers.push((header.rect, header.id));
        let mut info = UiStackInfo::new(UiKind::GenericArea);
        if is_tabbed {
            info = info.with_tag_value(TABBED, self.tabs_end);
        }
        ui.scope_builder(UiBuilder::new().id_salt(*pane).ui_stack_info(info), |ui| {
            self.panels.ui(*pane, self.cx, self.edit, ui);
        });
        if header.drag_started() { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<Pane>, ui: &mut Ui, id: Id, tile: TileId, state: &TabState) -> Response {
        let title = self.tab_title_for_tile(tiles, tile);
        ui.add_space(12.0);
        let response = tab_ui(ui, Some(id), state.active, title.text());
        self.tabs_end = response.rect.right();
        response
    }

    fn is_tile_draggable(&self, tiles: &Tiles<Pane>, tile: TileId) -> bool {
        // A whole stack of tabs is not dragged: one tab after another is. (A panel is not in the list while it is shown.)
        !matches!(tiles.get(tile), Some(Tile::Container(_)))
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions::default()
    }

    fn on_edit(&mut self, action: EditAction) {
        // Which tab is in front is no change of the arrangement.
        self.is_changed |= action != EditAction::TabSelected;
    }

    fn gap_width(&self, _: &Style) -> f32 {
        1.0
    }

    fn min_size(&self) -> f32 {
        PANEL_HEADER * 4.0
    }

    fn tab_bar_height(&self, _: &Style) -> f32 {
        PANEL_HEADER
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        visuals.panel_fill
    }

    fn tab_bar_hline_stroke(&self, visuals: &Visuals) -> Stroke {
        visuals.widgets.noninteractive.bg_stroke
    }

    fn resize_stroke(&self, style: &Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => style.visuals.widgets.noninteractive.bg_stroke,
            ResizeState::Hovering | ResizeState::Dragging => Stroke::new(2.0, style.visuals.selection.stroke.color),
        }
    }

    fn drag_preview_stroke(&self, visuals: &Visuals) -> Stroke {
        Stroke::new(1.5, visuals.selection.stroke.color)
    }

    fn drag_preview_color(&self, visuals: &Visuals) -> Color32 {
        visuals.selection.stroke.color.gamma_multiply(0.15)
    }
}

/// What lies under a panel's header: it is dragged by, and the keyboard lands on it.
fn header_ui(ui: &mut Ui, pane: Pane, is_tabbed: bool) -> Response {
    let p = Palette::of(ui);
    let top = if is_tabbed { ui.max_rect().top() - PANEL_HEADER } else { ui.max_rect().top() };
    let rect = Rect::from_min_size(pos2(ui.max_rect().left(), top), vec2(ui.max_rect().width(), PANEL_HEADER));
    // With clicks sensed too, a drag begins when the pointer moves, not when it is pressed: what stands in the header is pressed in peace.
    let sense = if is_tabbed { Sense::focusable_noninteractive() } else { Sense::click_and_drag() };
    let response = ui.interact(rect, ui.scope_id().with("header"), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Pane, true, format!("{} panel", pane.title())));
    if response.has_focus() {
        focus_ring(ui, rect.shrink(2.0), p.accent);
    }
    if is_tabbed { response } else { response.on_hover_cursor(CursorIcon::Grab) }
}
