//! The frame around the panels: workspaces, layouts, settings, the list of commands, and what is told.

use eframe::egui::{Key, Modifiers, Theme};
use egui_kittest::kittest::Queryable;
use tinsmith::gui::command::{Action, Command, Unsaved};
use tinsmith::gui::notice::Kind;
use tinsmith::gui::settings::Settings;
use tinsmith::gui::theme::Palette;
use tinsmith::gui::workspace::{Pane, Workspace};
use tinsmith_core::project::autosave_path;
use tinsmith_core::recipe::Scheme;
use tinsmith_tests::window::{
    Folder, Window, act, app, click_slowly, drag, drop_file, is_complete, is_shown, open, press, scheme, send, settle, wait,
};

/// A window on the sample with all its figures.
fn ready(folder: &Folder) -> Window {
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    window
}

#[test]
fn every_workspace_is_reached_by_its_tab_and_by_its_key() {
    let folder = Folder::new("frame-workspaces");
    let mut window = ready(&folder);
    let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
    for (workspace, key) in Workspace::ALL.into_iter().zip(keys) {
        press(&mut window, Modifiers::COMMAND, key);
        settle(&mut window);
        assert_eq!(app(&window).session().workspace, workspace);
        assert!(is_shown(&window, &format!("Workspace {}", workspace.name())));
    }
    for workspace in Workspace::ALL {
        window.get_by_label(&format!("Workspace {}", workspace.name())).click();
        settle(&mut window);
        assert_eq!(app(&window).session().workspace, workspace);
    }
}

#[test]
fn panels_are_taken_out_put_back_and_the_layout_is_reset() {
    let folder = Folder::new("frame-layout");
    let mut window = ready(&folder);
    assert!(is_shown(&window, "Recipe panel") && is_shown(&window, "Inspector panel"));
    send(&mut window, Command::TogglePane(Pane::Recipe));
    settle(&mut window);
    assert!(!is_shown(&window, "Recipe panel"));
    let kept = app(&window).kept();
    assert_eq!(kept.layouts.keys().collect::<Vec<_>>(), [&Workspace::Optimize], "what the user changed is kept");
    send(&mut window, Command::TogglePane(Pane::Recipe));
    settle(&mut window);
    assert!(is_shown(&window, "Recipe panel"));
    act(&mut window, Action::ResetLayout);
    settle(&mut window);
    assert!(app(&window).kept().layouts.is_empty());
    // The last panel stays.
    for pane in Pane::ALL {
        send(&mut window, Command::TogglePane(pane));
        settle(&mut window);
    }
    assert!(Pane::ALL.into_iter().any(|pane| is_shown(&window, &format!("{} panel", pane.title()))));
}

#[test]
fn a_panel_is_dragged_by_its_header_and_the_layout_is_then_the_users() {
    let folder = Folder::new("frame-drag");
    let mut window = ready(&folder);
    let from = window.get_by_label("Inspector panel").rect().left_center() + eframe::egui::vec2(100.0, 0.0);
    let to = window.get_by_label("Recipe panel").rect().center() + eframe::egui::vec2(0.0, 200.0);
    drag(&mut window, from, to);
    assert_eq!(app(&window).kept().layouts.len(), 1);
    assert!(is_shown(&window, "Inspector panel"));
}

#[test]
fn the_keyboard_goes_from_panel_to_panel() {
    let folder = Folder::new("frame-f6");
    let mut window = ready(&folder);
    for expected in ["Recipe panel", "Graph panel", "Layers panel", "Inspector panel", "Recipe panel"] {
        press(&mut window, Modifiers::NONE, Key::F6);
        window.step();
        assert!(window.get_by_label(expected).is_focused(), "F6 goes to {expected}");
    }
    press(&mut window, Modifiers::SHIFT, Key::F6);
    window.step();
    assert!(window.get_by_label("Inspector panel").is_focused());
}

