//! The channels of a layer by importance, as a user finds them: the cut is moved, tied layers follow, undo takes it back.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use tinsmith::gui::App;
use tinsmith::gui::command::Command;
use tinsmith_core::optimize::LayerImportances;
use tinsmith_core::recipe::{PruneChannels, Step};
use tinsmith_tests::window::{Folder, Window, app, holds, is_complete, open_sized, press, send, settle, wait};

const LAYER: &str = "pointwise_4";

fn pruning(app: &App) -> Option<&PruneChannels> {
    app.session().edit.recipe.steps.iter().find_map(|entry| match &entry.step {
        Step::PruneChannels(settings) => Some(settings),
        _ => None,
    })
}

/// What the candidate on screen had to choose from, for the selected layer.
fn group(app: &App) -> Option<LayerImportances> {
    let candidate = app.session().candidate()?;
    let group = candidate.rewritten.ranked.first()?.iter().find(|group| group.layers.iter().any(|name| name == LAYER));
    group.cloned()
}

fn n_cut(app: &App) -> usize {
    group(app).map_or(0, |group| group.channels.iter().filter(|channel| channel.is_cut).count())
}

/// The sample with a step that prunes, and a layer whose channels are added to another's. High enough for the whole inspector.
fn opened(folder: &Folder) -> Window {
    let mut window = open_sized(Some(folder.project()), [1600.0, 2200.0]);
    wait(&mut window, "the sample's figures", is_complete);
    for label in ["Add step", "Add Prune channels"] {
        settle(&mut window);
        window.get_by_label(label).click();
        settle(&mut window);
    }
    wait(&mut window, "pruned channels", |app| group(app).is_some() && is_complete(app));
    send(&mut window, Command::Select(Some(LAYER.to_owned())));
    wait(&mut window, "the histograms", |app| app.session().distributions.as_ref().is_some_and(|d| d.node == LAYER));
    settle(&mut window);
    window
}

#[test]
fn the_cut_is_moved_and_tied_layers_lose_the_same_channels() {
    let folder = Folder::new("window-importance");
    let mut window = opened(&folder);
    let group = group(app(&window)).expect("its channels");
    assert!(group.layers.len() > 1 && group.fixed.is_none(), "{group:?}");
    assert!(holds(&window, "Tied with pointwise_3"), "what else is cut is named");
    let before = n_cut(app(&window));
    assert!(holds(&window, &format!("{before} of {} cut, by ", group.channels.len())));

    window.get_by_role_and_label(Role::Slider, "Channels to cut").focus();
    settle(&mut window);
    for _ in 0..4 {
        window.key_press(Key::ArrowRight);
        window.step();
    }
    assert_eq!(pruning(app(&window)).map(|settings| settings.layers.len()), Some(0), "nothing is computed until it is confirmed");
    window.key_press(Key::Enter);
    wait(&mut window, "the new cut", |app| n_cut(app) > before && is_complete(app));
    settle(&mut window);
    let settings = pruning(app(&window)).expect("the step");
    assert_eq!(settings.layers.keys().collect::<Vec<_>>(), [&group.layers[0]], "one fraction for all tied layers");
    let widths = |name: &str| {
        let graph = &app(&window).session().candidate().expect("a candidate").graph;
        let node = graph.node(graph.node_named(name).expect("the layer"));
        graph.output(node, 0).expect("an output").shape.last().copied()
    };
    assert_eq!(widths(LAYER), Some(group.channels.len() - n_cut(app(&window))));
    assert_eq!(widths(LAYER), widths("pointwise_3"), "what is added up has one width");

    assert!(holds(&window, "undo: prune channels, a layer of its own"), "the cut has a name");
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait(&mut window, "the cut as it was", |app| n_cut(app) == before && is_complete(app));
}
