//! Recording as a user does it in the window: without hardware, three gestures, splits, features, and the clips as the model's data.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use tinsmith::capture::{Link, Order, RecordSettings, StartOn};
use tinsmith::device::Way;
use tinsmith::device::simulate::{Simulator, SimulatorSettings, Speed};
use tinsmith::gui::App;
use tinsmith::gui::capture::{Ask, ChosenBy, ClipEdit, Source};
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::panels::parameters::{Settable, parameters_ui};
use tinsmith::gui::theme;
use tinsmith::gui::workspace::Workspace;
use tinsmith_core::data::Split;
use tinsmith_core::data::features::describe_stages;
use tinsmith_core::data::import::folder::{Options, import};
use tinsmith_core::data::library::{Item, Library};
use tinsmith_core::measure::coverage::coverage;
use tinsmith_core::optimize::ParameterKind;
use tinsmith_core::preview::{covering_items, observe};
use tinsmith_core::progress::Cancel;
use tinsmith_tests::boards::{board, simulation};
use tinsmith_tests::window::{Folder, Window, act, app, holds, is_complete, open_sized, send, settle, wait};

fn clips(app: &App) -> usize {
    app.session().capture.library().map_or(0, |library| library.items.len())
}

fn ask(window: &mut Window, ask: Ask) {
    send(window, Command::Capture(ask));
}

/// The sample in the workspace for data.
fn in_data(folder: &Folder, size: [f32; 2]) -> Window {
    let mut window = open_sized(Some(folder.project()), size);
    wait(&mut window, "the sample's figures", is_complete);
    act(&mut window, Action::Go(Workspace::Data));
    window
}

/// The sample's data set as a folder, whose items are shown.
fn show_items(folder: &Folder, window: &mut Window) -> PathBuf {
    let set = folder.0.join("set");
    import(&folder.sample().1, &set, &Options::default(), &Cancel::new(), &mut |_, _| ()).expect("a data set");
    ask(window, Ask::UseFolder(set.clone()));
    wait(window, "the clips", |app| clips(app) > 0);
    set
}

/// The window in its workspace for data, listening to the simulated board.
fn listening(folder: &Folder) -> Window {
    let mut window = in_data(folder, [1600.0, 1000.0]);
    settle(&mut window);
    window.get_by_label("Try without hardware").click();
    wait(&mut window, "the board's sensors", |app| {
        app.session().capture.station().is_some_and(|station| {
            let seen = station.seen();
            seen.tracks.len() == 2 && seen.tracks.iter().all(|track| track.ring.end() > 0)
        })
    });
    window
}

#[test]
fn gestures_are_recorded_labelled_split_and_undone() {
    let folder = Folder::new("window-capture");
    let mut window = listening(&folder);
    window.get_by_label("Take clips of imu").click();
    settle(&mut window);
    let settings = RecordSettings {
        labels: "wave, rest".to_owned(),
        wanted: 3,
        order: Order::InTurn,
        seconds: 0.3,
        start: StartOn::Beat,
        beat_s: 0.5,
        ..RecordSettings::default()
    };
    ask(&mut window, Ask::Set(settings));
    settle(&mut window);
    window.get_by_label("Record 6 clips").click();
    wait(&mut window, "six clips", |app| clips(app) == 6);
    assert!(holds(&window, "done: All clips are there"));
    window.get_by_label("End the session").click();
    wait(&mut window, "the end", |app| !app.session().capture.is_recording());

    // The table names them, the classes are counted, and what is wrong with them is found.
    assert!(window.query_all_by_role(Role::Row).count() >= 6);
    assert!(holds(&window, "wave: 0 to train, 0 to calibrate, 0 to test, 3 in no split"));
    wait(&mut window, "all clips looked at", |app| {
        let capture = &app.session().capture;
        capture.library().is_some_and(|library| library.items.iter().all(|item| capture.digests.of(item).is_some()))
    });

    // A click selects, and the label changes; undo in this workspace is about clips.
    ask(&mut window, Ask::Select(BTreeSet::from([0])));
    settle(&mut window);
    ask(&mut window, Ask::Edit(ClipEdit::Label(BTreeSet::from([0]), "rest".to_owned())));
    settle(&mut window);
    assert!(holds(&window, "rest: 0 to train, 0 to calibrate, 0 to test, 4 in no split"));
    assert!(holds(&window, "undo: label of 1 clip"));
    act(&mut window, Action::Undo);
    settle(&mut window);
    assert!(holds(&window, "wave: 0 to train, 0 to calibrate, 0 to test, 3 in no split"));

    window.get_by_role_and_label(Role::Button, "Split").click();
    settle(&mut window);
    let library = app(&window).session().capture.library().expect("clips");
    assert!(library.items.iter().all(|item| item.split.is_some()), "{library:?}");
    let into = app(&window).session().capture.collection.as_ref().expect("a folder").folder().to_owned();
    assert_eq!(into, folder.0.join("keyword-clips"), "beside the project, unless the user says otherwise");
    drop(window);
    assert_eq!(Library::open(&into).expect("the index is written"), *library);
}

