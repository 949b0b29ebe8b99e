//! Steps of the recipe, by the words on their cards: added, set, switched, removed, each undone by its name; and layers that steps merged,
//! traced from the candidate to the source and back.

use std::path::PathBuf;

use eframe::egui::accesskit::Role;
use egui_kittest::kittest::Queryable;
use tinsmith::gui::App;
use tinsmith::gui::command::{Action, Command, Shown};
use tinsmith::gui::workspace::Workspace;
use tinsmith_core::optimize::{describe_steps, parameter};
use tinsmith_core::recipe::{Entry, Recipe, Step};
use tinsmith_tests::shared;
use tinsmith_tests::window::{Folder, Window, act, app, drop_file, holds, is_complete, is_shown, open_sized, send, settle, wait};

/// A net of Keras with batch normalization and its samples, copied: where they lie nothing must be written.
fn digits(folder: &Folder) -> Option<(PathBuf, PathBuf)> {
    let from = [shared("data/models/digits_cnn/digits_cnn.keras")?, shared("data/models/digits_cnn/digits_cnn_data.npz")?];
    let copy = |path: &PathBuf| {
        let to = folder.0.join(path.file_name().unwrap());
        std::fs::copy(path, &to).unwrap();
        to
    };
    Some((copy(&from[0]), copy(&from[1])))
}

/// The net with its samples and all figures.
fn open_digits(folder: &Folder) -> Option<Window> {
    let (model, data) = digits(folder)?;
    // High enough for all cards: a hand would scroll.
    let mut window = open_sized(Some(model), [1280.0, 2000.0]);
    wait(&mut window, "the model", |app| app.session().open.is_some() && app.session().activity.is_none());
    drop_file(&mut window, &data);
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    Some(window)
}

fn entry<'a>(app: &'a App, name: &str) -> Option<&'a Entry> {
    app.session().edit.recipe.steps.iter().find(|entry| entry.step.name() == name)
}

/// Cards grow as reports arrive: what is clicked stands still first.
fn click(window: &mut Window, label: &str) {
    wait(window, "all figures", is_complete);
    settle(window);
    window.get_by_label(label).click();
    settle(window);
}

/// Of a switch and the words beside it, which say the same, the switch.
fn flip(window: &mut Window, label: &str) {
    wait(window, "all figures", is_complete);
    settle(window);
    window.get_by_role_and_label(Role::Switch, label).click();
    settle(window);
}

fn add(window: &mut Window, title: &str) {
    click(window, "Add step");
    click(window, &format!("Add {title}"));
}

/// Takes back what the status line names.
fn undo(window: &mut Window, what: &str) {
    assert!(holds(window, &format!("undo: {what}")), "undo names {what}");
    act(window, Action::Undo);
    settle(window);
}

#[test]
fn each_step_is_added_switched_removed_and_each_time_undone() {
    let folder = Folder::new("recipe-steps");
    let Some(mut window) = open_digits(&folder) else { return };
    let steps = describe_steps();
    for info in steps.iter().take_while(|info| info.name != "quantize") {
        let word = info.title.to_lowercase();
        if entry(app(&window), info.name).is_some() {
            click(&mut window, &format!("Remove {}", info.title));
        }
        add(&mut window, info.title);
        assert!(entry(app(&window), info.name).is_some_and(|entry| entry.enabled), "{word} is added");
        let order: Vec<&str> = app(&window).session().edit.recipe.steps.iter().map(|entry| entry.step.name()).collect();
        let known: Vec<&str> = steps.iter().map(|info| info.name).filter(|name| order.contains(name)).collect();
        assert_eq!(order, known, "each step stands where it belongs");
        undo(&mut window, &format!("{word} added"));
        assert!(entry(app(&window), info.name).is_none(), "{word} is gone again");
        act(&mut window, Action::Redo);
        settle(&mut window);

        click(&mut window, &format!("{} on", info.title));
        assert!(entry(app(&window), info.name).is_some_and(|entry| !entry.enabled), "{word} is off");
        undo(&mut window, &format!("{word} off"));
        assert!(entry(app(&window), info.name).is_some_and(|entry| entry.enabled), "{word} is on again");

        click(&mut window, &format!("Remove {}", info.title));
        assert!(entry(app(&window), info.name).is_none(), "{word} is removed");
        undo(&mut window, &format!("{word} removed"));
        assert!(entry(app(&window), info.name).is_some(), "{word} is back");
    }
    assert!(!is_shown(&window, "Add step"), "nothing is left to add");
    wait(&mut window, "figures of all steps", is_complete);
    let reports = &app(&window).session().candidate().unwrap().steps;
    assert_eq!(reports.len(), steps.len(), "each step says what it did");
}

