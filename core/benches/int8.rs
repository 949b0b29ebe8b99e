//! CPU time of the integer executor on one thread, microseconds a sample.
//!
//! usage: `cargo bench -p tinsmith-core --bench int8 -- [MODEL.tflite …] [--growth]`
//!
//! Without models, the integer reference nets of `$TINSMITH_SHARED/data/mlperf_tiny` (or `../shared`). One JSON object a line:
//! each model with every instruction set that the machine has, in blocks as the executor prefers them, and one sample at a
//! time. `--growth` adds how time and memory grow with the number of samples. Inputs are random over the whole range.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tinsmith_core::execute::fast::Isa;
use tinsmith_core::execute::int8::{Prepared, Rounding};
use tinsmith_core::formats;
use tinsmith_core::graph::Graph;
use tinsmith_core::progress::Cancel;

const NETS: [&str; 4] =
    ["kws/kws_ref_model.tflite", "ic/pretrainedResnet_quant.tflite", "ad/ad01_int8.tflite", "sww/str_ww_ref_model.tflite"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let growth = arguments.iter().any(|argument| argument == "--growth");
    let mut models: Vec<PathBuf> = arguments.iter().filter(|argument| !argument.starts_with("--")).map(PathBuf::from).collect();
    if models.is_empty() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("TINSMITH_SHARED").map_or(top, PathBuf::from);
        models = NETS.iter().map(|net| shared.join("data/mlperf_tiny").join(net)).collect();
    }
    for model in models {
        match formats::import(&model) {
            Ok(import) => measure(&model, &import.graph, growth),
            Err(error) => eprintln!("SKIP: {error}"),
        }
    }
}

fn measure(model: &Path, graph: &Graph, growth: bool) {
    let name = model.file_stem().unwrap_or_default().to_string_lossy();
    for isa in Isa::available() {
        let started = ThreadTime::now();
        let prepared = match Prepared::with_isa(graph, Rounding::Double, isa) {
            Ok(prepared) => prepared,
            Err(error) => return eprintln!("SKIP: {name}: {error}"),
        };
        let prepare_us = started.elapsed().as_secs_f64() * 1e6;
        for block in [1, prepared.block()] {
            let us = microseconds(&prepared, block);
            println!(
                "{{\"model\":\"{name}\",\"isa\":\"{}\",\"block\":{block},\"us_per_sample\":{us:.2},\"prepare_us\":{prepare_us:.0},\"scratch_bytes\":{}}}",
                isa.name(),
                prepared.scratch_bytes()
            );
        }
    }
    if growth {
        grow(&name, graph);
    }
}

/// Least CPU time of a sample over repetitions of at least 20 ms.
fn microseconds(prepared: &Prepared, block: usize) -> f64 {
    let inputs = random_inputs(prepared, block);
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut outputs: Vec<Vec<u8>> = prepared.outputs().iter().map(|port| vec![0; port.sample_bytes * block]).collect();
    let mut scratch = prepared.scratch();
    let mut least = f64::INFINITY;
    let mut repetitions = 1;
    for _ in 0..9 {
        let started = ThreadTime::now();
        for _ in 0..repetitions {
            let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            prepared.run(&mut scratch, black_box(&inputs), &mut views).expect("the buffers fit");
            black_box(&views);
        }
        let elapsed = started.elapsed();
        least = least.min(elapsed.as_secs_f64() * 1e6 / (repetitions * block) as f64);
        if elapsed < Duration::from_millis(20) {
            repetitions *= 4;
        }
    }
    least
}

/// Time and memory of [`Prepared::run_batch`] on one thread for more and more samples.
fn grow(name: &str, graph: &Graph) {
    let prepared = Prepared::new(graph, Rounding::Double).expect("prepared before");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    for n in [1, 10, 100, 1_000, 10_000] {
        let inputs = random_inputs(&prepared, n);
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let mut wall_ms = f64::INFINITY;
        for _ in 0..3 {
            let started = Instant::now();
            let outputs = pool.install(|| prepared.run_batch(&inputs, n, &Cancel::new(), |_| {})).expect("the buffers fit");
            wall_ms = wall_ms.min(started.elapsed().as_secs_f64() * 1e3);
            black_box(&outputs);
        }
        // What a thread works in does not grow; inputs and outputs do, and outputs are held twice while they are joined.
        let ports = |ports: &[tinsmith_core::execute::int8::Port]| ports.iter().map(|port| port.sample_bytes).sum::<usize>();
        let (scratch, samples) = (prepared.scratch_bytes(), n * (ports(prepared.inputs()) + 2 * ports(prepared.outputs())));
        println!(
            "{{\"model\":\"{name}\",\"samples\":{n},\"wall_ms\":{wall_ms:.3},\"scratch_bytes\":{scratch},\"sample_bytes\":{samples}}}"
        );
    }
}

fn random_inputs(prepared: &Prepared, n: usize) -> Vec<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    prepared.inputs().iter().map(|port| (0..port.sample_bytes * n).map(|_| byte()).collect()).collect()
}
