//! The whole main job without a mouse: open, change, look, undo, save, export, close. Only the system's file dialog is left out.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT;
use tinsmith::gui::command::Command;
use tinsmith::gui::settings::Kept;
use tinsmith::gui::workspace::Workspace;
use tinsmith_core::recipe::Scheme;
use tinsmith_tests::window::{Folder, Window, app, is_complete, is_shown, open, press, scheme, send, settle, wait};

/// Name of what has the focus.
fn focused(window: &Window) -> Option<String> {
    let node = window.root().children_recursive().find(|node| node.accesskit_node().is_focused())?;
    node.accesskit_node().label()
}

/// Presses Tab until what is called `name` has the focus.
#[track_caller]
fn tab_to(window: &mut Window, name: &str) {
    let mut seen = Vec::new();
    for _ in 0..160 {
        press(window, Modifiers::NONE, Key::Tab);
        window.step();
        let now = focused(window);
        if now.as_deref() == Some(name) {
            return;
        }
        seen.push(now.unwrap_or_default());
    }
    panic!("Tab never reached {name}; it went to {seen:?}");
}

#[test]
fn the_main_job_is_done_by_keys_alone() {
    let folder = Folder::new("keyboard");
    let project = folder.project();
    let mut window = open(None);
    settle(&mut window);
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().unwrap().restore(Kept { recent: vec![project.clone()], ..Kept::default() }, &ctx);
    app(&window).forbid_dialogs();
    settle(&mut window);

    // A recent file is opened from the first page.
    tab_to(&mut window, "keyword.ron");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);

    // What is heavy: the first metric says what it is made of.
    let size = metric(&window, "Size ");
    tab_to(&mut window, &size);
    press(&mut window, Modifiers::NONE, Key::Enter);
    settle(&mut window);
    assert!(app(&window).session().explained.is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    assert!(app(&window).session().explained.is_none());

    // The recipe: another scheme, and back.
    tab_to(&mut window, "Scheme");
    press(&mut window, Modifiers::NONE, Key::Enter);
    settle(&mut window);
    tab_to(&mut window, "float32, as it came");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait(&mut window, "the scheme", |app| scheme(app) == Some(Scheme::Float32));
    wait(&mut window, "its figures", is_complete);
    settle(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait(&mut window, "undo", |app| scheme(app) == Some(Scheme::Int8));

    // A slider by its arrows, a switch by the space bar.
    tab_to(&mut window, "Samples");
    press(&mut window, Modifiers::NONE, Key::ArrowLeft);
    settle(&mut window);
    assert_eq!(app(&window).session().edit.recipe.quantize().unwrap().samples, Some(99));
    tab_to(&mut window, "Correct bias");
    press(&mut window, Modifiers::NONE, Key::Space);
    settle(&mut window);
    assert!(!app(&window).session().edit.recipe.quantize().unwrap().correct_bias);
    wait(&mut window, "its figures", is_complete);

    // Layer after layer, once nothing has the focus.
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    let heaviest = app(&window).session().selection.clone();
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    settle(&mut window);
    let next = app(&window).session().selection.clone();
    assert!(next.is_some() && next != heaviest);

    // Saved, exported, closed.
    press(&mut window, Modifiers::COMMAND, Key::S);
    wait(&mut window, "the project to be saved", |app| !app.session().is_unsaved());
    press(&mut window, Modifiers::COMMAND, Key::E);
    settle(&mut window);
    assert_eq!(app(&window).session().workspace, Workspace::Export);
    tab_to(&mut window, "Export to a folder");
    press(&mut window, Modifiers::NONE, Key::Enter);
    let out = folder.0.join("out");
    // What the dialog would answer.
    send(&mut window, Command::ExportTo(out.clone()));
    wait(&mut window, "the export", |_| out.join("keyword.tflite").is_file());
    wait(&mut window, "the word of it", |app| app.session().message.starts_with("exported"));
    press(&mut window, Modifiers::COMMAND, Key::W);
    settle(&mut window);
    assert!(app(&window).session().open.is_none() && is_shown(&window, "Drop a model here"));
}

/// The name of the metric that begins so, its figure included.
fn metric(window: &Window, begin: &str) -> String {
    let all = window.root().children_recursive().filter_map(|node| node.accesskit_node().label());
    all.into_iter().find(|label| label.starts_with(begin)).expect("the strip shows it")
}
