//! The window as a user finds it: by the words on it. No renderer and no display are needed; what is painted is not looked at.
//!
//! Every figure is compared with what the core's engine gives for the same recipe, which is what `tinsmith run` prints.

use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::App;
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::units;
use tinsmith::gui::workspace::Workspace;
use tinsmith_core::measure::device::devices;
use tinsmith_core::measure::{AccuracyFigures, StaticFigures};
use tinsmith_core::preview::{Engine, Event, Job, Side, Source};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Recipe, Scheme};
use tinsmith_tests::window::{Folder, Window, act, app, drop_file, is_complete, is_shown, open, scheme, send, settle, wait};

#[test]
fn a_float_model_becomes_int8_is_saved_opened_again_and_exported() {
    let folder = Folder::new("window-main-job");
    let (model, data) = folder.sample();
    let mut window = open(Some(model.clone()));
    wait(&mut window, "the model to be open", |app| app.session().open.is_some());
    drop_file(&mut window, &data);
    wait(&mut window, "all figures", is_complete);

    // The window shows what the engine gives for the same job.
    let expected = run(&model, &data, &Recipe::int8());
    assert_figures(&window, &expected);
    let bytes = expected.candidate.size.file_bytes;
    assert!(bytes < expected.baseline.size.file_bytes / 2, "int8 takes less than half of float32");

    // Another layer is chosen in the table, and the inspector follows.
    let selected = app(&window).session().selection.clone().unwrap();
    let before = expected.candidate.layers.iter().take_while(|l| l.name != selected);
    let layer = before.filter(|l| l.weights_bytes > 0).last().unwrap().name.clone();
    window.get_by_label(&format!("Layer {layer}")).click();
    wait(&mut window, "the layer to be selected", |app| app.session().selection.as_ref() == Some(&layer));
    wait(&mut window, "its histograms", |app| app.session().distributions.as_ref().is_some_and(|d| d.node == layer));
    assert!(is_shown(&window, "Weights") && is_shown(&window, "Channel ranges") && is_shown(&window, "Output range"));

    // Another scheme changes the figures, and undo brings the old ones back.
    settle(&mut window);
    window.get_by_role_and_label(Role::ComboBox, "Scheme").click();
    settle(&mut window);
    window.query_all_by_label("float32, as it came").last().expect("the menu is open").click();
    wait(&mut window, "the scheme to be taken", |app| scheme(app) == Some(Scheme::Float32));
    wait(&mut window, "the float figures", is_complete);
    let mut float = Recipe::int8();
    float.quantize_mut().unwrap().scheme = Scheme::Float32;
    assert_figures(&window, &run(&model, &data, &float));
    settle(&mut window);
    act(&mut window, Action::Undo);
    wait(&mut window, "undo", |app| scheme(app) == Some(Scheme::Int8));
    wait(&mut window, "the old figures", is_complete);
    assert_figures(&window, &expected);

    // Saved, it opens again with the same figures.
    let project = folder.0.join("keyword.ron");
    send(&mut window, Command::SaveTo(project.clone()));
    wait(&mut window, "the project to be saved", |app| !app.session().is_unsaved());
    let mut again = open(Some(project));
    wait(&mut again, "the project's figures", is_complete);
    assert_eq!(again.state().as_ref().unwrap().session().edit.recipe, Recipe::int8());
    assert_figures(&again, &expected);

    // The export is the file that was measured.
    let out = folder.0.join("export");
    send(&mut again, Command::ExportTo(out.clone()));
    let exported = out.join("keyword.tflite");
    wait(&mut again, "the export", |_| exported.is_file());
    assert_eq!(std::fs::metadata(&exported).unwrap().len(), bytes);
}

#[test]
fn the_first_page_says_what_to_do_and_a_file_that_is_no_model_is_refused() {
    let folder = Folder::new("window-first-page");
    let mut window = open(None);
    settle(&mut window);
    window.get_by_label("Drop a model here");
    let wrong = folder.0.join("wrong.tflite");
    std::fs::write(&wrong, b"these bytes are no model, however long they are").unwrap();
    drop_file(&mut window, &wrong);
    wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
    settle(&mut window);
    assert!(is_shown(&window, "wrong.tflite was not opened"));
    window.get_by_label("Dismiss").click();
    wait(&mut window, "the notice to go", |app| app.session().notices.shown().count() == 0);
}

#[test]
fn the_selection_walks_along_edges_and_the_window_comes_to_rest() {
    let folder = Folder::new("window-walk");
    let (model, _) = folder.sample();
    let mut window = open(Some(model));
    wait(&mut window, "the model to be open", |app| app.session().layout.is_some());
    let first = app(&window).session().graph().unwrap().nodes[0].name.clone();
    let second = app(&window).session().graph().unwrap().nodes[1].name.clone();
    send(&mut window, Command::Select(Some(first)));
    settle(&mut window);
    window.key_press(eframe::egui::Key::ArrowDown);
    wait(&mut window, "the next layer", |app| app.session().selection.as_ref() == Some(&second));
    // Nothing moves any more, so nothing is painted any more: `run` fails if frames go on for ever.
    wait(&mut window, "the worker to finish", |app| app.session().activity.is_none());
    settle(&mut window);
    window.run();
}

