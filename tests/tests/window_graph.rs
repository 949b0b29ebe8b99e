//! The graph as a user finds it: blocks, search, several selected layers, colours, walking. By the words on it; no display is needed.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Command, Commands};
use tinsmith::gui::context::PanelCtx;
use tinsmith::gui::graph_view::layout::{Item, layout};
use tinsmith::gui::panels::graph::GraphPanel;
use tinsmith::gui::session::{Edit, Open, Session};
use tinsmith::gui::{App, theme};
use tinsmith::worker::GraphRef;
use tinsmith_core::graph::Graph;
use tinsmith_core::preview::Source;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Recipe;
use tinsmith_tests::window::{Folder, Window, app, chain, open_sized, send, settle, wait};

#[test]
fn blocks_collapse_and_expand_one_by_one_and_all_at_once() {
    let mut window = open_sample("graph-blocks");
    let n_boxes = boxes(&window);
    let (first_block, inside) = {
        let session = app(&window).session();
        let layout = session.layout.as_ref().unwrap();
        let graph = session.graph().unwrap();
        let nodes = layout.blocks.first().expect("a keyword net repeats itself").nodes.clone();
        (nodes.len(), graph.nodes[nodes.end - 1].name.clone())
    };
    window.get_by_label("Collapse blocks").click();
    wait(&mut window, "blocks to collapse", |app| block_boxes(app) > 0);
    assert!(boxes(&window) < n_boxes);
    settle(&mut window);
    let name = format!("block 1, {first_block} ops");
    window.get_by_label_contains(&name);

    // A layer inside a collapsed block shows on the block's box.
    send(&mut window, Command::Select(Some(inside)));
    settle(&mut window);
    assert!(is_marked(&window, &name), "the block of the selected layer is marked");

    window.get_by_label("Expand blocks").click();
    wait(&mut window, "blocks to open", |app| block_boxes(app) == 0);
    settle(&mut window);
    assert_eq!(boxes(&window), n_boxes);
    window.get_by_label("Collapse block 1").click();
    wait(&mut window, "one block to collapse", |app| block_boxes(app) == 1);
    settle(&mut window);
    window.get_by_label("Expand block 1").click();
    wait(&mut window, "it to open", |app| block_boxes(app) == 0);
    settle(&mut window);
    // Nothing glides any more, so nothing is painted any more: `run` fails if frames go on for ever.
    wait(&mut window, "the worker to finish", |app| app.session().activity.is_none());
    settle(&mut window);
    window.run();
}

#[test]
fn search_steps_through_what_fits() {
    let mut window = open_sample("graph-search");
    let fitting: Vec<String> = {
        let graph = app(&window).session().graph().unwrap();
        graph.nodes.iter().filter(|n| n.op.name() == "DEPTHWISE_CONV_2D").map(|n| n.name.clone()).collect()
    };
    assert!(fitting.len() > 1);
    window.key_press(Key::Slash);
    settle(&mut window);
    window.get_by_label("Find in graph").type_text("depthwise_conv_2d");
    settle(&mut window);
    window.get_by_label(&format!("{} found", fitting.len()));
    let selected = |window: &mut Window, modifiers| {
        window.key_press_modifiers(modifiers, Key::Enter);
        settle(window);
        app(window).session().selection.clone()
    };
    assert_eq!(selected(&mut window, Modifiers::NONE).as_ref(), fitting.first());
    assert_eq!(selected(&mut window, Modifiers::NONE).as_ref(), fitting.get(1));
    assert_eq!(selected(&mut window, Modifiers::SHIFT).as_ref(), fitting.first());
    assert_eq!(selected(&mut window, Modifiers::SHIFT).as_ref(), fitting.last());
    window.key_press(Key::Escape);
    settle(&mut window);
    assert!(window.query_by_label("Find in graph").is_none());
}

#[test]
fn several_layers_are_selected_with_shift_and_walked_from() {
    let mut window = open_sample("graph-several");
    let names: Vec<String> = app(&window).session().graph().unwrap().nodes.iter().take(3).map(|n| n.name.clone()).collect();
    click(&mut window, &names[0], Modifiers::NONE);
    assert_eq!(app(&window).session().selection.as_ref(), Some(&names[0]));
    click(&mut window, &names[1], Modifiers::SHIFT);
    click(&mut window, &names[2], Modifiers::COMMAND);
    assert!(names.iter().all(|name| app(&window).session().is_selected(name)));
    assert!(names.iter().all(|name| is_marked(&window, &title(name))), "each of them is marked");
    click(&mut window, &names[0], Modifiers::NONE);
    assert_eq!(app(&window).session().all_selected().count(), 1);
    window.get_by_label("Fit the graph (F)").focus();
    window.step();
    window.key_press(Key::Escape);
    settle(&mut window);
    send(&mut window, Command::Walk(tinsmith::gui::graph_view::select::Walk::Down));
    settle(&mut window);
    assert_eq!(app(&window).session().selection.as_ref(), Some(&names[1]));
}

