//! How long a user waits after an edit: from a changed recipe to the figures that follow from the graph, to the first
//! accuracy figure, to the exact one.
//!
//! usage: `cargo bench -p tinsmith-core --bench edit -- [PROJECT.ron | MODEL DATA]`
//!
//! Without arguments, the sample project. Each edit switches to a calibrator that the engine has not seen, so that nothing but
//! calibration statistics is remembered: the longest way an edit takes. Then every layer is edited alone. Milliseconds of wall time, one JSON object a line.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tinsmith_core::data;
use tinsmith_core::measure::device::devices;
use tinsmith_core::preview::{Engine, Event, Job, Side, Source, open_project};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::Outside;
use tinsmith_core::recipe::{Calibrator, LayerOverride, Recipe, Scheme};

const EDITS: usize = 20;

fn main() {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from).collect();
    let job = match arguments.as_slice() {
        [] => project(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../projects/keyword.ron")),
        [file] => project(file),
        [model, data, ..] => Job {
            source: Arc::new(Source::open(model).expect("a model")),
            data: Some(Arc::new(data::open(data).expect("a data set"))),
            ranges: None,
            recipe: Recipe::int8(),
            device: devices()[0].clone(),
        },
    };
    let mut engine = Engine::new();
    report("opening", &[timed(&mut engine, &job)]);
    let edits: Vec<Waits> = (0..EDITS)
        .map(|edit| {
            let mut job = job.clone();
            if let Some(quantize) = job.recipe.quantize_mut() {
                quantize.calibrator = Calibrator::Percentile { keep: 99.0 + 0.01 * edit as f32 };
            }
            timed(&mut engine, &job)
        })
        .collect();
    report("edit", &edits);
    edit_layers(&mut engine, &job);
}

/// Gives each layer with weights another scheme and back: what the second edit of a layer costs, and how much of the net runs.
fn edit_layers(engine: &mut Engine, job: &Job) {
    let layers: Vec<String> =
        job.source.graph.nodes.iter().filter(|node| node.op.has_weights()).map(|node| node.name.clone()).collect();
    for layer in layers {
        let mut edited = job.clone();
        let mut waits = Waits::default();
        for scheme in [Scheme::Ternary, Scheme::Int4] {
            let Some(settings) = edited.recipe.quantize_mut() else { return };
            settings.overrides.insert(layer.clone(), LayerOverride { scheme: Some(scheme), ..LayerOverride::default() });
            waits = timed(engine, &edited);
        }
        let Some(evaluated) = engine.evaluated() else { return };
        let part = format!("{layer}: {} of {} nodes, {} bytes kept", evaluated.nodes, evaluated.of, evaluated.kept_bytes);
        report(&part, &[waits]);
    }
}

fn project(file: &Path) -> Job {
    open_project(file, Outside::Allow).expect("a project").job
}

/// Milliseconds from the edit until a figure of the candidate was there.
#[derive(Clone, Copy, Default)]
struct Waits {
    statics: f64,
    first_accuracy: f64,
    exact_accuracy: f64,
    layer_errors: f64,
    done: f64,
}

fn timed(engine: &mut Engine, job: &Job) -> Waits {
    let start = Instant::now();
    let mut waits = Waits::default();
    let mut tell = |event: Event| {
        let now = start.elapsed().as_secs_f64() * 1e3;
        match event {
            Event::Static { side: Side::Candidate, .. } => waits.statics = now,
            Event::Accuracy { side: Side::Candidate, figures } => {
                if waits.first_accuracy == 0.0 {
                    waits.first_accuracy = now;
                }
                if figures.is_complete() && waits.exact_accuracy == 0.0 {
                    waits.exact_accuracy = now;
                }
            }
            Event::LayerErrors(_) => waits.layer_errors = now,
            Event::Done => waits.done = now,
            _ => {}
        }
    };
    engine.run(job, &Cancel::new(), &mut tell).expect("the job runs");
    waits
}

/// Median and largest wait.
fn report(what: &str, all: &[Waits]) {
    let of = |figure: fn(&Waits) -> f64| {
        let mut sorted: Vec<f64> = all.iter().map(figure).collect();
        sorted.sort_by(f64::total_cmp);
        let rounded = |ms: f64| (ms * 100.0).round() / 100.0;
        serde_json::json!({ "median_ms": rounded(sorted[sorted.len() / 2]), "largest_ms": rounded(sorted[sorted.len() - 1]) })
    };
    let line = serde_json::json!({
        "what": what,
        "runs": all.len(),
        "static_figures": of(|w| w.statics),
        "first_accuracy": of(|w| w.first_accuracy),
        "exact_accuracy": of(|w| w.exact_accuracy),
        "layer_errors": of(|w| w.layer_errors),
        "coded_sizes": of(|w| w.done),
    });
    println!("{line}");
}
