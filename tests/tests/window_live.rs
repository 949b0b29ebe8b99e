//! The workspace Live on a simulated board that says a word: what is heard, how it is decided, the model on the board.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{Role, vec2};
use egui_kittest::kittest::Queryable;
use tinsmith::capture::Stretch;
use tinsmith::device::Way;
use tinsmith::device::simulate::{Simulator, Speed};
use tinsmith::gui::App;
use tinsmith::gui::capture::{Ask as Capture, ClipEdit, Source};
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::live::Ask;
use tinsmith::gui::workspace::Workspace;
use tinsmith::live::{Settings, Shown, State};
use tinsmith_core::data::wav::{Sound, read_wav, write};
use tinsmith_core::live::top;
use tinsmith_core::recipe::Granularity;
use tinsmith_runtime::link::Status;
use tinsmith_tests::boards::{BoardProcess, simulation};
use tinsmith_tests::window::{Folder, Window, act, app, drag, holds, is_complete, is_shown, open_sized, send, settle, wait};
use tinsmith_tests::{autoencoder, root};

/// A window on a project in the workspace Live, which listens to a board.
fn window_on(project: PathBuf, port: &str) -> Window {
    let mut window = open_sized(Some(project), [1600.0, 1000.0]);
    wait(&mut window, "all figures", is_complete);
    act(&mut window, Action::Go(Workspace::Live));
    settle(&mut window);
    assert!(is_shown(&window, "Nothing is listened to"));
    send(&mut window, Command::Capture(Capture::Listen(Source::Port(port.to_owned()))));
    window
}

/// The same, and a board whose microphone hears "yes" and then nothing, over and over.
fn listening(folder: &Folder) -> (Window, BoardProcess) {
    let said = read_wav(&root().join("assets/samples/keyword/clips/yes.wav")).unwrap();
    let mut samples = said.samples;
    samples.resize(samples.len() + said.rate_hz as usize, 0.0);
    let path = folder.0.join("yes.wav");
    fs::write(&path, write(&Sound { rate_hz: said.rate_hz, n_channels: 1, samples }).unwrap()).unwrap();
    let board = BoardProcess::start(&["--wav", path.to_str().expect("a plain name")]);
    (window_on(folder.project(), &board.port), board)
}

/// Waits until something of what is shown holds.
fn wait_shown(window: &mut Window, what: &str, holds: impl Fn(&Shown) -> bool) {
    wait(window, what, |app| app.session().live.listener.as_ref().is_some_and(|listener| holds(&listener.shown())));
}

fn set(window: &mut Window, change: impl FnOnce(&mut Settings)) {
    let mut settings = app(window).session().live.settings.clone();
    change(&mut settings);
    send(window, Command::Live(Ask::Set(settings)));
}

#[test]
fn a_word_is_heard_shown_and_counted() {
    let folder = Folder::new("live-heard");
    let (mut window, board) = listening(&folder);
    wait_shown(&mut window, "an event", |shown| shown.events.iter().any(|heard| shown.label(heard.event.class) == "yes"));
    assert!(is_shown(&window, "Now") && is_shown(&window, "Probabilities") && is_shown(&window, "Events"));
    {
        let listener = app(&window).session().live.listener.as_ref().expect("it listens");
        let shown = listener.shown();
        assert_eq!(shown.state, State::Listening);
        assert_eq!((shown.labels.len(), shown.window_s), (12, 1.0));
        let point = shown.points.back().expect("steps");
        assert!((point.mean.iter().sum::<f32>() - 1.0).abs() < 0.05, "{:?}", point.mean);
        assert!(point.baseline.len() == 12 && top(&point.mean).1 > 0.1);
        assert!(!shown.outline.columns.is_empty() && shown.missing == (0, 0));
    }
    assert!(holds(&window, "Event "), "a line of the table");
    // Every way to draw them, with nothing in the way.
    for view in ["lines", "heat", "ribbons"] {
        window.get_by_label(&format!("Probabilities as {view}")).click();
        settle(&mut window);
        assert!(holds(&window, "Probabilities of the last 12 s"));
    }
    // What nothing reaches is not heard; what was counted stays, until it is cleared.
    set(&mut window, |settings| settings.decision.threshold = Some(1.5));
    send(&mut window, Command::Live(Ask::Clear));
    wait_shown(&mut window, "steps from the beginning", |shown| shown.steps.0 > 30);
    wait_shown(&mut window, "no event", |shown| shown.counts.events == 0);
    window.get_by_label("Pause").click();
    wait_shown(&mut window, "a pause", |shown| shown.state == State::Paused);
    assert!(is_shown(&window, "Go on"));
    // The board goes: so does what followed it.
    drop(board);
    send(&mut window, Command::Capture(Capture::LetGo));
    wait(&mut window, "the end", |app| app.session().live.listener.is_none());
    assert!(is_shown(&window, "Nothing is listened to"));
}

