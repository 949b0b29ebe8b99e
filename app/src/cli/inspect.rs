//! `tinsmith inspect`: what is in a model.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use tinsmith_core::data::features::FrontEnd;
use tinsmith_core::graph::{Graph, Note, Severity, TensorId};
use tinsmith_core::measure::device::Device;
use tinsmith_core::measure::features::front_end_figures;
use tinsmith_core::measure::sizes::{Sizes, sizes};
use tinsmith_core::measure::{ArenaFigures, Estimate, LayerFigures, StaticFigures, static_figures};
use tinsmith_core::preview::{exported, only_input};
use tinsmith_core::tensor::Tensor;

use super::features::figures_json as code_json;
use super::model::{FeatureOptions, ModelOptions};
use super::style::{ERROR, NOTE, WARNING};
use super::{Failure, output, units};

/// Show a model's layers, parameters, MACs, ranges, arena, and what a target cannot run
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith inspect assets/samples/keyword/keyword_float32.tflite
  tinsmith inspect assets/samples/keyword/keyword_float32.tflite --device rp2040
  tinsmith inspect assets/samples/keyword/keyword_float32.tflite --preset keyword --rate 16000
  tinsmith inspect assets/samples/keyword/keyword_float32.tflite --json | head -20")]
pub struct Inspect {
    /// The model (.tflite, .onnx, .keras, .h5)
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    /// The board to estimate for and to check against; see tinsmith device list
    #[arg(long, value_name = "ID", default_value = "esp32-s3", value_parser = super::device::parse_device)]
    device: Arc<Device>,
    #[command(flatten)]
    features: FeatureOptions,
    /// Samples a second of what the features are made of
    #[arg(long, value_name = "HZ", value_parser = super::features::rate)]
    rate: Option<f64>,
    /// Channels of what they are made of
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), requires = "rate")]
    channels: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self) -> Result<(), Failure> {
        let opened = self.options.open(&self.model)?;
        let graph = &*opened.graph;
        let front_end = self.front_end(graph)?.map(|front_end| front_end_figures(&front_end, &self.device));
        let figures = StaticFigures { front_end, ..static_figures(graph, opened.size_bytes, &self.device) };
        let sizes = self.sizes(graph);
        if self.json {
            return output::print_json(&json!({
                "model": self.model,
                "format": opened.format,
                "hash": opened.hash.to_hex().as_str(),
                "device": self.device.name,
                "inputs": ports(graph, &graph.inputs),
                "outputs": ports(graph, &graph.outputs),
                "figures": figures_json(&figures),
                "sizes": sizes.as_ref().map(sizes_json),
                "notes": notes_json(graph, graph.notes.iter().chain(&figures.obstacles)),
            }));
        }
        output::print(&self.report(graph, opened.format, &figures, sizes.as_ref()))
    }

    /// What makes the model's input, if it is said.
    fn front_end(&self, graph: &Graph) -> Result<Option<FrontEnd>, Failure> {
        let Some(pipeline) = self.features.pipeline()? else { return Ok(None) };
        let rate_hz =
            self.rate.ok_or_else(|| Failure::new("say how many samples a second the features are made of with --rate HZ"))?;
        let n_values = only_input(graph)?.n_elements();
        Ok(Some(FrontEnd { pipeline, rate_hz, n_channels: self.channels.into(), n_values }))
    }

    /// Of the model as a `.tflite` file: itself, if it is one. `None` where it cannot be one.
    fn sizes(&self, graph: &Graph) -> Option<Sizes> {
        let is_tflite = self.model.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tflite"));
        let file = if is_tflite { std::fs::read(&self.model).ok()? } else { exported(graph).ok()? };
        Some(sizes(graph, &file))
    }

    fn report(&self, graph: &Graph, format: &str, figures: &StaticFigures, sizes: Option<&Sizes>) -> String {
        let mut text = format!("{} ({format}), for {}\n\n", self.model.display(), self.device.name);
        text.push_str(&layers_table(&figures.layers));
        text.push('\n');
        text.push_str(&summary(figures));
        text.push_str(&sizes.map(sizes_lines).unwrap_or_default());
        for note in graph.notes.iter().chain(&figures.obstacles) {
            let (word, style) = match note.severity {
                Severity::Info => ("note", NOTE),
                Severity::Warning => ("warning", WARNING),
                Severity::Obstacle => ("obstacle", ERROR),
            };
            let place = note.node.map(|id| format!(" at {}", graph.node(id).name)).unwrap_or_default();
            text.push_str(&format!("{style}{word}{style:#}{place}: {}\n", note.text));
        }
        text
    }
}

