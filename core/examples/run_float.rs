//! Runs a float model on the samples of an `.npy` file: `run_float MODEL IN.npy OUT.npy [SECONDS]`.
//!
//! Writes the first output and prints the least microseconds per sample on one thread, over repetitions for so many seconds:
//! few samples at a time, lest the system interrupts every repetition.
//! `tests/peers/float.py` holds outputs and times against LiteRT's.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use tinsmith_core::data::feed::{meaning, real_samples};
use tinsmith_core::data::npy;
use tinsmith_core::execute::float::Prepared;
use tinsmith_core::progress::Cancel;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, samples, out, seconds @ ..] = arguments.as_slice() else {
        return Err("usage: run_float MODEL IN.npy OUT.npy [SECONDS]".into());
    };
    let seconds: f64 = seconds.first().map_or(Ok(0.0), |s| s.parse())?;
    let graph = tinsmith_core::formats::open(Path::new(model))?.graph;
    let data = tinsmith_core::data::open(Path::new(samples))?;
    let input = graph.tensor(*graph.inputs.first().ok_or("the model has no input")?);
    let reals = real_samples(&data, meaning(&data, input), &data.samples_of(None)?, input)?;
    let prepared = Prepared::new(&graph)?;
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let run = || one_thread.install(|| prepared.run(&[&reals], &Cancel::new()));
    let output = run()?.swap_remove(0);
    let mut least = f64::INFINITY;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end {
        let start = Instant::now();
        run()?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    let n_samples = data.n_samples();
    println!("{:.3}", least * 1e6 / n_samples as f64);
    let bytes: Vec<u8> = output.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut file = std::fs::File::create(out)?;
    npy::write(&mut file, "<f4", &[n_samples, output.len() / n_samples], &bytes)?;
    Ok(())
}
