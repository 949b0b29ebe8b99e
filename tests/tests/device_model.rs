//! Models on simulated boards: each output against the runtime's own for the same input.
#![cfg(unix)]

use tinsmith::device::simulate::{Fault, Simulator, Source, Speed};
use tinsmith::device::{Event, Request, Way};
use tinsmith_core::export::compact::{Coding, compact};
use tinsmith_core::formats::import;
use tinsmith_runtime::link::{Status, content_hash};
use tinsmith_runtime::model::Model;
use tinsmith_tests::boards::{connect, simulation, wait};
use tinsmith_tests::shared;

/// The board's motion sensor.
const MOTION: u8 = 2;
const WINDOWS: usize = 40;
const STRIDE: u32 = 50;

/// What a model computes from real numbers.
fn run(file: &[u8], reals: &[f32]) -> Vec<u8> {
    let model = Model::parse(file).unwrap();
    let port = model.inputs().next().unwrap();
    let integer = |real: &f32| ((real / port.scale).round() as i32 + port.zero_point).clamp(-128, 127) as i8 as u8;
    let input: Vec<u8> = reals.iter().map(integer).collect();
    let mut output = vec![0; model.outputs().next().unwrap().bytes];
    let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
    model.run(&mut arena, &mut workspace, &[&input], &mut [&mut output]).unwrap();
    output
}

#[test]
fn a_board_runs_a_model_on_its_own_sensor() {
    let Some(path) = shared("data/models/gesture_lstm/gesture_lstm_int8.tflite") else { return };
    let file = compact(&import(&path).unwrap().graph, Coding::Entropy).unwrap().bytes;
    let simulator = Simulator::start(simulation("watching", Way::Frames, Speed::Max, &[])).unwrap();
    let connection = connect(&simulator);
    let refused = |event: &Event| if let Event::Refused(status) = event { Some(*status) } else { None };
    connection.ask(Request::Watch(Some((MOTION, STRIDE))));
    assert_eq!(wait(&connection, refused), Status::NoModel);

    connection.ask(Request::Load(file.clone().into()));
    let loaded = |event: &Event| if let Event::Loaded(status) = event { Some(*status) } else { None };
    assert_eq!(wait(&connection, loaded), Status::Done);
    connection.ask(Request::Watch(Some((MOTION, STRIDE))));
    connection.ask(Request::Start(MOTION));
    let (info, source) = Source::gestures();
    let mut times = Vec::new();
    while times.len() < WINDOWS {
        let result = |event: &Event| match event {
            Event::Result { request: 0, status, time_us, output, .. } => Some((*status, *time_us, output.clone())),
            _ => None,
        };
        let (status, time_us, output) = wait(&connection, result);
        assert_eq!(status, Status::Done);
        let first = (time_us as f64 * info.rate_hz / 1e6).round() as u64;
        let mut bytes = Vec::new();
        (first..first + 64).for_each(|index| source.write(index, info.instant_bytes(), &mut bytes));
        let steps = info.channels.iter().map(|channel| channel.step).cycle();
        let reals: Vec<f32> = info.encoding.values(&bytes).zip(steps).map(|(value, step)| value * step).collect();
        assert_eq!(output, run(&file, &reals), "window {}", times.len());
        times.push(first);
    }
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == u64::from(STRIDE)), "{times:?}");
    connection.ask(Request::Watch(None));
    connection.ask(Request::GetStats(true));
    let stats = wait(&connection, |event| if let Event::Stats(stats) = event { Some(*stats) } else { None });
    assert!(stats.inferences as usize >= WINDOWS && stats.p50_us <= stats.p99_us && stats.p99_us <= stats.max_us, "{stats:?}");
}

#[test]
fn a_model_that_does_not_fit_leaves_the_old_one_in_place() {
    let Some(path) = shared("data/models/digits_cnn/digits_cnn_int8.tflite") else { return };
    let file = compact(&import(&path).unwrap().graph, Coding::Entropy).unwrap().bytes;
    let mut settings = simulation("full", Way::Frames, Speed::Times(1.0), &[]);
    settings.board.model = Some(file.clone());
    let simulator = Simulator::start(settings).unwrap();
    let connection = connect(&simulator);
    let loaded = |event: &Event| if let Event::Loaded(status) = event { Some(*status) } else { None };
    for (wrong, status) in [(vec![0; 300], Status::Model), (vec![0; 5 << 20], Status::Length)] {
        connection.ask(Request::Load(wrong.into()));
        assert_eq!(wait(&connection, loaded), status);
    }
    let result = |event: &Event| match event {
        Event::Result { request: 9, status, output, .. } => Some((*status, output.clone())),
        _ => None,
    };
    connection.ask(Request::Infer(9, vec![0; 3]));
    assert_eq!(wait(&connection, result).0, Status::Length);
    let model = Model::parse(&file).unwrap();
    let port = model.inputs().next().unwrap();
    let reals = vec![3.0; port.bytes];
    let integer = ((3.0 / port.scale).round() as i32 + port.zero_point).clamp(-128, 127) as i8 as u8;
    connection.ask(Request::Infer(9, vec![integer; port.bytes]));
    assert_eq!(wait(&connection, result), (Status::Done, run(&file, &reals)));
}

#[test]
fn a_board_that_is_back_says_which_model_it_runs() {
    let Some(path) = shared("data/models/digits_cnn/digits_cnn_int8.tflite") else { return };
    let file = compact(&import(&path).unwrap().graph, Coding::Entropy).unwrap().bytes;
    let simulator = Simulator::start(simulation("back", Way::Frames, Speed::Times(10.0), &[Fault::Unplug])).unwrap();
    let connection = connect(&simulator);
    connection.ask(Request::Load(file.clone().into()));
    wait(&connection, |event| matches!(event, Event::Loaded(Status::Done)).then_some(()));
    // The cable is pulled once a sensor is on.
    connection.ask(Request::Start(MOTION));
    let model = wait(&connection, |event| if let Event::Reconnected { model } = event { Some(*model) } else { None });
    assert_eq!(model.map(|model| model.hash), Some(content_hash(&file)));
}