/// The layers as a table.
pub fn layers_table(layers: &[LayerFigures]) -> String {
    let header = ["#", "layer", "op", "output", "scheme", "weights B", "MACs", "latency est. ms"];
    let right = [true, false, false, false, false, true, true, true];
    let row = |(index, layer): (usize, &LayerFigures)| {
        vec![
            (index + 1).to_string(),
            layer.name.clone(),
            layer.label.clone(),
            layer.output_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×"),
            layer.scheme.clone(),
            units::count(layer.weights_bytes),
            units::count(layer.macs),
            layer.latency_us.as_ref().map_or("–".into(), |e| format!("{:.3}", e.value / 1000.0)),
        ]
    };
    output::table(&header, &right, &layers.iter().enumerate().map(row).collect::<Vec<_>>())
}

/// What a model takes as one file or another, a line each.
pub fn sizes_lines(sizes: &Sizes) -> String {
    let compact = match &sizes.compact {
        Ok(compact) => format!(
            "{}, {} of it weights ({} in float32); RAM {} and {} to decode",
            units::bytes(compact.bytes),
            units::count(compact.weights_bytes),
            units::count(sizes.float_weights_bytes),
            units::count(compact.arena_bytes),
            units::count(compact.workspace_bytes)
        ),
        Err(error) => format!("– ({error})"),
    };
    let lines = [(".tflite", units::bytes(sizes.raw_bytes)), ("gzip -9", units::bytes(sizes.gzip_bytes)), ("compact", compact)];
    let lines = lines.iter().map(|(name, value)| format!("{name:<12}{value}\n"));
    lines.chain(sizes.sparsity().map(|sparsity| format!("{:<12}{sparsity}\n", ""))).collect()
}

/// The same as JSON.
pub fn sizes_json(sizes: &Sizes) -> Value {
    let compact = sizes.compact.as_ref();
    json!({
        "tflite_bytes": sizes.raw_bytes,
        "gzip_bytes": sizes.gzip_bytes,
        "float_weights_bytes": sizes.float_weights_bytes,
        "zero_weights": sizes.zero_weights.0,
        "compact_bytes": compact.ok().map(|compact| compact.bytes),
        "coded_weights_bytes": compact.ok().map(|compact| compact.weights_bytes),
        "compact_arena_bytes": compact.ok().map(|compact| compact.arena_bytes),
        "compact_workspace_bytes": compact.ok().map(|compact| compact.workspace_bytes),
        "no_compact_model": compact.err().map(ToString::to_string),
    })
}

/// The figures of a whole model, a line each.
pub fn summary(figures: &StaticFigures) -> String {
    let size = &figures.size;
    let arena = &figures.arena;
    let estimate = |e: &Option<Estimate>, unit: &str| match e {
        Some(e) => format!("{}, estimate: {}", units::milli(e, unit), e.source),
        None => "– (no rate for this model on this device)".to_owned(),
    };
    let lines = [
        ("size", units::bytes(size.file_bytes)),
        ("", format!("weights {}, biases {}, structure {} bytes", size.weights_bytes, size.bias_bytes, size.structure_bytes)),
        ("parameters", units::count(figures.parameters)),
        ("MACs", units::count(figures.macs)),
        ("FLOPs", units::count(figures.flops)),
        ("RAM", arena_line(arena)),
        (
            "",
            format!(
                "plan {} bytes, by TFLM's own planner {}, lower bound {}",
                arena.activations_bytes, arena.greedy_bytes, arena.lower_bound_bytes
            ),
        ),
        ("latency", estimate(&figures.latency_us, "ms")),
        ("energy", estimate(&figures.energy_uj, "mJ")),
    ];
    lines.into_iter().chain(features_lines(figures)).map(|(name, value)| format!("{name:<12}{value}\n")).collect()
}

/// What the features cost, and with the model in all.
fn features_lines(figures: &StaticFigures) -> Vec<(&'static str, String)> {
    let features = match &figures.front_end {
        None => return Vec::new(),
        Some(Err(why)) => return vec![("features", format!("– ({why})"))],
        Some(Ok(features)) => features,
    };
    let ram = units::bytes(features.each.ram_bytes);
    let time = match &features.input_us {
        Some(us) => format!("{} for an input of {} frames, estimate: {}", units::milli(us, "ms"), features.frames, us.source),
        None => "no time: nobody has measured floats on the board".to_owned(),
    };
    let time_in_all = figures.whole_latency_us().map_or_else(String::new, |us| format!(", {}", units::milli(&us, "ms")));
    vec![
        ("features", time),
        ("", format!("RAM {ram}, tables {}, exact", units::bytes(features.each.table_bytes))),
        ("in all", format!("RAM {}{time_in_all}", units::bytes(figures.whole_ram_bytes()))),
    ]
}

