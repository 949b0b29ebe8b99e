//! How each workspace is arranged until the user changes it. Sizes are points at the size of window it is made for.

use eframe::egui::{Id, Vec2};
use egui_tiles::{Container, Linear, LinearDir, TileId, Tiles, Tree};

use super::{Pane, Workspace};
use crate::gui::room::Room;

/// Something to arrange.
enum Part {
    /// A panel.
    Of(Pane),
    /// Panels behind one another, the first in front.
    Tabs(&'static [Pane]),
    /// Parts beside one another.
    Row(Vec<(Part, Size)>),
    /// Parts above one another.
    Column(Vec<(Part, Size)>),
}

/// How much room a part gets.
#[derive(Clone, Copy)]
enum Size {
    /// So many points.
    Fixed(f32),
    /// A share of what is left.
    Rest(f32),
}

use Part::{Column, Of, Row, Tabs};
use Size::{Fixed, Rest};

/// The arrangement of a workspace for a working area of this size in a window with that much room.
pub fn arrangement(of: Workspace, room: Room, area: Vec2) -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let root = insert(&mut tiles, plan(of, room, area), area);
    Tree::new(Id::unique(("workspace", of)), root, tiles)
}

fn plan(of: Workspace, room: Room, area: Vec2) -> Part {
    match room {
        Room::Narrow => narrow(of, area),
        Room::Medium => medium(of, area),
        Room::Usual | Room::Wide => usual(of, room == Room::Wide, area),
    }
}

/// Two panels beside each other at most, and none above another.
fn narrow(of: Workspace, area: Vec2) -> Part {
    let side = Fixed((area.x * 0.46).clamp(264.0, 320.0));
    match of {
        Workspace::Model => {
            Row(vec![(Of(Pane::Source), side), (Tabs(&[Pane::Graph, Pane::WhereItSits, Pane::Treemap]), Rest(1.0))])
        }
        Workspace::Optimize => Row(vec![
            (Tabs(&[Pane::Recipe, Pane::Inspector]), side),
            (Tabs(&[Pane::Graph, Pane::Layers, Pane::Memory, Pane::Coverage]), Rest(1.0)),
        ]),
        Workspace::Compare => Tabs(&[Pane::Candidates, Pane::Tradeoff, Pane::Difference, Pane::Confusion]),
        Workspace::Data => Row(vec![
            (Tabs(&[Pane::Record, Pane::Sources, Pane::Classes, Pane::DataSet]), side),
            (Tabs(&[Pane::Signals, Pane::Clips, Pane::Features, Pane::Sample, Pane::Coverage]), Rest(1.0)),
        ]),
        Workspace::Live => {
            Row(vec![(Tabs(&[Pane::Now, Pane::OnBoard]), side), (Tabs(&[Pane::Probabilities, Pane::Events]), Rest(1.0))])
        }
        Workspace::Export => Row(vec![(Tabs(&[Pane::Targets, Pane::Fits, Pane::WhatNext]), side), (Of(Pane::Files), Rest(1.0))]),
    }
}

/// Two columns.
fn medium(of: Workspace, area: Vec2) -> Part {
    let side = Fixed(320.0);
    let lower = Fixed((area.y * 0.38).clamp(160.0, 336.0));
    match of {
        Workspace::Model => Row(vec![
            (Of(Pane::Source), Fixed(264.0)),
            (Column(vec![(Of(Pane::Graph), Rest(0.45)), (Tabs(&[Pane::WhereItSits, Pane::Treemap]), Rest(0.55))]), Rest(1.0)),
        ]),
        Workspace::Optimize => Row(vec![
            (Tabs(&[Pane::Recipe, Pane::Inspector]), side),
            (Column(vec![(Of(Pane::Graph), Rest(1.0)), (Tabs(&[Pane::Layers, Pane::Memory, Pane::Coverage]), lower)]), Rest(1.0)),
        ]),
        Workspace::Compare => Column(vec![
            (Of(Pane::Candidates), Rest(0.4)),
            (Row(vec![(Of(Pane::Tradeoff), Rest(1.0)), (Tabs(&[Pane::Confusion, Pane::Difference]), Rest(1.0))]), Rest(0.6)),
        ]),
        Workspace::Export | Workspace::Data => narrow(of, area),
        Workspace::Live => Row(vec![
            (Tabs(&[Pane::Now, Pane::OnBoard]), side),
            (Column(vec![(Of(Pane::Probabilities), Rest(1.0)), (Of(Pane::Events), lower)]), Rest(1.0)),
        ]),
    }
}