#[test]
fn the_look_follows_the_settings_and_they_are_kept() {
    let folder = Folder::new("frame-look");
    let mut window = ready(&folder);
    let settings = |window: &Window| app(window).session().settings.clone();
    let themes: Vec<_> = (0..3)
        .map(|_| {
            act(&mut window, Action::NextTheme);
            settings(&window).theme
        })
        .collect();
    assert!(themes[0] != themes[1] && themes[1] != themes[2] && themes[0] != themes[2]);
    act(&mut window, Action::HighContrast);
    settle(&mut window);
    let ground = window.ctx.style_of(Theme::Dark).visuals.panel_fill;
    assert_eq!(ground, Palette::named(Theme::Dark, true).panel);
    act(&mut window, Action::ReducedMotion);
    settle(&mut window);
    assert_eq!(window.ctx.style_of(Theme::Light).animation_time, 0.0);
    for _ in 0..4 {
        act(&mut window, Action::Larger);
        settle(&mut window);
    }
    assert_eq!(window.ctx.zoom_factor(), 2.0);
    let size = settings(&window).scale;
    assert_eq!(size, 2.0);
    act(&mut window, Action::Smaller);
    act(&mut window, Action::NormalSize);
    settle(&mut window);
    assert_eq!(window.ctx.zoom_factor(), 1.0);
    let kept = app(&window).kept().settings;
    assert!(kept.high_contrast && kept.reduced_motion && kept.scale == 1.0);
    send(&mut window, Command::Set(Settings::default()));
    assert_eq!(settings(&window), Settings::default());
}

#[test]
fn the_help_page_lists_every_command_and_escape_closes_it() {
    let mut window = open(None);
    settle(&mut window);
    press(&mut window, Modifiers::NONE, Key::F1);
    settle(&mut window);
    for action in Action::ALL {
        assert!(is_shown(&window, action.name()), "help lists {}", action.name());
    }
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    assert!(!is_shown(&window, "Reset the layout"));
}

#[test]
fn the_palette_finds_commands_and_layers_by_a_few_letters() {
    let folder = Folder::new("frame-palette");
    let mut window = ready(&folder);
    let find = |window: &mut Window, text: &str| {
        press(window, Modifiers::COMMAND, Key::K);
        settle(window);
        window.get_by_role_and_label(eframe::egui::accesskit::Role::TextInput, "Search or command").type_text(text);
        settle(window);
        press(window, Modifiers::NONE, Key::Enter);
        settle(window);
    };
    find(&mut window, "gocomp");
    assert_eq!(app(&window).session().workspace, Workspace::Compare);
    find(&mut window, "gopt");
    assert_eq!(app(&window).session().workspace, Workspace::Optimize);
    let first = app(&window).session().graph().unwrap().nodes[0].name.clone();
    find(&mut window, &first);
    assert_eq!(app(&window).session().selection.as_ref(), Some(&first));
    // Every command that can be given now is found by its own name, and none that cannot.
    let buttons =
        |window: &Window, name: &str| window.query_all_by_role_and_label(eframe::egui::accesskit::Role::Button, name).count();
    for action in Action::ALL {
        // Some have a button in the top bar as well.
        let before = buttons(&window, action.name());
        press(&mut window, Modifiers::COMMAND, Key::K);
        settle(&mut window);
        window.get_by_role_and_label(eframe::egui::accesskit::Role::TextInput, "Search or command").type_text(action.name());
        settle(&mut window);
        let is_enabled = action.is_enabled(app(&window).session());
        assert_eq!(buttons(&window, action.name()) > before, is_enabled, "{} is found if it can be done", action.name());
        press(&mut window, Modifiers::NONE, Key::Escape);
        settle(&mut window);
    }
}

