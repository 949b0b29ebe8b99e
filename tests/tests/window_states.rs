//! The states that the window can be in, by the words on it.
//!
//! | state | where |
//! | --- | --- |
//! | running, partial, stale, cancelled | here |
//! | loading, too large, failed, unknown operator, what hangs over the window | here |
//! | a graph that is being laid out | `window_graph.rs` |
//! | first run, empty, no model | `window.rs`, and here for each command that then cannot be given |
//! | no data, no labels, data without a model, newer version, read-only, open elsewhere, work never saved | `window_frame.rs` |

use eframe::egui::HoveredFile;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command, Group};
use tinsmith_core::data::MAX_FILE_BYTES;
use tinsmith_core::recipe::Granularity;
use tinsmith_tests::shared;
use tinsmith_tests::window::{Folder, Window, app, drop_file, holds, is_complete, is_shown, open, send, settle, wait};

#[test]
fn work_under_way_says_how_far_it_is_and_what_is_no_longer_true() {
    let (Some(model), Some(data)) =
        (shared("data/mlperf_tiny/ic/pretrainedResnet.tflite"), shared("data/images/cifar10/cifar10_jpeg_1000.npz"))
    else {
        return;
    };
    // Where it lies nothing must be written.
    let folder = Folder::new("states-work");
    let copy = folder.0.join("resnet.tflite");
    std::fs::copy(model, &copy).unwrap();
    let mut window = open(Some(copy));
    wait(&mut window, "the model", |app| app.session().open.is_some() && app.session().activity.is_none());
    drop_file(&mut window, &data);
    wait(&mut window, "counted work", |app| app.session().activity.as_ref().is_some_and(|a| a.total > 1));
    assert!(is_shown(&window, "Progress") && is_shown(&window, "Cancel"), "work shows how far it is and can be stopped");
    wait(&mut window, "an interim accuracy", |app| {
        app.session().figures.candidate_accuracy.value.as_ref().is_some_and(|a| a.done > 0 && !a.is_complete())
    });
    assert!(is_shown(&window, "Accuracy evaluated") && holds(&window, "of 900"), "an interim figure says of how many");
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);

    // Another recipe: the old figures stay, dimmed, until the new ones are there.
    window.query_all_by_label("per-tensor").next().unwrap().click();
    wait(&mut window, "stale figures", |app| app.session().figures.candidate_accuracy.is_stale);
    assert_eq!(app(&window).session().edit.recipe.quantize().unwrap().granularity, Granularity::PerTensor);
    assert!(holds(&window, "before granularity"), "a stale figure says what has changed since");
    // Cancelled, what was done is told.
    wait(&mut window, "the new work", |app| app.session().activity.is_some());
    send(&mut window, Command::Cancel);
    send(&mut window, Command::Do(Action::Activity));
    settle(&mut window);
    assert!(holds(&window, "Cancelled"));
}

#[test]
fn an_operator_that_is_not_known_is_shown_with_what_cannot_be_done() {
    let Some(model) = shared("data/models/gesture_lstm/gesture_lstm_float32.tflite") else { return };
    let folder = Folder::new("states-unknown");
    let copy = folder.0.join("gesture.tflite");
    std::fs::write(&copy, tinsmith_tests::with_unknown_operator(&std::fs::read(model).unwrap())).unwrap();
    let mut window = open(Some(copy));
    wait(&mut window, "the graph", |app| app.session().layout.is_some() && app.session().figures.failure.is_some());
    settle(&mut window);
    assert!(holds(&window, "no kernel"), "its box says so");
    let name = app(&window).session().graph().unwrap().nodes.iter().find(|n| n.op.name() == "ATAN2").unwrap().name.clone();
    send(&mut window, Command::Select(Some(name)));
    settle(&mut window);
    assert!(holds(&window, "cannot be run or exported"), "and the inspector what that means");
}

#[test]
fn a_file_that_is_too_large_is_refused_with_a_remedy() {
    let folder = Folder::new("states-large");
    let large = folder.0.join("large.npz");
    // A hole: it takes no room on the disk.
    std::fs::File::create(&large).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    drop_file(&mut window, &large);
    wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
    settle(&mut window);
    assert!(is_shown(&window, "large.npz was not opened") && holds(&window, "take fewer samples"));
    assert!(app(&window).session().open.as_ref().unwrap().data.is_some(), "what was open stays");
}