/// The README's way from one's own model to firmware, by what is on screen, with every click counted.
#[test]
fn a_newcomer_gets_from_a_model_to_firmware_in_two_drops_and_five_clicks() {
    let folder = Folder::new("window-newcomer");
    let (model, data) = folder.sample();
    let mut window = open(None);
    settle(&mut window);
    app(&window).forbid_dialogs();
    let mut clicks = 0;
    let mut click = |window: &mut Window, role: Role, begin: &str| {
        let all = window.query_all_by_role(role).collect::<Vec<_>>();
        let named = |exactly: bool| {
            let fits = |label: String| if exactly { label == begin } else { label.starts_with(begin) };
            all.iter().find(|n| n.accesskit_node().label().is_some_and(fits))
        };
        named(true).or_else(|| named(false)).unwrap_or_else(|| panic!("{begin} is on screen")).click();
        clicks += 1;
        settle(window);
    };
    drop_file(&mut window, &model);
    wait(&mut window, "the model", |app| app.session().figures.failure.is_some());
    settle(&mut window);
    let source = units::bytes(app(&window).session().figures.baseline_static.value.as_ref().unwrap().size.file_bytes).joined();
    assert!(is_shown(&window, &format!("Size {source}")), "what is known of the model as it came is shown");
    drop_file(&mut window, &data);
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    click(&mut window, Role::Button, "Size ");
    assert!(app(&window).session().explained.is_some(), "what is heavy is said");
    click(&mut window, Role::ComboBox, "Board");
    let other = devices()[1].name.clone();
    click(&mut window, Role::Button, &other);
    assert_eq!(app(&window).session().edit.device, devices()[1].id);
    wait(&mut window, "the figures of the other board", is_complete);
    settle(&mut window);
    click(&mut window, Role::Tab, "Workspace Export");
    wait(&mut window, "the files to be known", |app| app.session().on_demand.dry_run.value.is_some());
    settle(&mut window);
    click(&mut window, Role::Button, "Export to a folder");
    // What the dialog would answer.
    let out = folder.0.join("firmware");
    send(&mut window, Command::ExportTo(out.clone()));
    wait(&mut window, "the export", |app| app.session().on_demand.exported.is_some());
    assert!(out.join("keyword_float32.tflite").is_file() || out.join("keyword.tflite").is_file());
    assert_eq!(clicks, 5);
}

#[test]
fn firmware_that_was_edited_stays_when_it_is_exported_again() {
    let folder = Folder::new("window-export-again");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    act(&mut window, Action::Go(Workspace::Export));
    wait(&mut window, "the files to be known", |app| app.session().on_demand.dry_run.value.is_some());
    settle(&mut window);
    window.get_by_role_and_label(Role::Switch, "Write ESP-IDF project").click();
    settle(&mut window);
    let out = folder.0.join("firmware");
    let n_told = |app: &App| app.session().notices.all().iter().filter(|notice| notice.title.starts_with("exported")).count();
    let mut export = || {
        let before = n_told(app(&window));
        send(&mut window, Command::ExportTo(out.clone()));
        wait(&mut window, "the export", |app| n_told(app) > before);
        let session = app(&window).session();
        (session.message.clone(), session.on_demand.exported.clone().expect("files").1)
    };
    let (said, files) = export();
    assert!(!said.contains(".new"), "{said}");
    let main = files.iter().find(|file| file.ends_with("main/main.c")).expect("a program");
    let as_written = std::fs::read(out.join(main)).expect("it was written");
    std::fs::write(out.join(main), "mine").expect("it is written");
    let (said, files) = export();
    assert!(said.contains("; 1 edited file stays, the new one lies beside it as .new"), "{said}");
    assert_eq!(std::fs::read(out.join(main)).expect("it is there"), b"mine");
    let beside = files.iter().find(|file| file.ends_with("main.c.new")).expect("the new one");
    assert_eq!(std::fs::read(out.join(beside)).expect("it is beside"), as_written);
}

// ------------------------------------------------------------------------------------------------------------ helpers

/// What the engine gives for a recipe.
struct Expected {
    baseline: Arc<StaticFigures>,
    candidate: Arc<StaticFigures>,
    baseline_accuracy: AccuracyFigures,
    candidate_accuracy: AccuracyFigures,
}

fn run(model: &Path, data: &Path, recipe: &Recipe) -> Expected {
    let job = Job {
        source: Arc::new(Source::open(model).unwrap()),
        data: Some(Arc::new(tinsmith_core::data::open(data).unwrap())),
        ranges: None,
        recipe: recipe.clone(),
        device: devices()[0].clone(),
    };
    let (mut statics, mut accuracies) = ([None, None], [None, None]);
    let index = |side| usize::from(side == Side::Candidate);
    let mut tell = |event| match event {
        Event::Static { side, figures } => statics[index(side)] = Some(figures),
        Event::Accuracy { side, figures } => accuracies[index(side)] = Some(figures),
        _ => {}
    };
    Engine::new().run(&job, &Cancel::new(), &mut tell).unwrap();
    let [baseline, candidate] = statics.map(Option::unwrap);
    let [baseline_accuracy, candidate_accuracy] = accuracies.map(Option::unwrap);
    Expected { baseline, candidate, baseline_accuracy, candidate_accuracy }
}

fn assert_figures(window: &Window, expected: &Expected) {
    let figures = &app(window).session().figures;
    assert_eq!(figures.baseline_static.value.as_ref(), Some(&expected.baseline));
    assert_eq!(figures.candidate_static.value.as_ref(), Some(&expected.candidate));
    assert_eq!(figures.baseline_accuracy.value.as_ref(), Some(&expected.baseline_accuracy));
    assert_eq!(figures.candidate_accuracy.value.as_ref(), Some(&expected.candidate_accuracy));
    assert!(figures.candidate_accuracy.value.as_ref().unwrap().is_complete());
    // And they are on screen, in words.
    let words = units::bytes(expected.candidate.size.file_bytes).joined();
    assert!(is_shown(window, &format!("Size {words}")), "the size {words} is shown");
    let top1 = expected.candidate_accuracy.top1().expect("the sample has labels");
    let words = units::percent(top1).joined();
    assert!(is_shown(window, &format!("Accuracy {words}")), "the accuracy {words} is shown");
}