#[test]
fn a_plug_that_is_pulled_in_a_session_is_said_and_the_session_goes_on_when_it_is_back() {
    let plug_in = |number| {
        let settings = simulation("plug", Way::Frames, Speed::Times(1.0), &[]);
        Simulator::start(SimulatorSettings { board: board("plug", number), ..settings }).expect("a pseudo-terminal")
    };
    let folder = Folder::new("window-capture-plug");
    let mut window = in_data(&folder, [1600.0, 1000.0]);
    let simulator = plug_in(7);
    ask(&mut window, Ask::Listen(Source::Port(simulator.port().display().to_string())));
    let link = |app: &App| app.session().capture.station().map(|station| station.seen().link.clone());
    wait(&mut window, "the board", |app| link(app) == Some(Link::Connected));
    let settings = RecordSettings { labels: "tone".to_owned(), wanted: 20, seconds: 0.3, ..RecordSettings::default() };
    ask(&mut window, Ask::Set(RecordSettings { start: StartOn::Beat, beat_s: 0.5, ..settings }));
    ask(&mut window, Ask::Begin);
    wait(&mut window, "clips", |app| clips(app) >= 2);
    drop(simulator);
    wait(&mut window, "that it is away", |app| link(app) == Some(Link::Away));
    settle(&mut window);
    assert!(holds(&window, "away: Plug it in again, it goes on"));
    let n_clips = clips(app(&window));
    let simulator = plug_in(7);
    wait(&mut window, "more clips", |app| clips(app) > n_clips + 1);
    settle(&mut window);
    assert!(!holds(&window, "Plug it in again"));
    // Another board of the same kind is not taken for it.
    drop(simulator);
    wait(&mut window, "that it is away again", |app| link(app) == Some(Link::Away));
    let _other = plug_in(8);
    wait(
        &mut window,
        "that it is another",
        |app| matches!(link(app), Some(Link::Failed(why)) if why.contains("number 8 instead")),
    );
    settle(&mut window);
    assert!(holds(&window, "gone: The input is gone") && holds(&window, "open it again above"));
}

#[test]
fn what_cannot_be_listened_to_says_why_and_can_be_tried_again() {
    let folder = Folder::new("window-capture-absent");
    let mut window = listening(&folder);
    ask(&mut window, Ask::Listen(Source::Port("/dev/ttyNOWHERE".to_owned())));
    wait(&mut window, "that it failed", |app| {
        let station = app.session().capture.station();
        station.is_some_and(|station| matches!(station.seen().link, Link::Failed(_)))
    });
    settle(&mut window);
    assert!(holds(&window, "The input is gone"));
    // There is no such port, and it is listed all the same, with what is wrong.
    assert!(holds(&window, "/dev/ttyNOWHERE, failed"));
    window.get_by_label("Try again").click();
    settle(&mut window);
    ask(&mut window, Ask::LetGo);
    settle(&mut window);
    assert!(holds(&window, "Nothing is listened to"));
}

#[test]
fn a_folder_of_files_is_imported_and_the_files_stay() {
    let folder = Folder::new("window-capture-import");
    let mut window = in_data(&folder, [1280.0, 800.0]);
    let logs = folder.0.join("logs");
    for label in ["wave", "rest"] {
        std::fs::create_dir_all(logs.join(label)).expect("a folder");
        let rows: String = (0..50).map(|i| format!("{},{},{}\n", i * 10, i % 7, i % 3)).collect();
        std::fs::write(logs.join(label).join("a.csv"), format!("time_ms,ax,ay\n{rows}")).expect("a file");
    }
    std::fs::write(logs.join("wave").join("b.csv"), "nothing of use").expect("a file");
    ask(&mut window, Ask::UseFolder(logs.clone()));
    wait(&mut window, "two clips", |app| clips(app) == 2);
    let capture = &app(&window).session().capture;
    assert_eq!(capture.library().expect("an index").labels, ["rest", "wave"]);
    assert_eq!(capture.collection.as_ref().expect("a folder").folder(), folder.0.join("logs-set"));
    let told = app(&window).session().notices.all().iter().any(|notice| notice.text.contains("b.csv"));
    assert!(told, "what was left out is told");
    assert!(logs.join("wave").join("b.csv").is_file() && !logs.join("dataset.ron").exists());
}