#[test]
fn what_a_step_does_is_set_on_its_card_and_undone_by_name() {
    let folder = Folder::new("recipe-parameters");
    let Some(mut window) = open_digits(&folder) else { return };
    if entry(app(&window), "fuse-batch-norm").is_none() {
        add(&mut window, "Fuse batch norm");
    }
    add(&mut window, "Equalize");
    let set = |window: &Window, name: &str, key: &str| parameter(&entry(app(window), name).unwrap().step, key);
    assert!(!is_shown(&window, "Into the layer after"), "what is rarely set is out of the way");
    click(&mut window, "Choose what Fuse batch norm does");
    flip(&mut window, "Into the layer after");
    assert_eq!(set(&window, "fuse-batch-norm", "into-after").as_deref(), Some("off"));
    undo(&mut window, "fuse batch norm, into the layer after");
    assert_eq!(set(&window, "fuse-batch-norm", "into-after").as_deref(), Some("on"));
    click(&mut window, "Hide what Fuse batch norm does");

    click(&mut window, "Choose what Equalize does");
    flip(&mut window, "Replace ReLU6");
    assert_eq!(set(&window, "equalize", "replace-relu6").as_deref(), Some("on"));
    undo(&mut window, "equalize, replace relu6");
    window.get_by_role_and_label(Role::Slider, "Passes").focus();
    settle(&mut window);
    window.key_press(eframe::egui::Key::ArrowRight);
    settle(&mut window);
    assert_eq!(set(&window, "equalize", "passes").as_deref(), Some("21"), "numbers are set with the arrow keys");
    undo(&mut window, "equalize, passes");
}

#[test]
fn pruning_and_clustering_have_cards_and_say_what_they_did() {
    let folder = Folder::new("recipe-weights");
    let Some(mut window) = open_digits(&folder) else { return };
    add(&mut window, "Prune weights");
    add(&mut window, "Cluster");
    let set = |window: &Window, name: &str, key: &str| parameter(&entry(app(window), name).unwrap().step, key);
    click(&mut window, "Choose what Prune weights does");
    flip(&mut window, "Refit");
    assert_eq!(set(&window, "prune-weights", "refit").as_deref(), Some("on"));
    wait(&mut window, "figures of refitted weights", is_complete);
    let text = |window: &Window, name: &str| {
        let steps = &app(window).session().candidate().unwrap().steps;
        steps.iter().find(|report| report.name == name).unwrap().text.clone()
    };
    assert!(text(&window, "prune-weights").contains("50.0 % of") && text(&window, "prune-weights").contains("are refitted"));
    assert!(text(&window, "cluster").contains("at most 32 values"));
    undo(&mut window, "prune weights, refit");
    click(&mut window, "Hide what Prune weights does");
    click(&mut window, "Choose what Cluster does");
    window.get_by_role_and_label(Role::Slider, "Bits").focus();
    settle(&mut window);
    window.key_press(eframe::egui::Key::ArrowLeft);
    settle(&mut window);
    assert_eq!(set(&window, "cluster", "bits").as_deref(), Some("4"));
    undo(&mut window, "cluster, bits");
}

