//! How long a model takes to open, and how much memory: both have to grow no faster than nodes and bytes.
//!
//! usage: `cargo bench -p tinsmith-core --bench open -- [MODEL…]`
//!
//! Without arguments, files made here: 200 MB of weights in each format, and chains of more and more layers. One JSON object a
//! line: wall time of the best of five runs, file read and hashed among it; the most memory held at once, the file's bytes among
//! it, as a multiple of the file.

#[path = "../../../tests/src/made.rs"]
#[allow(dead_code)]
mod made;

use std::path::{Path, PathBuf};
use std::time::Instant;

use peak_alloc::PeakAlloc;
use tinsmith_core::formats;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RUNS: usize = 5;
/// Layers of the chains.
const LAYERS: [usize; 4] = [400, 1600, 6400, 25_600];
/// Weights of the large files: layers, and values along each side of their matrices. 200 MB.
const LARGE: (usize, usize) = (50, 1024);

fn main() {
    let models: Vec<PathBuf> = std::env::args().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from).collect();
    models.iter().for_each(|model| measure(model));
    if models.is_empty() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let measure = |name: &str, bytes: Vec<u8>| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("room for a file");
            measure(&path);
            std::fs::remove_file(&path).expect("our own file");
        };
        let (layers, width) = LARGE;
        measure("weights.onnx", made::onnx_chain(layers, width));
        measure("weights.keras", made::keras_chain(layers, width));
        measure("weights.h5", made::h5_chain(layers, width));
        for n in LAYERS {
            measure("chain.onnx", made::onnx_chain(n, 4));
            measure("chain.keras", made::keras_chain(n, 4));
            measure("chain.h5", made::h5_chain(n, 4));
        }
    }
}

/// Opens a file several times and prints what that takes.
fn measure(path: &Path) {
    let bytes = std::fs::metadata(path).expect("a file").len() as f64;
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let (mut seconds, mut nodes) = (f64::INFINITY, 0);
    for _ in 0..RUNS {
        let start = Instant::now();
        let opened = formats::open(path).unwrap_or_else(|error| panic!("{error}"));
        seconds = seconds.min(start.elapsed().as_secs_f64());
        nodes = opened.graph.nodes.len();
    }
    let peak = ALLOCATOR.peak_usage().saturating_sub(before) as f64;
    let name = path.file_name().unwrap_or_default().display();
    println!(
        r#"{{"model": "{name}", "nodes": {nodes}, "mb": {:.2}, "ms": {:.1}, "mb_per_s": {:.0}, "us_per_node": {:.1}, "peak_per_byte": {:.2}}}"#,
        bytes / 1e6,
        seconds * 1e3,
        bytes / 1e6 / seconds,
        seconds * 1e6 / nodes as f64,
        peak / bytes
    );
}