#[test]
fn commands_on_the_selection_and_the_recipe_do_what_they_say() {
    let folder = Folder::new("frame-selection");
    let mut window = ready(&folder);
    let n = app(&window).session().graph().unwrap().nodes.len();
    press(&mut window, Modifiers::COMMAND, Key::A);
    settle(&mut window);
    assert_eq!(app(&window).session().all_selected().count(), n);
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    assert_eq!(app(&window).session().all_selected().count(), 0);
    act(&mut window, Action::SelectHeaviest);
    assert_eq!(app(&window).session().all_selected().count(), 1);
    let before = app(&window).session().shown_now();
    press(&mut window, Modifiers::NONE, Key::S);
    settle(&mut window);
    assert_ne!(app(&window).session().shown_now(), before);
    // The recipe is changed, undone by its name, redone, and reset.
    settle(&mut window);
    act(&mut window, Action::RemoveData);
    assert!(app(&window).session().open.as_ref().unwrap().data.is_none());
    wait(&mut window, "figures without data", is_complete);
    window.get_by_role_and_label(eframe::egui::accesskit::Role::ComboBox, "Scheme").click();
    settle(&mut window);
    window.query_all_by_label("float32, as it came").last().unwrap().click();
    wait(&mut window, "the scheme", |app| scheme(app) == Some(Scheme::Float32));
    settle(&mut window);
    assert!(is_shown(&window, "undo: scheme"));
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait(&mut window, "undo", |app| scheme(app) == Some(Scheme::Int8));
    settle(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::Y);
    wait(&mut window, "redo", |app| scheme(app) == Some(Scheme::Float32));
    settle(&mut window);
    act(&mut window, Action::ResetRecipe);
    assert_eq!(scheme(app(&window)), Some(Scheme::Int8));
}

#[test]
fn unsaved_work_is_asked_about_before_it_goes() {
    let folder = Folder::new("frame-unsaved");
    let mut window = ready(&folder);
    act(&mut window, Action::RemoveData);
    settle(&mut window);
    let question = "Save the changes to keyword.ron?";
    // Stay.
    act(&mut window, Action::Close);
    settle(&mut window);
    assert!(is_shown(&window, question));
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    assert!(app(&window).session().open.is_some() && !is_shown(&window, question));
    // Data joins what is open: nothing is lost, nothing is asked.
    let (_, data) = folder.sample();
    drop_file(&mut window, &data);
    wait(&mut window, "the data", |app| app.session().open.as_ref().is_some_and(|o| o.data.is_some()));
    assert!(app(&window).session().leaving.is_none());
    act(&mut window, Action::RemoveData);
    settle(&mut window);
    // Save, then go.
    act(&mut window, Action::Close);
    settle(&mut window);
    window.query_all_by_label("Save").last().unwrap().click();
    wait(&mut window, "the project to be saved and closed", |app| app.session().open.is_none());
    assert!(!std::fs::read_to_string(folder.0.join("keyword.ron")).unwrap().contains("keyword.npz"));
    // Discard.
    let mut window = open(Some(folder.0.join("keyword.ron")));
    wait(&mut window, "the project", |app| app.session().open.is_some());
    drop_file(&mut window, &data);
    wait(&mut window, "the data", |app| app.session().open.as_ref().is_some_and(|o| o.data.is_some()));
    act(&mut window, Action::Close);
    settle(&mut window);
    send(&mut window, Command::Unsaved(Unsaved::Discard));
    settle(&mut window);
    assert!(app(&window).session().open.is_none() && is_shown(&window, "Drop a model here"));
}

#[test]
fn of_two_windows_on_a_project_the_first_autosaves() {
    let folder = Folder::new("frame-claims");
    let first = ready(&folder);
    let mut second = open(Some(folder.0.join("keyword.ron")));
    wait(&mut second, "the project", |app| app.session().open.is_some());
    settle(&mut second);
    assert!(!app(&first).session().is_elsewhere && app(&second).session().is_elsewhere);
    assert!(is_shown(&second, "open in another window"));
    let autosave = autosave_path(&folder.0.join("keyword.ron"));
    let edit_and_wait = |window: &mut Window| {
        act(window, Action::RemoveData);
        // Frames of a tenth of a second: longer than an autosave waits.
        (0..60).for_each(|_| window.step());
        std::thread::sleep(std::time::Duration::from_millis(300));
    };
    edit_and_wait(&mut second);
    assert!(!autosave.exists(), "the second window keeps its hands off");
    drop(first);
    drop_file(&mut second, &folder.sample().1);
    wait(&mut second, "the data", |app| app.session().open.as_ref().is_some_and(|o| o.data.is_some()));
    edit_and_wait(&mut second);
    wait(&mut second, "the autosave of the window that is left", |_| autosave.exists());
    assert!(!app(&second).session().is_elsewhere);
}