#[test]
fn the_board_runs_the_candidate_and_computes_the_same() {
    let folder = Folder::new("live-board");
    let (mut window, _board) = listening(&folder);
    wait_shown(&mut window, "steps", |shown| shown.steps.0 > 0);
    assert!(is_shown(&window, "Load to board"));
    window.get_by_label("Load to board").click();
    wait_shown(&mut window, "the model on the board", |shown| shown.board.runs.is_some_and(|(_, is_candidate)| is_candidate));
    settle(&mut window);
    window.get_by_label("Check the board").click();
    wait_shown(&mut window, "all test samples", |shown| shown.board.check.is_some_and(|check| check.done == 200));
    wait_shown(&mut window, "the same outputs", |shown| shown.board.check.is_some_and(|check| check.same == 200));
    assert!(holds(&window, "200 / 200"));
    set(&mut window, |settings| settings.on_board = true);
    wait_shown(&mut window, "windows on the board", |shown| shown.board.windows.1 > 5);
    wait_shown(&mut window, "the same outputs", |shown| shown.board.windows.0 == shown.board.windows.1);
    wait_shown(&mut window, "times", |shown| shown.board.latencies.count() > 205);
    wait_shown(&mut window, "an event with the board's time", |shown| shown.events.iter().any(|heard| heard.board_us.is_some()));
    assert!(holds(&window, "Latency plot"));
}

#[test]
fn another_recipe_begins_anew_with_the_new_candidate() {
    let folder = Folder::new("live-recipe");
    let (mut window, _board) = listening(&folder);
    wait_shown(&mut window, "steps", |shown| shown.steps.0 > 0);
    let before = app(&window).session().candidate().cloned().expect("a candidate");
    let mut edit = app(&window).session().edit.clone();
    edit.recipe.quantize_mut().expect("it quantizes").granularity = Granularity::PerTensor;
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().expect("an app").take_edit(edit, &ctx);
    let is_new = |app: &App| app.session().candidate().is_some_and(|now| !Arc::ptr_eq(now, &before));
    wait(&mut window, "another candidate", is_new);
    wait_shown(&mut window, "its steps", |shown| shown.state == State::Listening && shown.steps.0 > 0);
    set(&mut window, |settings| settings.stride_ms = 50.0);
    wait_shown(&mut window, "steps each 50 ms", |shown| {
        let times: Vec<f64> = shown.points.iter().map(|point| point.time_s).collect();
        times.len() > 5 && times.windows(2).all(|pair| (pair[1] - pair[0] - 0.05).abs() < 1e-6)
    });
}

#[test]
fn a_board_that_refuses_the_candidate_can_be_asked_again() {
    let folder = Folder::new("live-small");
    let mut settings = simulation("esp32", Way::Frames, Speed::Times(1.0), &[]);
    settings.board.ram_bytes = 1 << 10;
    let simulator = Simulator::start(settings).expect("a pseudo-terminal");
    let mut window = window_on(folder.project(), &simulator.port().display().to_string());
    wait_shown(&mut window, "steps", |shown| shown.steps.0 > 0);
    for time in 1..=2 {
        window.get_by_label("Load to board").click();
        wait(&mut window, "an answer", |app| {
            let station = app.session().capture.station().expect("a board");
            station.seen().log.iter().filter(|(_, line)| line.starts_with("load: ")).count() == time
        });
        wait_shown(&mut window, "the reason", |shown| shown.board.refused == Some(Status::Memory));
        settle(&mut window);
        assert!(holds(&window, "What helps: make the model's arena smaller"));
    }
    wait_shown(&mut window, "no model", |shown| shown.board.runs.is_none() && shown.board.loading.is_none());
}

