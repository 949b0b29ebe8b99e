//! Source and candidate side by side, by the words on them: what is selected in one is selected in the other, what differs says so, and
//! edges carry how far they are from the float model.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Rect, Shape, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command, Commands, Shown};
use tinsmith::gui::context::PanelCtx;
use tinsmith::gui::graph_view::layout::layout;
use tinsmith::gui::panels::graph::GraphPanel;
use tinsmith::gui::session::{Edit, Open, Session};
use tinsmith::gui::{App, theme};
use tinsmith_core::optimize::{Candidate, Rewritten};
use tinsmith_core::preview::Source;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Entry, Recipe};
use tinsmith_tests::shared;
use tinsmith_tests::window::{Folder, Window, act, app, chain, drop_file, is_complete, open_sized, send, settle, wait};

/// A net of Keras with its normalizations fused, as source and candidate side by side.
fn open_both(folder: &Folder, size: [f32; 2]) -> Option<Window> {
    let from = [shared("data/models/digits_cnn/digits_cnn.keras")?, shared("data/models/digits_cnn/digits_cnn_data.npz")?];
    let [model, data] = from.map(|path| {
        let to = folder.0.join(path.file_name().unwrap());
        std::fs::copy(&path, &to).unwrap();
        to
    });
    let mut window = open_sized(Some(model), size);
    wait(&mut window, "the model", |app| app.session().open.is_some() && app.session().activity.is_none());
    drop_file(&mut window, &data);
    wait(&mut window, "all figures", is_complete);
    let step = |name: &str| Entry { enabled: true, step: tinsmith_core::optimize::parse_step(name).unwrap() };
    let recipe = Recipe { steps: ["fuse-batch-norm", "clean-up", "quantize", "pack"].map(step).into() };
    let edit = Edit { recipe, ..app(&window).session().edit.clone() };
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().unwrap().take_edit(edit, &ctx);
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    window.get_by_role_and_label(Role::RadioButton, "both").click();
    wait(&mut window, "both layouts", are_laid_out);
    settle(&mut window);
    Some(window)
}

fn are_laid_out(app: &App) -> bool {
    let session = app.session();
    let is_laid_out = |which| session.ref_to(which).is_some_and(|graph| session.layout_for(&graph).is_some());
    session.shows_both_now() && is_laid_out(Shown::Source) && is_laid_out(Shown::Candidate)
}

/// Names of the boxes of one of the graphs, and whether they are marked.
fn boxes(window: &Window, side: &str) -> Vec<(String, bool, Rect)> {
    let all = window.query_all_by_role(Role::Button).filter_map(|node| {
        let of = node.accesskit_node();
        let is_marked = of.is_selected() == Some(true) || of.toggled() == Some(eframe::egui::accesskit::Toggled::True);
        Some((of.label()?, is_marked, node.rect()))
    });
    all.filter(|(name, ..)| name.ends_with(&format!(", {side}")) && !name.starts_with("Model ")).collect()
}

fn marked(window: &Window, side: &str) -> Vec<String> {
    let all = boxes(window, side).into_iter().filter(|(_, is_marked, _)| *is_marked);
    all.map(|(name, ..)| name.split(',').next().unwrap_or_default().to_owned()).collect()
}

fn click(window: &mut Window, side: &str, layer: &str) {
    let name = boxes(window, side).into_iter().map(|(name, ..)| name).find(|name| name.starts_with(&format!("{layer}, ")));
    let name = name.unwrap_or_else(|| panic!("no box {layer} in the {side}"));
    window.get_by_role_and_label(Role::Button, &name).click();
    settle(window);
}