#[test]
fn work_that_was_never_saved_is_offered_and_taken_up() {
    let folder = Folder::new("frame-recovery");
    let project = folder.project();
    let text = std::fs::read_to_string(&project).unwrap().replacen("correct_bias: true", "correct_bias: false", 1);
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(autosave_path(&project), text).unwrap();
    let mut window = open(Some(project));
    wait(&mut window, "the project", |app| app.session().open.is_some());
    settle(&mut window);
    let corrects = |window: &Window| app(window).session().edit.recipe.quantize().unwrap().correct_bias;
    assert!(corrects(&window) && is_shown(&window, "Changes were not saved last time"));
    window.get_by_label("Recover them").click();
    settle(&mut window);
    assert!(!corrects(&window) && app(&window).session().is_unsaved() && !is_shown(&window, "Recover them"));
}

#[test]
fn a_model_that_was_never_saved_comes_back_with_its_data() {
    let folder = Folder::new("frame-recovery-data");
    let (model, data) = folder.sample();
    let mut first = open(Some(model.clone()));
    wait(&mut first, "the model", |app| app.session().open.is_some());
    drop_file(&mut first, &data);
    wait(&mut first, "the data", |app| app.session().open.as_ref().is_some_and(|o| o.data.is_some()));
    // Frames of a tenth of a second: longer than an autosave waits.
    (0..60).for_each(|_| first.step());
    let autosave = autosave_path(&app(&first).session().open.as_ref().unwrap().project_file());
    wait(&mut first, "the autosave", |_| autosave.exists());
    let unsaved = std::fs::read(&autosave).unwrap();
    drop(first);
    // As after a power cut: it lies there still.
    std::fs::write(&autosave, unsaved).unwrap();
    let mut second = open(Some(model));
    wait(&mut second, "the model", |app| app.session().open.is_some());
    settle(&mut second);
    second.get_by_label("Recover them").click();
    wait(&mut second, "the data", |app| app.session().open.as_ref().is_some_and(|o| o.data.is_some()));
    wait(&mut second, "all figures", is_complete);
}

#[test]
fn a_read_only_project_says_so_and_is_not_overwritten() {
    let folder = Folder::new("frame-read-only");
    let project = folder.project();
    let mut permissions = std::fs::metadata(&project).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&project, permissions).unwrap();
    let before = std::fs::read(&project).unwrap();
    let mut window = open(Some(project.clone()));
    wait(&mut window, "the project", is_complete);
    settle(&mut window);
    assert!(is_shown(&window, "read-only"));
    act(&mut window, Action::RemoveData);
    send(&mut window, Command::SaveTo(project.clone()));
    wait(&mut window, "the refusal", |app| app.session().notices.shown().any(|n| n.kind == Kind::Error));
    settle(&mut window);
    assert!(is_shown(&window, "The project was not saved") && is_shown(&window, "Save as"));
    assert_eq!(std::fs::read(&project).unwrap(), before);
}