#[test]
fn boxes_carry_the_figure_that_colours_them() {
    let mut window = open_sample("graph-colour");
    wait(&mut window, "the figures", |app| app.session().shown_static().is_some());
    let layer = app(&window).session().shown_static().unwrap().layers.iter().find(|l| l.macs > 0).unwrap().clone();
    for (choice, figure) in [
        ("MACs", tinsmith::gui::units::count(layer.macs).joined()),
        ("parameters", tinsmith::gui::units::count(layer.parameters).joined()),
        ("output bytes", tinsmith::gui::units::bytes(layer.output_bytes).joined()),
    ] {
        window.get_by_role_and_label(Role::ComboBox, "Colour by").click();
        settle(&mut window);
        window.query_all_by_role_and_label(Role::Button, choice).last().expect("the menu is open").click();
        settle(&mut window);
        let name = box_name(&window, &title(&layer.name));
        assert!(name.ends_with(&format!(", {figure}")), "{name} ends with {figure}");
    }
}

#[test]
fn a_graph_that_is_being_laid_out_says_so() {
    let mut panel = panel_of(chain(1200), false);
    // The first moment passes without a word: most layouts are there by then.
    panel.run_steps(4);
    panel.get_by_label("Laying out 1,200 nodes");
}

#[test]
fn from_far_out_the_canvas_says_how_layers_are_reached() {
    let mut panel = panel_of(chain(1200), true);
    panel.run_steps(4);
    panel.get_by_label_contains("1,200 layers; zoom in to reach single layers, or use the layers table");
    assert!(panel.query_by_label_contains("n17, ").is_none(), "single layers are too small to be pointed at");
}

#[test]
fn the_mini_map_moves_the_view() {
    let mut panel = panel_of(chain(60), true);
    panel.run_steps(4);
    assert!(panel.query_by_label("Mini-map").is_none(), "the whole graph is in view");
    panel.hover_at(eframe::egui::pos2(450.0, 320.0));
    panel.run_steps(2);
    panel.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: eframe::egui::vec2(0.0, 400.0),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    panel.run_steps(12);
    assert!(panel.query_by_label_contains("n0, ").is_none(), "the first layer is out of view");
    let map = panel.get_by_label("Mini-map").rect();
    let corner = map.left_top() + eframe::egui::vec2(10.0, 10.0);
    panel.drag_at(corner);
    panel.run_steps(2);
    panel.drop_at(corner);
    panel.run_steps(4);
    panel.get_by_label_contains("n0, ");
}

// ------------------------------------------------------------------------------------------------------------ helpers

/// The sample's float model, with its graph laid out.
fn open_sample(name: &str) -> Window {
    // The model is in memory by the time the folder goes.
    let folder = Folder::new(name);
    let mut window = open_sized(Some(folder.sample().0), [1600.0, 1000.0]);
    // Without data there is no candidate: the graph on screen is the source.
    wait(&mut window, "the figures of the source", |app| {
        let figures = &app.session().figures;
        figures.baseline_static.value.is_some() && (figures.is_complete || figures.failure.is_some())
    });
    wait(&mut window, "the graph to be laid out", |app| {
        let session = app.session();
        session.layout.is_some() && session.layout_of == session.graph_ref()
    });
    settle(&mut window);
    window
}

fn boxes(window: &Window) -> usize {
    app(window).session().layout.as_ref().unwrap().placed.len()
}

fn block_boxes(app: &App) -> usize {
    let layout = app.session().layout.as_ref();
    layout.map_or(0, |l| l.placed.iter().filter(|p| matches!(p.item, Item::Block(_))).count())
}

/// The first words on a layer's box.
fn title(layer: &str) -> String {
    format!("{}, ", tinsmith::gui::panels::graph::short_name(layer))
}

fn box_name(window: &Window, start: &str) -> String {
    let mut found = window.query_all_by_role(Role::Button).filter_map(|node| node.accesskit_node().label());
    found.find(|label| label.starts_with(start)).unwrap_or_else(|| panic!("no box begins with {start}"))
}

fn is_marked(window: &Window, start: &str) -> bool {
    let name = box_name(window, start);
    let node = window.get_by_role_and_label(Role::Button, &name);
    let node = node.accesskit_node();
    node.is_selected() == Some(true) || node.toggled() == Some(eframe::egui::accesskit::Toggled::True)
}

fn click(window: &mut Window, layer: &str, modifiers: Modifiers) {
    let name = box_name(window, &title(layer));
    window.get_by_role_and_label(Role::Button, &name).click_modifiers(modifiers);
    settle(window);
}

/// The panel alone, with a session that shows `graph`.
fn panel_of(graph: Graph, is_laid_out: bool) -> Harness<'static> {
    let source = Arc::new(Source::in_memory("chain", graph));
    let mut session = Session::default();
    session.show(Open::new(Arc::clone(&source), Recipe::default()), Edit::new(Recipe::default()));
    if is_laid_out {
        let canvas = eframe::egui::vec2(900.0, 600.0);
        session.layout = layout(&source.graph, &BTreeSet::new(), canvas, &Cancel::new()).ok().map(Arc::new);
        session.layout_of = Some(GraphRef::Source(source));
    }
    let mut panel = GraphPanel::default();
    let frame = move |ui: &mut eframe::egui::Ui| {
        let commands = Commands::default();
        panel.ui(PanelCtx { session: &session, commands: &commands }, ui);
    };
    Harness::builder().with_size([900.0, 600.0]).with_step_dt(0.1).with_context_setup(theme::install).build_ui(frame)
}
