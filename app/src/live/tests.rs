//! What a sensor measured is put into its ring by hand, and listened to by a model that says which value of a window is the largest.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tinsmith_core::data::recording::{ChannelInfo, Encoding, Kind, SensorInfo, Stamp};
use tinsmith_core::graph::{Graph, Node};
use tinsmith_core::measure::device::device;
use tinsmith_core::ops::{Op, Softmax};
use tinsmith_core::preview::{Engine, Job, Source};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Recipe;
use tinsmith_core::tensor::{ElementType, Tensor};

use super::follow::Follower;
use super::setup::{Front, Settings, Setup};
use super::shown::Shown;
use crate::capture::{Seen, Stretch, Track};

/// Instants a second, and from one window to the next.
const RATE_HZ: f64 = 100.0;
const STRIDE: usize = 10;

/// A softmax of four values.
fn net() -> Graph {
    let mut graph = Graph::default();
    let [from, to] = ["in", "out"].map(|name| graph.add_tensor(Tensor::activation(name, ElementType::F32, [1, 4])));
    let op = Op::Softmax(Softmax { beta: 1.0 });
    graph.nodes.push(Node { name: "softmax".to_owned(), op, inputs: vec![Some(from)], outputs: vec![to], sources: vec![] });
    (graph.inputs, graph.outputs) = (vec![from], vec![to]);
    graph
}

fn setup() -> Setup {
    let source = Arc::new(Source::in_memory("net", net()));
    let device = device("esp32").expect("a known board");
    let job = Job { source: Arc::clone(&source), data: None, ranges: None, recipe: Recipe::default(), device };
    let candidate = Engine::new().candidate(&job, &Cancel::new(), &mut |_| {}).expect("nothing is done to it");
    Setup { station: Weak::new(), source, candidate, data: None, features: None, keep: None, settings: Settings::default() }
}

fn sensor(id: u8, n_channels: usize) -> SensorInfo {
    let channel = |i| ChannelInfo { name: format!("{i}"), unit: "g".to_owned(), step: 1.0 };
    let channels = (0..n_channels).map(channel).collect();
    SensorInfo { id, name: format!("imu {id}"), kind: Kind::Imu, rate_hz: RATE_HZ, encoding: Encoding::I16, channels }
}

/// A follower, and what it follows.
struct Scene {
    seen: Mutex<Seen>,
    shown: Mutex<Shown>,
    setup: Setup,
    follower: Follower,
}

