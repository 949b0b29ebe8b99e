//! Reads each model and writes it again, once as it came and once without names: `reexport OUT_DIR MODEL...`.
//!
//! `tests/peers/roundtrip.py` compares what other runtimes make of the originals and the copies.

use std::error::Error;
use std::path::Path;

use tinsmith_core::formats::tflite::{ExportOptions, export};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out_dir = arguments.next().ok_or("usage: reexport OUT_DIR MODEL...")?;
    std::fs::create_dir_all(&out_dir)?;
    let mut n_failed = 0;
    for model in arguments {
        if let Err(error) = reexport(Path::new(&out_dir), Path::new(&model)) {
            eprintln!("{error}");
            n_failed += 1;
        }
    }
    if n_failed > 0 { Err(format!("{n_failed} models were not written").into()) } else { Ok(()) }
}

fn reexport(out_dir: &Path, model: &Path) -> Result<(), Box<dyn Error>> {
    let graph = tinsmith_core::formats::open(model)?.graph;
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    let stripped = ExportOptions { strip_names: true, ..ExportOptions::default() };
    std::fs::write(out_dir.join(format!("{stem}.tflite")), export(&graph, &ExportOptions::default())?)?;
    std::fs::write(out_dir.join(format!("{stem}.stripped.tflite")), export(&graph, &stripped)?)?;
    Ok(())
}