#[test]
fn a_recipe_that_fails_says_why_and_keeps_what_is_known() {
    let folder = Folder::new("states-failed");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    let odd = folder.0.join("odd.npy");
    let bytes = [0; 4 * 3 * 7];
    tinsmith_core::data::npy::write(&mut std::fs::File::create(&odd).unwrap(), "<f4", &[3, 7], &bytes).unwrap();
    drop_file(&mut window, &odd);
    wait(&mut window, "the failure", |app| app.session().figures.failure.is_some() && app.session().activity.is_none());
    settle(&mut window);
    let failure = app(&window).session().figures.failure.clone().unwrap();
    assert!(failure.contains("[7]") && failure.contains("[49, 10, 1]"), "what does not fit is named: {failure}");
    assert!(holds(&window, &failure) && holds(&window, "the recipe gives no candidate"));
    // The figures of before stay, and say so; nothing claims to be under way.
    assert!(holds(&window, "stale") && holds(&window, "from before it failed") && !holds(&window, "being measured"));
    assert!(!is_shown(&window, "Progress"));
}

#[test]
fn what_a_file_will_become_is_said_while_it_hangs_over_the_window() {
    let folder = Folder::new("states-overlay");
    let hang = |window: &mut Window, names: &[&str]| {
        let file = |name: &&str| HoveredFile { path: Some(folder.0.join(name)), ..HoveredFile::default() };
        window.input_mut().hovered_files = names.iter().map(file).collect();
        settle(window);
    };
    let mut window = open(None);
    hang(&mut window, &["net.tflite"]);
    assert!(is_shown(&window, "Let go to open net.tflite, as a model"));
    let overlay = window.get_by_label("Let go to open net.tflite, as a model").rect();
    assert_eq!(overlay, window.ctx.content_rect(), "over all of the window");
    hang(&mut window, &["clips.npz"]);
    assert!(is_shown(&window, "Let go to open clips.npz, as data: open a model first"));
    hang(&mut window, &["notes.txt"]);
    assert!(is_shown(
        &window,
        "Let go to open notes.txt, Tinsmith opens .tflite, .onnx, .keras, .h5, .ron, .npz, .npy and folders of data sets"
    ));
    hang(&mut window, &["a.ron", "b.npz"]);
    assert!(is_shown(&window, "Let go to open 2 files, as a project"));
    // Carried away again.
    hang(&mut window, &[]);
    assert!(!holds(&window, "Let go to open"));

    // With a project open the same samples have somewhere to go.
    let mut window = open(Some(folder.project()));
    wait(&mut window, "the project", |app| app.session().open.is_some());
    hang(&mut window, &["clips.npz"]);
    assert!(is_shown(&window, "Let go to open clips.npz, as data for keyword.ron"));
}

#[test]
fn without_a_model_only_what_needs_none_can_be_done() {
    let mut window = open(None);
    settle(&mut window);
    assert!(is_shown(&window, "Drop a model here"));
    window.get_by_label("Tinsmith").click();
    settle(&mut window);
    let files = Action::ALL.into_iter().filter(|action| action.about().group == Group::File);
    for action in files {
        let needs_none = matches!(action, Action::Open | Action::OpenSample | Action::Quit);
        let name = format!("{} {}", action.name(), action.keys(&window.ctx));
        let line = window.get_by_label(&name);
        assert_eq!(line.accesskit_node().is_disabled(), !needs_none, "{}", action.name());
    }
}

#[test]
fn while_a_file_is_read_the_first_page_says_which() {
    let folder = Folder::new("states-loading");
    let mut window = open(None);
    settle(&mut window);
    // A file that nobody finishes writing: reading waits for its end.
    #[cfg(unix)]
    {
        let pipe = folder.0.join("slow.tflite");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|s| s.success());
        if !made {
            eprintln!("SKIP: no mkfifo here, a slow file cannot be made");
            return;
        }
        send(&mut window, Command::OpenPath(pipe.clone()));
        settle(&mut window);
        assert!(is_shown(&window, "Opening slow.tflite"), "the page says what is being read");
        std::fs::write(&pipe, b"no model").unwrap();
        wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
        settle(&mut window);
        assert!(is_shown(&window, "Drop a model here"));
    }
}