fn usual(of: Workspace, is_wide: bool, area: Vec2) -> Part {
    let side = Fixed(296.0);
    let inspector = Fixed(if is_wide { 376.0 } else { 320.0 });
    let lower = Fixed((area.y * 0.38).clamp(160.0, 336.0));
    match of {
        Workspace::Model => Row(vec![
            (Of(Pane::Source), side),
            (
                Column(vec![
                    (Of(Pane::Graph), Rest(0.45)),
                    (Row(vec![(Of(Pane::WhereItSits), Rest(1.0)), (Of(Pane::Treemap), inspector)]), Rest(0.55)),
                ]),
                Rest(1.0),
            ),
        ]),
        Workspace::Optimize => Row(vec![
            (Of(Pane::Recipe), side),
            (Column(vec![(Of(Pane::Graph), Rest(1.0)), (Tabs(&[Pane::Layers, Pane::Memory, Pane::Coverage]), lower)]), Rest(1.0)),
            (Of(Pane::Inspector), inspector),
        ]),
        Workspace::Compare => Column(vec![
            (Row(vec![(Of(Pane::Candidates), Rest(0.7)), (Of(Pane::Difference), Rest(0.3))]), Rest(0.44)),
            (Row(vec![(Of(Pane::Tradeoff), Rest(1.0)), (Of(Pane::Confusion), Rest(1.0))]), Rest(0.56)),
        ]),
        Workspace::Data => Row(vec![
            (
                Column(vec![(Of(Pane::Sources), Rest(0.44)), (Of(Pane::Record), Rest(0.56))]),
                Fixed(if is_wide { 296.0 } else { 264.0 }),
            ),
            (Column(vec![(Of(Pane::Signals), Rest(1.0)), (Tabs(&[Pane::Clips, Pane::Coverage]), lower)]), Rest(1.0)),
            (Tabs(&[Pane::Classes, Pane::Features, Pane::DataSet, Pane::Sample]), inspector),
        ]),
        Workspace::Live => Row(vec![
            (Of(Pane::Now), side),
            (
                Column(vec![
                    (Of(Pane::Probabilities), Rest(1.0)),
                    (Of(Pane::Events), Fixed((area.y * 0.34).clamp(140.0, 300.0))),
                ]),
                Rest(1.0),
            ),
            (Of(Pane::OnBoard), inspector),
        ]),
        Workspace::Export => Row(vec![
            (Of(Pane::Targets), side),
            (Column(vec![(Of(Pane::Fits), Rest(0.68)), (Of(Pane::WhatNext), Rest(0.32))]), Rest(0.4)),
            (Of(Pane::Files), Rest(0.6)),
        ]),
    }
}

fn insert(tiles: &mut Tiles<Pane>, part: Part, area: Vec2) -> TileId {
    match part {
        Of(pane) => tiles.insert_pane(pane),
        Tabs(panes) => {
            let children: Vec<TileId> = panes.iter().map(|&pane| tiles.insert_pane(pane)).collect();
            tiles.insert_tab_tile(children)
        }
        Row(parts) => insert_line(tiles, parts, area, LinearDir::Horizontal),
        Column(parts) => insert_line(tiles, parts, area, LinearDir::Vertical),
    }
}

fn insert_line(tiles: &mut Tiles<Pane>, parts: Vec<(Part, Size)>, area: Vec2, dir: LinearDir) -> TileId {
    let all = if dir == LinearDir::Horizontal { area.x } else { area.y };
    let fixed: f32 = parts.iter().map(|(_, size)| if let Fixed(points) = size { *points } else { 0.0 }).sum();
    let shares: f32 = parts.iter().map(|(_, size)| if let Rest(share) = size { *share } else { 0.0 }).sum();
    let points = |size: Size| match size {
        Fixed(points) => points,
        Rest(share) => (all - fixed).max(0.0) * share / shares,
    };
    let mut line = Linear::new(dir, Vec::new());
    for (part, size) in parts {
        let along = points(size);
        let room = if dir == LinearDir::Horizontal { Vec2::new(along, area.y) } else { Vec2::new(area.x, along) };
        let child = insert(tiles, part, room);
        line.add_child(child);
        line.shares.set_share(child, along.max(1.0));
    }
    tiles.insert_container(Container::Linear(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::theme::RAIL;
    use eframe::egui::vec2;

    #[test]
    fn every_workspace_has_panels_and_none_twice() {
        for workspace in Workspace::ALL {
            for area in [vec2(584.0, 264.0), vec2(904.0, 464.0), vec2(1224.0, 664.0), vec2(1864.0, 944.0)] {
                let tree = arrangement(workspace, Room::at(area.x + RAIL), area);
                let mut panes: Vec<Pane> =
                    tree.tiles.tiles().filter_map(|t| if let egui_tiles::Tile::Pane(p) = t { Some(*p) } else { None }).collect();
                let n = panes.len();
                panes.sort_unstable();
                panes.dedup();
                assert!(n > 0 && panes.len() == n, "{workspace:?} shows {panes:?}");
            }
        }
    }
}