#[test]
fn undo_takes_back_what_was_edited_last_be_it_clips_or_features() {
    let folder = Folder::new("window-capture-undo");
    let mut window = in_data(&folder, [1600.0, 1000.0]);
    show_items(&folder, &mut window);
    let n_clips = clips(app(&window));
    ask(&mut window, Ask::Edit(ClipEdit::Delete(BTreeSet::from([0, 1]))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Tab, "Features").click();
    settle(&mut window);
    let has_features = |window: &Window| app(window).session().edit.features.is_some();
    let before = has_features(&window);
    window.get_by_label("Begin with no stage").click();
    settle(&mut window);
    assert_ne!(has_features(&window), before);
    ask(&mut window, Ask::Edit(ClipEdit::Delete(BTreeSet::from([0]))));
    let seen = |window: &Window| (has_features(window), clips(app(window)));
    let states = [(before, n_clips), (before, n_clips - 2), (!before, n_clips - 2), (!before, n_clips - 3)];
    for _ in 0..2 {
        settle(&mut window);
        assert_eq!(seen(&window), states[3]);
        for (action, state) in [Action::Undo; 3].into_iter().zip(states[..3].iter().rev()) {
            act(&mut window, action);
            settle(&mut window);
            assert_eq!(seen(&window), *state, "what was edited last goes first");
        }
        for (action, state) in [Action::Redo; 3].into_iter().zip(&states[1..]) {
            act(&mut window, action);
            settle(&mut window);
            assert_eq!(seen(&window), *state, "what was undone last comes back first");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_opened_leaves_the_one_that_is() {
    let folder = Folder::new("window-capture-damaged");
    let mut window = in_data(&folder, [1280.0, 800.0]);
    let set = show_items(&folder, &mut window);
    let n_clips = clips(app(&window));
    let damaged = folder.0.join("damaged");
    std::fs::create_dir_all(&damaged).expect("a folder");
    std::fs::write(damaged.join("dataset.ron"), "(version: 1, nothing else").expect("a file");
    let in_use = |app: &App| app.session().capture.collection.as_ref().map(|collection| collection.folder().to_owned());
    ask(&mut window, Ask::UseFolder(damaged.clone()));
    wait(&mut window, "that it cannot be used", |app| {
        app.session().notices.all().iter().any(|notice| notice.title.contains("The folder cannot be used"))
    });
    assert_eq!((in_use(app(&window)), clips(app(&window))), (Some(set.clone()), n_clips));
    // Who thinks better of it at once is back where he was.
    send(&mut window, Command::Capture(Ask::UseFolder(damaged)));
    send(&mut window, Command::Capture(Ask::UseFolder(set.clone())));
    settle(&mut window);
    assert_eq!((in_use(app(&window)), clips(app(&window))), (Some(set), n_clips));
}

/// Places of the clips of a split.
fn of_split(library: &Library, split: Split) -> Vec<usize> {
    (0..library.items.len()).filter(|&index| library.items[index].split == Some(split)).collect()
}

fn calibrating(library: &Library) -> Vec<usize> {
    of_split(library, Split::Calibration)
}

#[test]
fn clips_that_calibrate_are_chosen_by_chance_or_by_the_ranges_of_the_model() {
    let folder = Folder::new("window-capture-subset");
    let mut window = in_data(&folder, [1600.0, 1000.0]);
    let set = show_items(&folder, &mut window);
    settle(&mut window);
    let library = |window: &Window| app(window).session().capture.library().expect("clips");
    // What the candidate says of arrays stands beside them, too: it is right of nearly all.
    let newest: Vec<_> = library(&window).items.iter().rev().take(8).cloned().collect();
    wait(&mut window, "what the candidate says", |app| newest.iter().all(|item| app.session().capture.words.of(item).is_some()));
    let said = |item: &Item| app(&window).session().capture.words.of(item).and_then(|word| word.class.clone());
    assert!(newest.iter().filter(|item| said(item) == item.label).count() >= 6);
    let tests = of_split(&library(&window), Split::Test);

    ask(&mut window, Ask::Calibrate(12, ChosenBy::Chance(7)));
    settle(&mut window);
    let chosen = library(&window);
    assert_eq!(calibrating(&chosen), chosen.chosen(&chosen.not_tests(), 12, 7));
    assert!(holds(&window, "undo: 12 clips to calibrate"));

    window.get_by_label("How they are chosen by ranges").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Choose").click();
    wait(&mut window, "the choice", |app| app.session().capture.choosing.is_none());
    settle(&mut window);
    let source = &app(&window).session().open.as_ref().expect("a model").source;
    let mut covering = covering_items(&source.graph, (&set, &chosen), None, 20, &Cancel::new()).expect("a choice");
    covering.sort_unstable();
    assert_eq!(calibrating(&library(&window)), covering);
    assert_eq!(of_split(&library(&window), Split::Test), tests, "what tests is left alone");
    act(&mut window, Action::Undo);
    settle(&mut window);
    assert_eq!(calibrating(&library(&window)), calibrating(&chosen));
}

#[test]
fn coverage_shows_what_the_command_line_says() {
    let folder = Folder::new("window-capture-coverage");
    let mut window = in_data(&folder, [1600.0, 1000.0]);
    settle(&mut window);
    window.get_by_label("Coverage").click();
    wait(&mut window, "the ranges", |app| app.session().on_demand.coverage.value.is_some());
    settle(&mut window);
    let session = app(&window).session();
    let open = session.open.as_ref().expect("a model");
    let data = open.data.as_ref().expect("samples");
    let observed = observe(&open.source.graph, &data.set, &data.roles.calibration, &Cancel::new()).expect("a run");
    let all = coverage(observed.seen());
    let n_few = all.iter().filter(|tensor| tensor.hangs_on_few()).count();
    assert!(holds(&window, &format!("{n_few} of {} ranges hang on fewer than 3 samples", all.len())));
    let first = &all[0];
    let sets = [&first.low, &first.high].map(|end| data.roles.calibration[end.reached_by[0]] + 1);
    for sample in sets {
        assert!(holds(&window, &format!("(sample {sample}")), "the sample that sets an end is named as the sample panel counts");
    }
    // A click leads to the layer.
    let row = window.query_all_by_role(Role::Row).nth(1).expect("a second row");
    row.click();
    settle(&mut window);
    assert!(app(&window).session().selection.is_some());
}

#[test]
fn panels_that_are_too_small_for_their_plots_do_no_harm() {
    let folder = Folder::new("window-capture-low");
    let mut window = listening(&folder);
    for size in [[640.0, 200.0], [420.0, 320.0], [1280.0, 140.0], [1600.0, 1000.0]] {
        window.set_size(size.into());
        (0..4).for_each(|_| window.step());
    }
    settle(&mut window);
    assert!(holds(&window, "Take clips of imu"));
}

/// Something with one list of numbers.
#[derive(Default)]
struct Numbers(String);

impl Settable for Numbers {
    fn word(&self, _: &str) -> Option<String> {
        Some(self.0.clone())
    }

    fn set_word(&mut self, _: &str, word: &str) -> bool {
        let is_right = word.split_whitespace().all(|number| number.parse::<f64>().is_ok());
        if is_right {
            self.0 = word.to_owned();
        }
        is_right
    }
}

#[test]
fn wrong_numbers_stay_in_their_field_and_say_what_is_expected() {
    let info = describe_stages()
        .into_iter()
        .flat_map(|stage| stage.parameters)
        .find(|info| matches!(info.kind, ParameterKind::Numbers { .. }));
    let info = info.expect("a list");
    let mut window = Harness::builder().with_size([300.0, 200.0]).with_context_setup(theme::install).build_ui_state(
        move |ui, numbers: &mut Numbers| parameters_ui(numbers, std::slice::from_ref(&info), ui),
        Numbers::default(),
    );
    let typed = |window: &mut Harness<'_, Numbers>, text: &str| {
        let field = window.get_by_role(Role::TextInput);
        field.focus();
        window.run();
        window.get_by_role(Role::TextInput).type_text(text);
        window.run();
        window.key_press(Key::Enter);
        window.run();
    };
    typed(&mut window, "1 2");
    assert_eq!(window.state().0, "1 2");
    typed(&mut window, " and 3");
    assert_eq!(window.state().0, "1 2", "no list of numbers");
    assert!(window.query_by_label_contains("expected numbers from").is_some());
    assert_eq!(window.get_by_role(Role::TextInput).value().as_deref(), Some("1 2 and 3"), "what was typed can be mended");
}
