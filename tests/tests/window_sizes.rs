//! The window in sizes from a 1280x800 screen at 200 % up: nothing lies over anything else or ends beyond the window's edge, and all
//! figures are there.

use eframe::egui::Vec2;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::room::Room;
use tinsmith::gui::theme::{METRICS_STRIP, RAIL, STATUS_LINE, TOP_BAR};
use tinsmith::gui::workspace::Workspace;
use tinsmith_tests::window::{Folder, Window, act, app, is_complete, is_shown, open_sized, press, send, settle, wait};

/// 200 %, 150 % and 125 % of a small laptop, the laptop, a usual screen.
const SIZES: [[f32; 2]; 5] = [[640.0, 400.0], [853.0, 533.0], [1024.0, 768.0], [1280.0, 800.0], [1920.0, 1080.0]];
const FIGURES: [&str; 6] = ["Size ", "RAM ", "MACs ", "Latency ", "Energy ", "Accuracy "];

/// A control with its place.
#[derive(Clone, Debug)]
struct Control {
    name: String,
    /// What it is a part of.
    of: String,
    min: [f64; 2],
    max: [f64; 2],
}

impl Control {
    /// By how much two lie over each other, in the direction in which it is less.
    fn overlap(&self, other: &Self) -> f64 {
        let along = |i: usize| self.max[i].min(other.max[i]) - self.min[i].max(other.min[i]);
        along(0).min(along(1))
    }

    fn is_in(&self, other: &Self) -> bool {
        (0..2).all(|i| self.min[i] >= other.min[i] - 1.0 && self.max[i] <= other.max[i] + 1.0)
    }

    /// Whether it stands in top bar, rail, strip or status line.
    fn is_in_frame(&self, size: [f32; 2]) -> bool {
        let [x, y] = [0, 1].map(|i| (self.min[i] + self.max[i]) as f32 / 2.0);
        // What is scrolled away has a place below its panel, which may be that of the status line.
        let is_status = y > size[1] - STATUS_LINE && (self.name.contains("Activity") || self.name.contains("Cancel"));
        y < TOP_BAR + METRICS_STRIP * 0.75 || x < RAIL || is_status
    }
}

/// Buttons, choices, switches and fields on screen.
fn controls(window: &Window) -> Vec<Control> {
    let mut found = Vec::new();
    for node in window.root().children_recursive() {
        let node = node.accesskit_node();
        let role = format!("{:?}", node.role());
        if !["Button", "ComboBox", "CheckBox", "TextInput"].contains(&role.as_str()) {
            continue;
        }
        let Some(at) = node.bounding_box() else { continue };
        let name = format!("{role} {}", node.label().or(node.value()).unwrap_or_default());
        let of = format!("{:?}", node.parent_id());
        found.push(Control { name, of, min: [at.x0, at.y0], max: [at.x1, at.y1] });
    }
    found
}

fn check(window: &Window, size: [f32; 2], what: &str) {
    let all = controls(window);
    let frame: Vec<&Control> = all.iter().filter(|c| c.is_in_frame(size)).collect();
    assert!(frame.len() > 10, "{what}: {} controls in the frame", frame.len());
    for control in &frame {
        let is_inside = (0..2).all(|i| control.min[i] >= -1.0 && control.max[i] <= f64::from(size[i]) + 1.0);
        assert!(is_inside, "{what}: {control:?} reaches over the edge");
    }
    for (i, a) in all.iter().enumerate() {
        for b in &all[i + 1..] {
            // What is scrolled away may have its place below something of another panel.
            let can_meet = a.of == b.of || (a.is_in_frame(size) && b.is_in_frame(size));
            // One in the other is a part of it.
            let is_part = a.is_in(b) || b.is_in(a);
            assert!(!can_meet || is_part || a.overlap(b) <= 1.0, "{what}: {a:?} lies over {b:?}");
        }
    }
}

fn resize(window: &mut Window, size: [f32; 2]) {
    window.set_size(Vec2::from(size));
    settle(window);
}

#[test]
fn nothing_overlaps_and_all_figures_are_there_in_every_size() {
    let folder = Folder::new("sizes");
    let mut window = open_sized(Some(folder.project()), SIZES[0]);
    wait(&mut window, "all figures", is_complete);
    for size in SIZES {
        resize(&mut window, size);
        for workspace in Workspace::ALL {
            act(&mut window, Action::Go(workspace));
            settle(&mut window);
            let what = format!("{} at {}x{}", workspace.name(), size[0], size[1]);
            check(&window, size, &what);
            let names: Vec<String> = controls(&window).into_iter().map(|c| c.name).collect();
            for figure in FIGURES {
                let is_there = names.iter().any(|n| n.strip_prefix("Button ").is_some_and(|n| n.starts_with(figure)));
                assert!(is_there, "{what}: {figure} is missing in {names:?}");
            }
            for name in ["Board", "Data", "Search or command", "Settings", "Save"] {
                assert!(is_shown(&window, name), "{what}: {name} is missing");
            }
        }
    }
}

#[test]
fn an_arrangement_follows_the_width_until_somebody_changes_it() {
    let folder = Folder::new("sizes-arrangement");
    let mut window = open_sized(Some(folder.project()), [1280.0, 800.0]);
    wait(&mut window, "all figures", is_complete);
    act(&mut window, Action::Go(Workspace::Optimize));
    settle(&mut window);
    let has_tab = |window: &Window, name: &str| {
        let role = |node: &egui_kittest::Node<'_>| format!("{:?}", node.accesskit_node().role());
        window.query_all_by_label(name).any(|node| role(&node) == "Tab")
    };
    assert!(!has_tab(&window, "Inspector") && has_tab(&window, "Layers"));
    resize(&mut window, [640.0, 400.0]);
    assert!(has_tab(&window, "Inspector") && has_tab(&window, "Graph"), "two stacks of tabs");
    resize(&mut window, [1280.0, 800.0]);
    assert!(!has_tab(&window, "Inspector"), "and back");
    assert!(app(&window).kept().layouts.is_empty(), "nobody has arranged anything");

    // What somebody arranged stays as it is.
    send(&mut window, Command::TogglePane(tinsmith::gui::workspace::Pane::Memory));
    settle(&mut window);
    resize(&mut window, [640.0, 400.0]);
    assert!(!has_tab(&window, "Inspector"));
    assert_eq!(app(&window).kept().layouts.len(), 1);
}

#[test]
fn what_lies_over_the_panels_fits_into_the_smallest_window() {
    let folder = Folder::new("sizes-over");
    let size = SIZES[0];
    let mut window = open_sized(Some(folder.project()), size);
    wait(&mut window, "all figures", is_complete);
    let inside = |window: &Window, name: &str| {
        let all = controls(window);
        let of = all.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("{name} is not among {all:?}"));
        assert!((0..2).all(|i| of.min[i] >= 0.0 && of.max[i] <= f64::from(size[i])), "{of:?}");
    };
    act(&mut window, Action::Search);
    settle(&mut window);
    inside(&window, "TextInput Search or command");
    press(&mut window, eframe::egui::Modifiers::NONE, eframe::egui::Key::Escape);
    send(&mut window, Command::Explain(Some(tinsmith::gui::command::Quantity::Size)));
    settle(&mut window);
    inside(&window, "Button Close the explanation");
}

#[test]
fn the_steps_of_room_are_where_the_screens_are() {
    let rooms = SIZES.map(|[width, _]| Room::at(width));
    assert_eq!(rooms, [Room::Narrow, Room::Narrow, Room::Medium, Room::Usual, Room::Wide]);
}
