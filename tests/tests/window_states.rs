//! States that pass, and states that take another model than the sample: running, partial, stale, unknown operator, too large, loading.

use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command};
use tinsmith_core::data::MAX_FILE_BYTES;
use tinsmith_core::recipe::Granularity;
use tinsmith_tests::shared;
use tinsmith_tests::window::{Folder, Window, app, drop_file, is_complete, is_shown, open, send, settle, wait};

/// Whether some word on screen holds this.
fn holds(window: &Window, part: &str) -> bool {
    let words = |text: Option<String>| text.is_some_and(|text| text.contains(part));
    window.root().children_recursive().any(|n| words(n.accesskit_node().label()) || words(n.accesskit_node().value()))
}

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