#[test]
fn the_threshold_of_an_autoencoder_is_suggested_and_set_by_a_button() {
    let folder = Folder::new("live-anomaly");
    let Some(project) = autoencoder(&folder.0) else { return };
    let board = BoardProcess::start(&[]);
    let mut window = window_on(project, &board.port);
    wait_shown(&mut window, "a suggestion", |shown| shown.suggested.is_some() && shown.steps.0 > 0);
    settle(&mut window);
    assert!(holds(&window, "Nothing is told before a threshold is set"));
    assert_eq!(app(&window).session().live.settings.decision.threshold, None);
    let suggested = {
        let listener = app(&window).session().live.listener.as_ref().expect("it listens");
        let shown = listener.shown();
        assert_eq!((&shown.labels[..], shown.counts.events), (&["anomaly".to_owned()][..], 0));
        shown.suggested.clone().expect("it was waited for").expect("there are calibration samples").threshold
    };
    window.get_by_label("Use").click();
    settle(&mut window);
    assert_eq!(app(&window).session().live.settings.decision.threshold, Some(suggested));
    assert!(!holds(&window, "Nothing is told before a threshold is set"));
    // At the end of its slider it stays, however long it is held there.
    let track = window.get_by_role_and_label(Role::Slider, "Threshold").rect();
    drag(&mut window, track.center(), track.right_center() + vec2(40.0, 0.0));
    let dragged = app(&window).session().live.settings.decision.threshold.expect("a threshold");
    let most = app(&window).session().live.listener.as_ref().expect("it listens").shown().most;
    assert!(dragged > suggested && dragged <= 2.01 * most.max(suggested), "{dragged} of {most}");
    // What everything reaches is told.
    set(&mut window, |settings| settings.decision.threshold = Some(0.0));
    wait_shown(&mut window, "an event", |shown| shown.counts.events > 0);
}

#[test]
fn what_was_heard_becomes_clips_that_are_put_right_in_data() {
    let folder = Folder::new("live-keep");
    let (mut window, _board) = listening(&folder);
    wait_shown(&mut window, "an event", |shown| shown.counts.events > 0);
    settle(&mut window);
    window.get_by_label("Keep event 1 as a clip").click();
    let n_clips = |app: &App| app.session().capture.library().map_or(0, |library| library.items.len());
    wait(&mut window, "a clip", |app| n_clips(app) == 1);
    wait(&mut window, "its mark", |app| app.session().capture.station().is_some_and(|station| station.seen().kept.len() == 1));
    settle(&mut window);
    assert!(is_shown(&window, "Event 1 is a clip"));
    let library = app(&window).session().capture.library().expect("a clip");
    assert_eq!((library.items[0].label.as_deref(), library.items[0].len()), (Some("yes"), 16_000), "the whole window");
    // Once it is deleted it is none any more, and can be kept again.
    send(&mut window, Command::Capture(Capture::Edit(ClipEdit::Delete([0].into()))));
    settle(&mut window);
    assert!(n_clips(app(&window)) == 0 && !is_shown(&window, "Event 1 is a clip"));
    window.get_by_label("Keep event 1 as a clip").click();
    wait(&mut window, "the clip again", |app| n_clips(app) == 1);
    settle(&mut window);
    assert!(is_shown(&window, "Event 1 is a clip"));
    // All of them, by themselves.
    window.get_by_role_and_label(Role::Switch, "Keep as clips").click();
    settle(&mut window);
    assert!(app(&window).session().live.keeps_all);
    wait(&mut window, "the next events", |app| n_clips(app) >= 3);
    send(&mut window, Command::Live(Ask::KeepAll(false)));
    // A wrong one is given the right label.
    act(&mut window, Action::Go(Workspace::Data));
    send(&mut window, Command::Capture(Capture::Edit(ClipEdit::Label([0].into(), "no".to_owned()))));
    let label = |app: &App| app.session().capture.library().and_then(|library| library.items[0].label.clone());
    wait(&mut window, "its label", |app| label(app).as_deref() == Some("no"));
    // What the candidate says stands beside it, and that it is not the label.
    wait(&mut window, "what the candidate says", |app| {
        let capture = &app.session().capture;
        let word = capture.library().and_then(|library| capture.words.of(&library.items[0]).cloned());
        word.is_some_and(|word| word.class.as_deref() == Some("yes") && word.value > 0.5)
    });
    settle(&mut window);
    assert!(holds(&window, "\u{2260} yes "));
    // What the ring has no more cannot be kept.
    let gone = Stretch { sensor: 1, span: (1 << 40, (1 << 40) + 1), label: "yes".to_owned() };
    send(&mut window, Command::Live(Ask::Keep(gone)));
    let trouble = |app: &App| app.session().capture.station().and_then(|station| station.seen().trouble.clone());
    wait(&mut window, "why not", |app| trouble(app).is_some_and(|why| why.contains("keep it within 30 s")));
}