fn features_json(figures: &StaticFigures) -> Value {
    match &figures.front_end {
        None => Value::Null,
        Some(Err(why)) => json!({ "error": why.to_string() }),
        Some(Ok(features)) => json!({
            "frames": features.frames,
            "input_us": estimate_json(features.input_us.as_ref()),
            "code": code_json(&features.each),
            "ram_bytes_with_model": figures.whole_ram_bytes(),
            "latency_us_with_model": estimate_json(figures.whole_latency_us().as_ref()),
        }),
    }
}

fn arena_line(arena: &ArenaFigures) -> String {
    let exactness = if arena.exact { "exact" } else { "at least: some kernels are not known" };
    format!(
        "{} for TensorFlow Lite Micro on a 32-bit microcontroller ({exactness}); {} on a 64-bit host",
        units::bytes(arena.arena_mcu32_bytes),
        units::bytes(arena.arena_host64_bytes)
    )
}

/// Inputs or outputs as JSON.
pub fn ports(graph: &Graph, ids: &[TensorId]) -> Value {
    ids.iter().map(|&id| tensor_json(graph.tensor(id))).collect()
}

/// What a tensor is, as JSON.
pub fn tensor_json(tensor: &Tensor) -> Value {
    let quantization = tensor.quantization.as_ref();
    json!({
        "name": tensor.name,
        "type": tensor.element.name(),
        "shape": tensor.shape,
        "scale": quantization.map(|q| q.scale()),
        "zero_point": quantization.map(|q| q.zero_point()),
    })
}

/// All static figures as JSON; units stand in the names.
pub fn figures_json(figures: &StaticFigures) -> Value {
    let (size, arena) = (&figures.size, &figures.arena);
    json!({
        "size_bytes": size.file_bytes,
        "weights_bytes": size.weights_bytes,
        "bias_bytes": size.bias_bytes,
        "other_constants_bytes": size.other_constants_bytes,
        "structure_bytes": size.structure_bytes,
        "parameters": figures.parameters,
        "macs": figures.macs,
        "flops": figures.flops,
        "arena": {
            "activations_bytes": arena.activations_bytes,
            "greedy_bytes": arena.greedy_bytes,
            "best_bytes": arena.best_bytes,
            "lower_bound_bytes": arena.lower_bound_bytes,
            "persistent_mcu32_bytes": arena.persistent_mcu32_bytes,
            "persistent_host64_bytes": arena.persistent_host64_bytes,
            "arena_mcu32_bytes": arena.arena_mcu32_bytes,
            "arena_host64_bytes": arena.arena_host64_bytes,
            "exact": arena.exact,
        },
        "latency_us": estimate_json(figures.latency_us.as_ref()),
        "energy_uj": estimate_json(figures.energy_uj.as_ref()),
        "features": features_json(figures),
        "layers": figures.layers.iter().map(layer_json).collect::<Vec<_>>(),
    })
}

fn layer_json(layer: &LayerFigures) -> Value {
    json!({
        "name": layer.name,
        "op": layer.label,
        "output_shape": layer.output_shape,
        "output_bytes": layer.output_bytes,
        "scheme": layer.scheme,
        "weights_bytes": layer.weights_bytes,
        "bias_bytes": layer.bias_bytes,
        "parameters": layer.parameters,
        "macs": layer.macs,
        "flops": layer.flops,
        "latency_us": estimate_json(layer.latency_us.as_ref()),
    })
}

/// An estimate as JSON.
pub fn estimate_json(estimate: Option<&Estimate>) -> Value {
    estimate.map_or(Value::Null, |e| json!({ "value": e.value, "low": e.low, "high": e.high, "source": &*e.source }))
}

/// Notes as JSON.
pub fn notes_json<'a>(graph: &Graph, notes: impl Iterator<Item = &'a Note>) -> Value {
    notes
        .map(|note| {
            json!({
                "node": note.node.map(|id| graph.node(id).name.as_str()),
                "severity": format!("{:?}", note.severity).to_lowercase(),
                "text": note.text,
            })
        })
        .collect()
}