#[test]
fn a_merged_layer_is_traced_both_ways() {
    let folder = Folder::new("recipe-lineage");
    let Some(mut window) = open_digits(&folder) else { return };
    let step = |name: &str| Entry { enabled: true, step: tinsmith_core::optimize::parse_step(name).unwrap() };
    let recipe = Recipe { steps: ["fuse-batch-norm", "clean-up", "quantize", "pack"].map(step).into() };
    let edit = tinsmith::gui::session::Edit { recipe, ..app(&window).session().edit.clone() };
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().unwrap().take_edit(edit, &ctx);
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    let norms = |app: &App| app.session().candidate().unwrap().graph.nodes.iter().filter(|n| n.name.starts_with('b')).count();
    assert_eq!(norms(app(&window)), 0, "batch normalization is part of the layers");
    assert!(holds(&window, "outputs change by at most") || holds(&window, "outputs stay the same"));

    // From the layer to its parts.
    let selected = |window: &Window| app(window).session().selection.clone();
    send(&mut window, Command::Select(Some("c1".to_owned())));
    settle(&mut window);
    click(&mut window, "made of b1");
    assert_eq!(selected(&window).as_deref(), Some("b1"));
    assert_eq!(app(&window).session().shown_now(), Shown::Source);
    // And from a part to the layer.
    click(&mut window, "now part of c1");
    assert_eq!(selected(&window).as_deref(), Some("c1"));
    assert_eq!(app(&window).session().shown_now(), Shown::Candidate);

    // The selection follows from view to view, and so do the figures.
    send(&mut window, Command::Show(Shown::Source));
    wait(&mut window, "the weights of the source", |app| {
        app.session().distributions.as_ref().is_some_and(|of| of.node == "c1" && of.candidate.is_none() && of.baseline.is_some())
    });
    send(&mut window, Command::Select(Some("b2".to_owned())));
    send(&mut window, Command::Show(Shown::Candidate));
    settle(&mut window);
    assert_eq!(selected(&window).as_deref(), Some("c2"));
    assert!(matches!(entry(app(&window), "quantize").map(|e| &e.step), Some(Step::Quantize(_))));
    wait(&mut window, "the weights of the candidate", |app| {
        app.session().distributions.as_ref().is_some_and(|of| of.node == "c2" && of.candidate.is_some())
    });

    // Both beside each other, layer by layer.
    act(&mut window, Action::Go(Workspace::Compare));
    settle(&mut window);
    click(&mut window, "layers");
    assert!(holds(&window, "removed b1, Batch norm") && holds(&window, "changed c1, Conv 3×3 → Conv 3×3, ReLU6"));
    assert!(!holds(&window, "removed c2"), "what is in both alike is not listed");
}

#[test]
fn what_would_help_is_offered_and_added_with_a_click() {
    let folder = Folder::new("recipe-offers");
    let Some(mut window) = open_digits(&folder) else { return };
    assert!(!holds(&window, "Fuse batch norm: 2 nodes"), "what the recipe does is not offered");
    click(&mut window, "Remove Fuse batch norm");
    wait(&mut window, "all figures", is_complete);
    wait(&mut window, "the advice", |app| app.session().advice.as_ref().is_some_and(|(_, advice)| !advice.is_empty()));
    settle(&mut window);
    send(&mut window, Command::Select(Some("c2".to_owned())));
    settle(&mut window);
    let offer = "Add to the recipe: Fuse batch norm: 2 nodes";
    assert_eq!(window.query_all_by_label(offer).count(), 1, "it is about the normalization, not about other layers");
    send(&mut window, Command::Select(Some("b2".to_owned())));
    settle(&mut window);
    assert_eq!(window.query_all_by_label(offer).count(), 2, "the inspector of that layer offers it too");
    window.query_all_by_label(offer).last().unwrap().click();
    settle(&mut window);
    assert!(entry(app(&window), "fuse-batch-norm").is_some_and(|entry| entry.enabled));
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    assert!(!is_shown(&window, offer));
    undo(&mut window, "fuse batch norm added");
}
