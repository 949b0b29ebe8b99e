//! What a screen reader hears: every control in every workspace and state has a name, and so has what is painted by hand.

use eframe::egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::workspace::Workspace;
use tinsmith_tests::made::{node, onnx, port};
use tinsmith_tests::window::{Folder, Window, act, app, is_complete, open, send, settle, wait};

/// Roles that a user acts on or reads a value from.
const CONTROLS: [Role; 18] = [
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Image,
    Role::Link,
    Role::MenuItem,
    Role::ListBoxOption,
    Role::MultilineTextInput,
    Role::ProgressIndicator,
    Role::RadioButton,
    Role::Row,
    Role::Slider,
    Role::SpinButton,
    Role::Switch,
    Role::Tab,
    Role::TextInput,
    Role::Canvas,
    Role::Window,
];

/// Controls without a name, by role and place.
fn unnamed(window: &Window) -> Vec<String> {
    let all = window.root().children_recursive();
    let controls = all.filter(|node| CONTROLS.contains(&node.accesskit_node().role()));
    let silent = controls.filter(|node| node.accesskit_node().label().is_none_or(|l| l.trim().is_empty()));
    silent
        .map(|node| {
            format!(
                "{:?} within {:?} at {:?}",
                node.accesskit_node().role(),
                node.accesskit_node().parent().and_then(|p| p.label()),
                node.accesskit_node().raw_bounds()
            )
        })
        .collect()
}

#[track_caller]
fn assert_named(window: &Window, what: &str) {
    let silent = unnamed(window);
    assert!(silent.is_empty(), "{what}: {} controls without a name: {silent:#?}", silent.len());
}

#[test]
fn every_control_of_every_workspace_has_a_name() {
    let folder = Folder::new("names");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    for workspace in Workspace::ALL {
        act(&mut window, Action::Go(workspace));
        settle(&mut window);
        std::thread::sleep(std::time::Duration::from_millis(200));
        settle(&mut window);
        assert_named(&window, workspace.name());
    }
    act(&mut window, Action::Go(Workspace::Optimize));
    for action in [Action::Search, Action::Help, Action::Activity] {
        act(&mut window, action);
        settle(&mut window);
        assert_named(&window, action.name());
        act(&mut window, action);
        settle(&mut window);
    }
    act(&mut window, Action::RemoveData);
    act(&mut window, Action::Close);
    settle(&mut window);
    assert_named(&window, "the question about unsaved changes");
}

#[test]
fn every_control_of_the_first_page_and_of_menus_has_a_name() {
    let folder = Folder::new("names-first");
    let mut window = open(None);
    settle(&mut window);
    assert_named(&window, "first page");
    let wrong = folder.0.join("wrong.tflite");
    std::fs::write(&wrong, b"no model").unwrap();
    send(&mut window, Command::OpenPath(wrong));
    wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
    settle(&mut window);
    assert_named(&window, "a notice");
    send(&mut window, Command::OpenPath(folder.project()));
    wait(&mut window, "all figures", is_complete);
    for menu in ["Settings", "Board", "Data", "Scheme", "Calibrator", "Colour by"] {
        window.get_all_by_label(menu).find(|n| n.accesskit_node().role() != Role::Label).unwrap().click();
        settle(&mut window);
        assert_named(&window, menu);
        window.key_press(eframe::egui::Key::Escape);
        settle(&mut window);
    }
}

#[test]
fn every_control_of_the_question_about_extents_has_a_name() {
    let folder = Folder::new("names-extents");
    let input = port("x", &[Err("batch"), Err("time"), Err(""), Ok(3)]);
    let model = folder.0.join("open.onnx");
    std::fs::write(&model, onnx(&[node("Relu", &["x"], &["y"])], &[], &[input], &[port("y", &[])])).unwrap();
    let mut window = open(Some(model));
    wait(&mut window, "the question", |app| app.session().opening.is_none());
    settle(&mut window);
    assert_named(&window, "the question about extents");
    for name in ["Extent time", "Extent x:2"] {
        window.get_by_role_and_label(Role::TextInput, name);
    }
}

#[test]
fn boxes_of_the_graph_and_rows_of_the_table_are_named_by_their_layers() {
    let folder = Folder::new("names-layers");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    let names: Vec<String> = app(&window).session().graph().unwrap().nodes.iter().map(|n| n.name.clone()).collect();
    for name in &names {
        let is_box = |label: &str| label.starts_with(&format!("{name}, "));
        let labels: Vec<String> = window.root().children_recursive().filter_map(|n| n.accesskit_node().label()).collect();
        assert!(labels.iter().any(|l| is_box(l)), "the box of {name} says what it is");
    }
}
