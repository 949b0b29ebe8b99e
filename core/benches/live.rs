//! What a step of the live demo takes: features, float model and candidate of the keyword project, one window of a second of sound.
//!
//! usage: `cargo bench -p tinsmith-core --bench live`
//!
//! One JSON object: milliseconds of the whole step and of its features alone, the mean of 300 windows each 100 ms.

use std::path::Path;
use std::time::Instant;

use tinsmith_core::data::Axis;
use tinsmith_core::data::features::preset;
use tinsmith_core::live::{Decider, DecisionSettings, FrontEnd, Live, Runner, Sensor};
use tinsmith_core::preview::{Engine, open_project};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::Outside;

const RATE_HZ: f64 = 16_000.0;
const STRIDE_MS: f64 = 100.0;
const STEPS: usize = 300;

fn main() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../projects/keyword.ron");
    let job = open_project(&project, Outside::Refuse).expect("the sample project").job;
    let made = Engine::new().candidate(&job, &Cancel::new(), &mut |_| {}).expect("a candidate");
    let candidate = Runner::new(&made.graph).expect("it runs");
    let baseline = Runner::new(&job.source.graph).expect("it runs");
    let sensor = Sensor { rate_hz: RATE_HZ, channels: vec![Axis::new("sound", "")] };
    let front = FrontEnd::new(preset("keyword").expect("a preset"), sensor, candidate.input(), STRIDE_MS).expect("it fits");
    let sound: Vec<f32> =
        (0..front.len() + STEPS * front.stride()).map(|i| ((i * 7919 % 2003) as f32 / 1000.0 - 1.0) * 0.1).collect();

    let start = Instant::now();
    (0..STEPS).for_each(|step| drop(front.features(&sound[step * front.stride()..][..front.len()])));
    let features_ms = start.elapsed().as_secs_f64() * 1e3 / STEPS as f64;

    let mut live = Live::new(front, candidate, Some(baseline), Decider::new(DecisionSettings::default(), Vec::new()));
    let mut steps = 0_u32;
    let start = Instant::now();
    live.push(&sound, |_| steps += 1).expect("it listens");
    let step_ms = start.elapsed().as_secs_f64() * 1e3 / f64::from(steps);
    println!("{{\"what\":\"a step of live\",\"steps\":{steps},\"features_ms\":{features_ms:.3},\"step_ms\":{step_ms:.3}}}");
}