#[test]
fn what_cannot_be_opened_says_why_and_can_be_tried_again() {
    let folder = Folder::new("frame-refused");
    let newer = folder.0.join("newer.ron");
    std::fs::write(&newer, "(version: 9, model: \"a.tflite\")").unwrap();
    let mut window = open(Some(newer.clone()));
    wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
    settle(&mut window);
    assert!(is_shown(&window, "newer.ron was not opened"));
    assert!(app(&window).session().notices.all()[0].text.contains("newer Tinsmith"));
    // Mended behind our back: trying again opens it.
    std::fs::copy(folder.project(), &newer).unwrap();
    window.get_by_label("Try again").click();
    wait(&mut window, "the project", |app| app.session().open.is_some());
    // It stays in the list of what happened.
    act(&mut window, Action::Activity);
    settle(&mut window);
    assert!(is_shown(&window, "newer.ron was not opened"));
    // Data without a model.
    let mut window = open(None);
    settle(&mut window);
    drop_file(&mut window, &folder.sample().1);
    wait(&mut window, "the refusal", |app| app.session().notices.shown().count() == 1);
    settle(&mut window);
    assert!(is_shown(&window, "Open a model first"));
}

#[test]
fn without_data_or_labels_the_window_says_what_is_missing() {
    let folder = Folder::new("frame-no-data");
    let (model, data) = folder.sample();
    let mut window = open(Some(model));
    wait(&mut window, "the model", |app| app.session().figures.failure.is_some());
    settle(&mut window);
    assert!(is_shown(&window, "Choose data") && is_shown(&window, "no calibration data"));
    let set = tinsmith_core::data::open(&data).unwrap();
    let tinsmith_core::data::Values::F32(values) = &set.values else { panic!("the sample is float") };
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut shape = vec![set.n_samples()];
    shape.extend(&set.sample_shape);
    let unlabelled = folder.0.join("clips.npy");
    tinsmith_core::data::npy::write(&mut std::fs::File::create(&unlabelled).unwrap(), "<f4", &shape, &bytes).unwrap();
    drop_file(&mut window, &unlabelled);
    wait(&mut window, "all figures", is_complete);
    settle(&mut window);
    let agreement = app(&window).session().figures.candidate_accuracy.value.as_ref().unwrap().agreement().unwrap();
    let words = tinsmith::gui::units::percent(agreement).joined();
    assert!(is_shown(&window, &format!("Agreement {words}")), "agreement with float stands in for accuracy");
}

#[test]
fn work_is_cancelled_and_the_list_of_activities_says_so() {
    let folder = Folder::new("frame-cancel");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "work", |app| app.session().activity.is_some());
    send(&mut window, Command::Cancel);
    settle(&mut window);
    assert!(app(&window).session().activity.is_none());
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::A);
    settle(&mut window);
    // On a machine that was quicker than the command, nothing is missing.
    let is_done = app(&window).session().figures.is_complete;
    let words = if is_done { "Nothing; all figures are up to date." } else { "Nothing; some figures are missing." };
    assert!(is_shown(&window, words));
    assert_eq!(is_shown(&window, "cancelled"), !is_done, "the status line says how it ended");
}

#[test]
fn what_stands_in_a_header_is_pressed_slowly_without_dragging_the_panel() {
    let folder = Folder::new("frame-header");
    let mut window = ready(&folder);
    let at = window.get_by_role_and_label(eframe::egui::accesskit::Role::ComboBox, "Colour by").rect().center();
    click_slowly(&mut window, at);
    assert!(is_shown(&window, "op kind"), "the menu is open");
    assert!(app(&window).kept().layouts.is_empty(), "and the panel where it was");
}

#[test]
fn an_edit_is_autosaved_although_nothing_moves_any_more() {
    let folder = Folder::new("frame-autosave");
    let mut window = ready(&folder);
    let next_frame = |window: &Window| window.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap();
    act(&mut window, Action::RemoveData);
    // Nothing is computed either: what wakes the window then is the autosave alone.
    send(&mut window, Command::Cancel);
    std::thread::sleep(std::time::Duration::from_millis(300));
    settle(&mut window);
    let autosave = autosave_path(&folder.0.join("keyword.ron"));
    assert!(!autosave.exists() && next_frame(&window) < std::time::Duration::from_secs(5), "{:?}", next_frame(&window));
    wait(&mut window, "the autosave", |_| autosave.exists());
    settle(&mut window);
    assert!(next_frame(&window) > std::time::Duration::from_secs(60), "and then it rests");
}
