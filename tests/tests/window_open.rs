//! What a model's file and a data set leave open, asked for in the window and kept in the project.

use std::fs;
use std::path::{Path, PathBuf};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::workspace::Workspace;
use tinsmith_core::data::{Layout, npy};
use tinsmith_core::project::{Project, autosave_path};
use tinsmith_tests::made::{self, constant, node, port};
use tinsmith_tests::window::{
    Folder, Window, act, app, drop_file, holds, is_complete, is_shown, open, press, send, settle, wait,
};

/// Floats as files hold them.
fn bytes(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// A model whose input has an open batch, an open extent with a name and one without. Its dense layer takes as many columns as there
/// are times, which have to be 5.
fn open_model(folder: &Folder) -> PathBuf {
    let input = port("x", &[Err("batch"), Err(""), Err("time")]);
    let weights = constant("w", &[5, 3], 1, &bytes((0..15).map(|i| i as f32 / 15.0)));
    let nodes = [node("MatMul", &["x", "w"], &["h"]), node("Relu", &["h"], &["y"])];
    written(folder, "open.onnx", &made::onnx(&nodes, &[weights], &[input], &[port("y", &[])]))
}

/// A convolution over 2 channels of 2×2 pixels, channels first: samples may be either way round.
fn square_model(folder: &Folder) -> PathBuf {
    let input = port("x", &[Ok(1), Ok(2), Ok(2), Ok(2)]);
    let weights = constant("w", &[1, 2, 1, 1], 1, &bytes([1.0, 0.0]));
    let model = made::onnx(&[node("Conv", &["x", "w"], &["y"])], &[weights], &[input], &[port("y", &[])]);
    written(folder, "square.onnx", &model)
}

/// Four samples of the numbers 0 to 7.
fn square_samples(folder: &Folder) -> PathBuf {
    let values = bytes((0..32).map(|i| (i % 8) as f32));
    let mut file = Vec::new();
    npy::write(&mut file, "<f4", &[4, 2, 2, 2], &values).expect("memory");
    written(folder, "square.npy", &file)
}

fn written(folder: &Folder, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.0.join(name);
    fs::write(&path, bytes).expect("room for a file");
    path
}

/// A window that asks for the extents of the model or the project.
fn asked(path: &Path) -> Window {
    let mut window = open(Some(path.to_owned()));
    wait(&mut window, "the question", |app| app.session().opening.is_none());
    settle(&mut window);
    assert!(is_shown(&window, "open.onnx leaves 2 extents open"), "it is asked");
    window
}

fn say(window: &mut Window, extent: &str, value: &str) {
    let label = format!("Extent {extent}");
    window.get_by_role_and_label(Role::TextInput, &label).focus();
    window.step();
    press(window, Modifiers::COMMAND, Key::A);
    window.get_by_role_and_label(Role::TextInput, &label).type_text(value);
    settle(window);
}

/// The shape of the input of the open model.
fn shape(window: &Window) -> Vec<usize> {
    let graph = &app(window).session().open.as_ref().expect("a model").source.graph;
    graph.tensor(graph.inputs[0]).shape.clone()
}

#[test]
fn all_open_extents_are_asked_for_at_once() {
    let folder = Folder::new("window-extents");
    let model = open_model(&folder);
    let mut window = asked(&model);
    assert!(is_shown(&window, "time") && is_shown(&window, "axis 2 of input \"x\""), "by name, with its place");
    assert!(is_shown(&window, "Axis 1 of input \"x\"") && is_shown(&window, "has no name in the file"), "by place");
    assert!(!holds(&window, "--dim"), "options of the command line are of no use here");

    // What is no extent cannot be taken.
    for wrong in ["0", "x", "1.5", "99999999999"] {
        say(&mut window, "x:1", "2");
        say(&mut window, "time", wrong);
        assert!(holds(&window, "1 to 2,147,483,647"), "{wrong}");
        press(&mut window, Modifiers::NONE, Key::Enter);
        settle(&mut window);
        assert!(app(&window).session().opening.is_none(), "{wrong}");
    }

    // What the model cannot take is said where it is asked for.
    say(&mut window, "time", "4");
    window.get_by_label("Open").click();
    wait(&mut window, "the refusal", |app| app.session().opening.is_none());
    settle(&mut window);
    assert!(app(&window).session().open.is_none() && holds(&window, "MatMul"), "the layer is named");
    assert_eq!(app(&window).session().notices.shown().count(), 0, "and only there");

    // Samples that are dropped meanwhile do not take the question away.
    drop_file(&mut window, &square_samples(&folder));
    wait(&mut window, "the samples", |app| app.session().opening.is_none());
    settle(&mut window);
    assert!(is_shown(&window, "open.onnx leaves 2 extents open"));

    // Enter opens.
    say(&mut window, "time", "5");
    assert!(!holds(&window, "MatMul"), "the trouble was with other numbers");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait(&mut window, "the model", |app| app.session().open.is_some());
    settle(&mut window);
    assert_eq!(shape(&window), [1, 2, 5]);
    assert!(!is_shown(&window, "Cancel") && !app(&window).session().is_unsaved());
    act(&mut window, Action::Go(Workspace::Model));
    settle(&mut window);
    assert!(holds(&window, "time, as said"));
}

#[test]
fn a_keras_model_is_asked_about_as_well() {
    let folder = Folder::new("window-extents-keras");
    let layers = r#"{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, null, 4]}},
                    {"class_name": "ReLU", "config": {"name": "r"}}"#;
    let config = format!(r#"{{"class_name": "Sequential", "config": {{"name": "m", "layers": [{layers}]}}}}"#);
    let model = written(&folder, "open.keras", &made::archive(&config, &made::no_weights()));
    let mut window = open(None);
    settle(&mut window);
    drop_file(&mut window, &model);
    wait(&mut window, "the question", |app| app.session().opening.is_none());
    settle(&mut window);
    assert!(is_shown(&window, "open.keras leaves an extent open") && is_shown(&window, "Axis 1 of layer \"x\""));
    say(&mut window, "x:1", "7");
    window.get_by_label("Open").click();
    wait(&mut window, "the model", |app| app.session().open.is_some());
    assert_eq!(shape(&window), [1, 7, 4]);
}

#[test]
fn a_project_says_what_is_wrong_without_options() {
    let folder = Folder::new("window-extents-wrong");
    let model = open_model(&folder);
    let hash = blake3::hash(&fs::read(&model).expect("a model")).to_hex();
    for (dims, why) in [("\"time\": 5, \"tiem\": 5, \"x:1\": 2", "extent tiem"), ("\"time\": 0, \"x:1\": 2", "0 is no extent")] {
        let text = format!(r#"(version: 1, model: (path: "open.onnx", hash: "{hash}"), import: (dims: {{{dims}}}))"#);
        let mut window = open(Some(written(&folder, "wrong.ron", text.as_bytes())));
        wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
        settle(&mut window);
        assert!(holds(&window, why) && !holds(&window, "--dim"), "{why}");
    }
}

#[test]
fn escape_and_cancel_open_nothing() {
    let folder = Folder::new("window-extents-cancel");
    let model = open_model(&folder);
    let mut window = asked(&model);
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    assert!(app(&window).session().open.is_none() && is_shown(&window, "Drop a model here") && !is_shown(&window, "Cancel"));
    send(&mut window, Command::OpenPath(model));
    wait(&mut window, "the question", |app| app.session().opening.is_none());
    settle(&mut window);
    window.get_by_label("Cancel").click();
    settle(&mut window);
    assert!(!is_shown(&window, "Cancel") && app(&window).session().open.is_none());
}

#[test]
fn a_project_keeps_what_was_said_of_extents() {
    let folder = Folder::new("window-extents-kept");
    let model = open_model(&folder);
    let mut window = asked(&model);
    say(&mut window, "x:1", "2");
    say(&mut window, "time", "5");
    window.get_by_label("Open").click();
    wait(&mut window, "the model", |app| app.session().open.is_some());
    let device = tinsmith_core::measure::device::devices()[1].id.clone();
    let edit = tinsmith::gui::session::Edit { device, ..app(&window).session().edit.clone() };
    let context = window.ctx.clone();
    window.state_mut().as_mut().expect("an app").take_edit(edit, &context);

    // The autosaved copy remembers, so that work is not asked for twice after a crash.
    let project = folder.0.join("open.ron");
    wait(&mut window, "the autosaved copy", |_| autosave_path(&project).is_file());
    let dims = |path: &Path| Project::read(path).expect("a project").import.dims;
    assert_eq!(dims(&autosave_path(&project)), [("time".to_owned(), 5), ("x:1".to_owned(), 2)].into());
    drop(window);
    let mut window = asked(&model);
    assert!(holds(&window, "as its project says"));
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait(&mut window, "the model", |app| app.session().open.is_some());
    assert_eq!(shape(&window), [1, 2, 5]);

    // A saved project opens without a question.
    send(&mut window, Command::SaveTo(project.clone()));
    wait(&mut window, "the project to be saved", |app| app.session().open.as_ref().is_some_and(|o| o.project.is_some()));
    let mut again = open(Some(project.clone()));
    wait(&mut again, "the project", |app| app.session().open.is_some());
    assert_eq!(shape(&again), [1, 2, 5]);
    assert!(!app(&again).session().is_unsaved());

    // A project that says too little asks for the rest, and what is said then is not saved yet.
    let mut silent = Project::read(&project).expect("a project");
    silent.import.dims.remove("time");
    silent.write(&project).expect("a project");
    let mut window = open(Some(project));
    wait(&mut window, "the question", |app| app.session().opening.is_none());
    settle(&mut window);
    assert!(is_shown(&window, "open.ron leaves an extent open"));
    say(&mut window, "time", "5");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait(&mut window, "the project", |app| app.session().open.is_some());
    assert!(shape(&window) == [1, 2, 5] && app(&window).session().is_unsaved());
}

#[test]
fn an_ambiguous_layout_is_chosen_undone_and_kept() {
    let folder = Folder::new("window-layout");
    let (model, samples) = (square_model(&folder), square_samples(&folder));
    let mut window = open(Some(model));
    wait(&mut window, "the model", |app| app.session().open.is_some());
    drop_file(&mut window, &samples);
    wait(&mut window, "the failure", |app| {
        app.session().figures.failure.as_ref().is_some_and(|why| why.contains("first or last"))
    });
    settle(&mut window);
    assert!(!holds(&window, "--layout"), "options of the command line are of no use here");

    // Where it fails.
    let layout = |window: &Window| {
        let session = app(window).session();
        let set = &session.open.as_ref().expect("a model").data.as_ref().expect("data").set;
        assert_eq!(set.layout, session.edit.layout, "the samples are read as said");
        set.layout
    };
    assert_eq!(layout(&window), None);
    window.get_by_role_and_label(Role::RadioButton, "channels first").click();
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    assert_eq!(layout(&window), Some(Layout::Nchw));
    assert!(!is_shown(&window, "channels first"), "it is not asked any more");

    // In the panel of the data it can be seen and changed.
    act(&mut window, Action::Go(Workspace::Data));
    settle(&mut window);
    window.get_by_role_and_label(Role::Tab, "Data set").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::RadioButton, "channels last").click();
    settle(&mut window);
    assert_eq!(layout(&window), Some(Layout::Nhwc));
    act(&mut window, Action::Undo);
    settle(&mut window);
    assert_eq!(layout(&window), Some(Layout::Nchw));
    wait(&mut window, "all figures", is_complete);

    let project = folder.0.join("square.ron");
    send(&mut window, Command::SaveTo(project.clone()));
    wait(&mut window, "the project to be saved", |app| !app.session().is_unsaved());
    let mut again = open(Some(project));
    wait(&mut again, "the project's figures", is_complete);
    assert_eq!(layout(&again), Some(Layout::Nchw));
    assert!(!app(&again).session().is_unsaved());

    // What was said of these samples says nothing about others.
    let other = written(&folder, "other.npy", &{
        let mut file = Vec::new();
        npy::write(&mut file, "<f4", &[4, 8], &bytes((0..32).map(|i| i as f32))).expect("memory");
        file
    });
    drop_file(&mut again, &other);
    wait(&mut again, "the failure", |app| app.session().figures.failure.is_some());
    assert_eq!(layout(&again), None);
}
