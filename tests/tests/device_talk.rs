//! Talking to simulated boards: plain lines, models, and ports that cannot be opened or say nothing sensible.
#![cfg(unix)]

use std::fs;
use std::time::Duration;

use tinsmith::device::ports::{self, PortKind};
use tinsmith::device::simulate::{Fault, Simulator, SimulatorSettings, Speed};
use tinsmith::device::{Connection, ConnectionSettings, Event, Request, Way};
use tinsmith_core::data::recording::recover;
use tinsmith_tests::boards::{board, connect, record, simulation, wait};

/// The first event of a connection that cannot be.
fn failure(port: &str) -> String {
    let settings = ConnectionSettings { patience: Duration::from_secs(1), ..ConnectionSettings::new(port) };
    match Connection::open(settings).wait(Duration::from_secs(60)) {
        Some(Event::Failed(error)) => error.to_string(),
        other => panic!("{port}: {other:?}"),
    }
}

#[test]
fn ports_that_cannot_be_used_say_why_and_what_to_do() {
    assert!(failure("/dev/ttyNOWHERE").contains("there is no such port"));
    let simulator = Simulator::start(simulation("busy", Way::Frames, Speed::Times(1.0), &[])).unwrap();
    let first = connect(&simulator);
    let port = simulator.port().display().to_string();
    assert!(failure(&port).contains("port is busy"));
    drop(first);
    drop(connect(&simulator));

    let mut mute = board("mute", 1);
    mute.sensors.clear();
    let settings = SimulatorSettings { board: mute, ..simulation("mute", Way::Lines, Speed::Times(1.0), &[]) };
    let mute = Simulator::start(settings).unwrap();
    assert!(failure(&mute.port().display().to_string()).contains("the board is silent"));
}

#[test]
fn simulated_boards_are_listed_while_they_run() {
    let simulator = Simulator::start(simulation("listed", Way::Frames, Speed::Times(1.0), &[])).unwrap();
    let port = simulator.port().display().to_string();
    let found = || ports::list().into_iter().find(|listed| listed.path == port);
    assert_eq!(found().map(|port| (port.kind, port.name)), Some((PortKind::Simulated, "Board (simulated)".to_owned())));
    drop(simulator);
    assert_eq!(found(), None);
    assert!(!fs::exists(&port).unwrap());
}

#[test]
fn a_board_that_was_reset_measures_again_although_nobody_opens_it_again() {
    let simulator = Simulator::start(simulation("reset", Way::Frames, Speed::Times(20.0), &[Fault::Restart])).unwrap();
    let port = simulator.port().display().to_string();
    let settings = ConnectionSettings { silence: Duration::from_millis(300), reconnect: false, ..ConnectionSettings::new(port) };
    let connection = Connection::open(settings);
    wait(&connection, |event| matches!(event, Event::Connected { .. }).then_some(()));
    connection.ask(Request::Start(1));
    let silent = |event: &Event| matches!(event, Event::Log(_, text) if text.contains("reset button")).then_some(());
    let measures = |event: &Event| matches!(event, Event::Samples { .. }).then_some(());
    for _ in 0..2 {
        wait(&connection, measures);
        wait(&connection, silent);
    }
    wait(&connection, measures);
}

#[test]
fn plugging_in_and_out_is_told() {
    let watch = ports::Watch::start();
    let is_there = |wanted: bool| loop {
        std::thread::sleep(Duration::from_millis(20));
        let Some(ports) = watch.changed() else { continue };
        if ports.iter().any(|port| port.path.contains("hot-plugged")) == wanted {
            break;
        }
    };
    is_there(false);
    let simulator = Simulator::start(simulation("hot-plugged", Way::Frames, Speed::Times(1.0), &[])).unwrap();
    is_there(true);
    drop(simulator);
    is_there(false);
}

#[test]
fn a_sketch_that_prints_numbers_is_a_sensor() {
    let mut printing = board("lines", 2);
    printing.sensors.remove(0);
    let settings = SimulatorSettings { board: printing, ..simulation("lines", Way::Lines, Speed::Times(1.0), &[]) };
    let simulator = Simulator::start(settings).unwrap();
    let connection = connect(&simulator);
    let info = wait(&connection, |event| if let Event::Sensors(info) = event { Some(info.clone()) } else { None });
    let [sensor] = &info.sensors[..] else { panic!("{info:?}") };
    assert_eq!(sensor.channels.len(), 6);
    let folder = tempfile::tempdir().unwrap();
    let (clips, _) = record(&connection, folder.path(), 3.0);
    let recording = recover(&clips[0].path).unwrap();
    assert_eq!(recording.values.len(), 6 * recording.times_us.len());
    assert!(recording.times_us.is_sorted());
    // Gravity is on one axis, whatever is done to the board.
    let mean_z = recording.values.iter().skip(2).step_by(6).sum::<f32>() / recording.times_us.len() as f32;
    assert!((5.0..15.0).contains(&mean_z), "{mean_z}");
    let counts = wait(&connection, |event| if let Event::Counts(counts) = event { Some(*counts) } else { None });
    let rate_hz = counts.rate_hz.unwrap();
    assert!((rate_hz - 200.0).abs() < 20.0, "{rate_hz}");
    assert_eq!(counts.skipped_lines, 0);
}

#[test]
fn whoever_does_not_poll_misses_blocks_but_a_recording_has_them() {
    let simulator = Simulator::start(simulation("unpolled", Way::Frames, Speed::Max, &[])).unwrap();
    let connection = connect(&simulator);
    let folder = tempfile::tempdir().unwrap();
    let settings = tinsmith_core::data::recording::RecorderSettings {
        folder: folder.path().to_owned(),
        seconds: Some(120.0),
        ..Default::default()
    };
    connection.ask(Request::Record(settings));
    while connection.unseen() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let clips = wait(&connection, |event| if let Event::Recorded(clips) = event { Some(clips.clone()) } else { None });
    assert_eq!(clips.iter().map(|clip| (clip.instants, clip.missing)).collect::<Vec<_>>(), [(1_920_000, 0), (24_000, 0)]);
}