impl Scene {
    fn new(sensors: Vec<SensorInfo>) -> Self {
        let scene = Self { seen: Mutex::default(), shown: Mutex::default(), setup: setup(), follower: Follower::default() };
        scene.meet(sensors);
        scene
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// What is read off everything that is shown.
    fn shown<T>(&self, read: impl FnOnce(&Shown) -> T) -> T {
        read(&self.shown.lock().unwrap())
    }

    /// The input says what it measures.
    fn meet(&self, sensors: Vec<SensorInfo>) {
        let mut seen = self.seen();
        seen.tracks = sensors.iter().cloned().map(Track::new).collect();
        seen.board.sensors = sensors;
    }

    /// The first sensor measures so many instants.
    fn measure(&self, instants: usize) {
        self.measure_after(0, instants);
    }

    /// The same after some that the board dropped.
    fn measure_after(&self, dropped: u32, instants: usize) {
        let track = &mut self.seen().tracks[0];
        let number = track.ring.end() + track.missing + u64::from(dropped);
        let time_us = (number as f64 * 1e6 / RATE_HZ) as u64;
        let bytes = vec![0; instants * track.info().instant_bytes()];
        track.push(Stamp { time_us, dropped, ..Stamp::default() }, &bytes);
    }

    /// How many steps are made of what was measured since.
    fn follow(&mut self) -> Result<usize, String> {
        let (seen, shown) = (&self.seen, &self.shown);
        let steps = self.follower.follow(|| seen.lock().unwrap(), &self.setup, shown)?;
        Ok(steps.map_or(0, |steps| steps.len()))
    }
}

#[test]
fn other_sensors_of_the_same_input_are_chosen_from_anew() {
    let mut scene = Scene::new(vec![sensor(1, 1)]);
    scene.measure(10 * STRIDE);
    while scene.follow().unwrap() > 0 {}
    assert_eq!(scene.shown(|shown| (shown.steps.0, shown.window_s)), (10, 0.04));
    // The same name and number, but it has two channels now: a window is half as long.
    scene.meet(vec![sensor(1, 2)]);
    scene.measure(2 * STRIDE);
    assert_eq!(scene.follow(), Ok(2));
    assert_eq!(scene.shown(|shown| (shown.steps.0, shown.window_s)), (2, 0.02));
    // Nothing fits three channels; with what fits again it goes on by itself.
    scene.meet(vec![sensor(1, 3)]);
    let why = scene.follow().unwrap_err();
    assert!(why.contains("imu 1 (3 channels at 100 Hz)"), "{why}");
    assert_eq!(scene.shown(|shown| (shown.chosen, shown.steps.0)), (None, 0));
    scene.meet(vec![sensor(2, 2)]);
    scene.measure(STRIDE);
    assert_eq!(scene.follow(), Ok(1));
    assert_eq!(scene.shown(|shown| shown.chosen), Some((2, Front::Window)));
}

#[test]
fn a_sensor_that_is_numbered_anew_is_listened_to_from_its_beginning() {
    let mut scene = Scene::new(vec![sensor(1, 1)]);
    scene.measure(4 * STRIDE);
    assert_eq!(scene.follow(), Ok(4));
    scene.meet(vec![sensor(1, 1)]);
    scene.measure(2 * STRIDE);
    assert_eq!(scene.follow(), Ok(2));
    assert_eq!(scene.shown(|shown| (shown.steps.0, shown.now_s)), (2, 0.2));
}

#[test]
fn a_sensor_that_was_chosen_of_another_input_is_no_hindrance() {
    let mut scene = Scene::new(vec![sensor(1, 3), sensor(2, 2), sensor(3, 1)]);
    scene.setup.settings = Settings { sensor: Some(3), front: Front::Window, ..Settings::default() };
    scene.follow().unwrap();
    assert_eq!(scene.shown(|shown| shown.chosen), Some((3, Front::Window)));
    scene.setup.settings = Settings { sensor: Some(9), front: Front::Project, ..Settings::default() };
    scene.meet(vec![sensor(1, 3), sensor(2, 2)]);
    scene.follow().unwrap();
    assert_eq!(scene.shown(|shown| shown.chosen), Some((2, Front::Window)));
}

#[test]
fn what_is_too_much_is_left_out_and_counted() {
    let mut scene = Scene::new(vec![sensor(1, 1)]);
    scene.measure(STRIDE);
    assert_eq!(scene.follow(), Ok(1));
    // Two seconds are listened to bit by bit; more than that is too much.
    scene.measure(200);
    let heard: usize = std::iter::from_fn(|| scene.follow().ok().filter(|steps| *steps > 0)).sum();
    assert_eq!((heard, scene.shown(|shown| shown.late)), (20, 0));
    scene.measure(50 * STRIDE);
    assert_eq!((scene.follow(), scene.shown(|shown| shown.late)), (Ok(0), 50));
    scene.measure(STRIDE);
    assert_eq!((scene.follow(), scene.shown(|shown| shown.late)), (Ok(1), 50));
    assert_eq!(scene.shown(|shown| (shown.missing, shown.steps.0)), ((0, 0), 22));
    assert_eq!(scene.shown(|shown| shown.now_s), 7.2);
}

#[test]
fn an_event_knows_its_window_in_the_ring_whatever_was_missing_before() {
    let mut scene = Scene::new(vec![sensor(1, 1)]);
    scene.measure(STRIDE);
    assert_eq!(scene.follow(), Ok(1));
    // Every window reaches this from now on.
    scene.setup.settings.decision.threshold = Some(0.2);
    scene.follower.decide(&scene.setup.settings);
    scene.measure_after(25, 2 * STRIDE);
    assert_eq!(scene.follow(), Ok(2));
    // The board's instants 35 to 54 are 10 to 29 of the ring: the first window begins at 40.
    let heard = scene.shown(|shown| shown.events.iter().map(|heard| shown.stretch(heard)).collect::<Vec<_>>());
    assert_eq!(heard, [Stretch { sensor: 1, span: (15, 19), label: "class 0".to_owned() }]);
}