fn texts(window: &Window) -> Vec<String> {
    fn collect(shape: &Shape, into: &mut Vec<String>) {
        match shape {
            Shape::Text(text) => into.push(text.galley.text().to_owned()),
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, into)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    window.output().shapes.iter().for_each(|clipped| collect(&clipped.shape, &mut all));
    all
}

#[test]
fn what_is_selected_in_one_graph_is_selected_in_the_other() {
    let folder = Folder::new("both-select");
    let Some(mut window) = open_both(&folder, [1920.0, 1400.0]) else { return };
    click(&mut window, "source", "b1");
    assert_eq!(app(&window).session().shown_now(), Shown::Source, "the inspector is about what was clicked");
    assert_eq!(app(&window).session().selection.as_deref(), Some("b1"));
    assert_eq!((marked(&window, "source"), marked(&window, "candidate")), (vec!["b1".to_owned()], vec!["c1".to_owned()]));

    click(&mut window, "candidate", "c2");
    assert_eq!(app(&window).session().shown_now(), Shown::Candidate);
    assert_eq!(marked(&window, "candidate"), ["c2"]);
    let made_of = marked(&window, "source");
    assert!(made_of.contains(&"c2".to_owned()) && made_of.contains(&"b2".to_owned()), "all that it is made of: {made_of:?}");

    act(&mut window, Action::SelectNone);
    settle(&mut window);
    assert!(marked(&window, "source").is_empty() && marked(&window, "candidate").is_empty());

    // Back to one graph: names say no more in which graph they are.
    window.get_by_role_and_label(Role::RadioButton, "source").click();
    settle(&mut window);
    assert!(!app(&window).session().shows_both_now() && boxes(&window, "source").is_empty());
}

#[test]
fn the_counterpart_comes_into_view() {
    let folder = Folder::new("both-reveal");
    let Some(mut window) = open_both(&folder, [1920.0, 1400.0]) else { return };
    let canvas = window.get_by_label_contains("Graph of the candidate").rect();
    window.drag_at(canvas.center_bottom() - vec2(4.0, 60.0));
    window.step();
    window.hover_at(canvas.center_top() - vec2(4.0, 3000.0));
    window.step();
    window.drop_at(canvas.center_top() - vec2(4.0, 3000.0));
    settle(&mut window);
    let is_seen = |window: &Window| {
        let mut all = boxes(window, "candidate").into_iter();
        all.any(|(name, _, rect)| name.starts_with("c1, ") && canvas.contains_rect(rect) && rect.height() > 8.0)
    };
    assert!(!is_seen(&window), "dragged out of view");
    let before: Vec<Rect> = boxes(&window, "source").into_iter().map(|(.., rect)| rect).collect();
    assert!(!before.is_empty(), "the other canvas stays where it is");
    click(&mut window, "source", "b1");
    assert!(is_seen(&window));
    assert_eq!(before, boxes(&window, "source").into_iter().map(|(.., rect)| rect).collect::<Vec<_>>());
}

#[test]
fn what_differs_says_so_in_both_graphs() {
    let folder = Folder::new("both-differs");
    let Some(window) = open_both(&folder, [1920.0, 1400.0]) else { return };
    let has = |side: &str, start: &str, part: &str| {
        boxes(&window, side).iter().any(|(name, ..)| name.starts_with(&format!("{start}, ")) && name.contains(part))
    };
    assert!(has("source", "b1", "folded into c1"));
    assert!(has("source", "c1", "others are merged into it"));
    assert!(has("candidate", "c1", "+ Batch norm"));
    let legend = "bar: differs; dashed: not in the candidate";
    assert!(texts(&window).iter().any(|text| text.contains(legend)), "the legend says what marks mean");
}

#[test]
fn edges_carry_their_distance_from_the_float_model() {
    let folder = Folder::new("both-edges");
    let Some(mut window) = open_both(&folder, [1920.0, 1400.0]) else { return };
    send(&mut window, Command::ShowBoth(false));
    settle(&mut window);
    wait(&mut window, "the layout", |app| app.session().layout_of == app.session().graph_ref());
    settle(&mut window);
    let errors = app(&window).session().figures.layer_errors.value.clone().unwrap();
    let first = errors.layers.iter().flatten().find(|e| e.sqnr_db.is_finite()).unwrap().sqnr_db;
    let words = format!(", {first:.1} dB");
    assert!(texts(&window).iter().any(|text| text.ends_with(&words) && text.contains('×')), "an edge ends with {words}");
}

/// What a frame takes is printed: on a busy machine it says nothing about the window.
#[test]
fn two_graphs_of_thousands_of_nodes_are_shown_side_by_side() {
    const NODES: usize = 5_000;
    let mut panel = large_panel(NODES);
    let frame_ms = |panel: &mut Harness<'_, Shared>, both: bool| {
        panel.state_mut().session.shows_both = both;
        // Looks and layouts are taken once; what counts is every frame after that.
        panel.run_steps(6);
        let begin = std::time::Instant::now();
        panel.run_steps(20);
        begin.elapsed().as_secs_f64() * 1e3 / 20.0
    };
    let (one, two) = (frame_ms(&mut panel, false), frame_ms(&mut panel, true));
    println!("a frame of one graph of {NODES} nodes: {one:.1} ms, of two: {two:.1} ms");
    panel.get_by_label_contains("Graph of the source, 5,000 layers");
    panel.get_by_label_contains("Graph of the candidate, 5,000 layers");
}

struct Shared {
    session: Session,
    panel: GraphPanel,
}

/// The panel alone, with a chain of `n` nodes as source and candidate.
fn large_panel(n: usize) -> Harness<'static, Shared> {
    let graph = chain(n);
    let source = Arc::new(Source::in_memory("chain", graph.clone()));
    let rewritten = Rewritten {
        graph: graph.clone(),
        origin: vec![],
        by: String::new(),
        absorbed: Default::default(),
        pruned: vec![],
        unpruned: None,
        ranked: vec![],
        steps: vec![],
    };
    let candidate = Candidate { graph, origin: vec![], rewritten: Arc::new(rewritten), from_rewritten: vec![], steps: vec![] };
    let mut session = Session::default();
    session.show(Open::new(source, Recipe::default()), Edit::new(Recipe::default()));
    session.figures.candidate.value = Some(Arc::new(candidate));
    session.shows_both = true;
    for which in [Shown::Candidate, Shown::Source] {
        let graph = session.ref_to(which).unwrap();
        let layout = layout(graph.graph(), &BTreeSet::new(), vec2(450.0, 560.0), &Cancel::new()).unwrap();
        session.take_layout(graph, Arc::new(layout));
    }
    let frame = |ui: &mut eframe::egui::Ui, shared: &mut Shared| {
        let commands = Commands::default();
        shared.panel.ui(PanelCtx { session: &shared.session, commands: &commands }, ui);
    };
    let builder = Harness::builder().with_size([900.0, 600.0]).with_step_dt(0.1).with_context_setup(theme::install);
    builder.build_ui_state(frame, Shared { session, panel: GraphPanel::default() })
}
