//! Post-training quantization to int8, or int16 activations with int8 weights, as the TFLite quantization specification has it.
//!
//! | file | question |
//! | --- | --- |
//! | `plan.rs` | which nodes become integers, at which scales and zero points? |
//! | `parameters.rs` | which scale does a range give, which integers do biases become? |
//! | `trained.rs` | what did training find for a layer? |
//! | `weights.rs` | which integers do weights become, each by itself? |
//! | `adaptive/` | which do they become all together, by what samples show? |
//! | `rewrite.rs` | what does the graph look like then, and where does it need conversions? |
//! | `hybrid.rs` | and where activations stay floats? |
//! | `lstm.rs` | what does a fused LSTM need beside? |
//!
//! The result runs in TensorFlow Lite Micro and LiteRT unchanged.

mod adaptive;
mod hybrid;
mod lstm;
mod parameters;
mod plan;
mod rewrite;
#[cfg(test)]
mod tests;
mod trained;
mod weights;

pub use adaptive::{RoundedWeights, round_weights};

use super::applied::Applied;
use super::prepare::simplified;
use super::{Calibration, OptimizeError, StepOutcome, compact};
use crate::graph::{Graph, Node};
use crate::recipe::{Calibrator, Granularity, IoType, Quantize, Scheme};
use plan::{Plan, Width};

/// Quantizes a float graph.
///
/// # Errors
/// [`OptimizeError::NotCalibrated`] without ranges, [`OptimizeError::Setting`] for a setting that makes no sense,
/// [`OptimizeError::Calibration`] or [`OptimizeError::Node`] for what stands in the way.
pub(super) fn quantize(graph: &Graph, settings: &Quantize, calibration: Option<&Calibration>) -> Result<Applied, OptimizeError> {
    check_settings(settings)?;
    if graph.is_integer() {
        return Ok(Applied::skipped(graph, "the model computes with integers already; its scales stay as they are"));
    }
    let simple = simplified(graph);
    if simple.nodes.iter().all(|node| settings.scheme_of(&node.name) == Scheme::Float32) {
        return Ok(Applied::skipped(graph, "no layer is to be quantized: all stay float32"));
    }
    let none = Calibration::default();
    let calibration = match calibration {
        Some(calibration) => calibration,
        None if settings.needs_calibration() => return Err(OptimizeError::NotCalibrated),
        None => &none,
    };
    let plan = Plan::new(&simple, settings, calibration)?;
    let n_integer = plan.widths.iter().flatten().count();
    let n_half = simple.nodes.iter().filter(|node| is_half(&simple, node, settings)).count();
    let n_hybrid = simple.nodes.iter().filter(|node| !hybrid::hybrid_weights(&simple, node, settings).is_empty()).count();
    if n_integer + n_half + n_hybrid == 0 {
        return Ok(Applied::skipped(graph, "no layer can be quantized: all stay float32"));
    }
    let nearest = RoundedWeights::default();
    let rounded = calibration.rounded(settings);
    let rewritten = rewrite::rewrite(&simple, &plan, settings, calibration, rounded.unwrap_or(&nearest))?;
    let (graph, origin) = compact::compact(rewritten.graph, rewritten.origin);
    let text = match n_integer {
        0 => weights_only_text([(n_half, "float16"), (n_hybrid, "int8 under float activations")], simple.nodes.len()),
        _ => report(&simple, settings, &plan, calibration.samples) + &rounding_text(settings, rounded),
    };
    Ok(Applied { graph, origin, outcome: StepOutcome::Applied, text })
}

/// Which layers have other weights, where no activation is an integer.
fn weights_only_text(counts: [(usize, &str); 2], n_layers: usize) -> String {
    let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("weights of {n} of {n_layers} layers {what}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// Whether some of what training found for a node is to be stored in half precision.
fn is_half(graph: &Graph, node: &Node, settings: &Quantize) -> bool {
    let is_float = |index| graph.input(node, index).and_then(|tensor| tensor.data.as_ref()).is_some_and(|d| d.as_f32().is_some());
    let mut trained = node.op.trained_operands().into_iter().flatten();
    settings.scheme_of(&node.name) == Scheme::Float16 && trained.any(is_float)
}

/// How many layers have weights of which scheme, where some are not int8.
fn weights_text(graph: &Graph, settings: &Quantize) -> String {
    let scheme_of = |node: &Node| match settings.scheme_of(&node.name) {
        Scheme::Int16x8 => Scheme::Int8,
        scheme => scheme,
    };
    let of = |scheme| graph.nodes.iter().filter(|node| node.op.has_weights() && scheme_of(node) == scheme).count();
    let counts = Scheme::ALL.map(|scheme| (scheme, of(scheme)));
    if counts.iter().all(|(scheme, n)| *n == 0 || *scheme == Scheme::Int8) {
        return String::new();
    }
    let counts = counts.iter().filter(|(_, n)| *n > 0).map(|(scheme, n)| format!("{} in {n}", scheme.name()));
    format!(" (weights {})", counts.collect::<Vec<_>>().join(", "))
}

/// Which layers' weights samples decided, where they were asked to.
fn rounding_text(settings: &Quantize, rounded: Option<&RoundedWeights>) -> String {
    match rounded {
        _ if !settings.needs_rounding() => String::new(),
        Some(rounded) => format!("; adaptive rounding in {} of them", rounded.integers.len()),
        None => "; there are no samples to round weights by: each is at its nearest".into(),
    }
}

/// How many layers compute how wide: `5 of 7 layers int16, 1 int8`.
fn layers_text(graph: &Graph, plan: &Plan) -> String {
    let of = |width| plan.widths.iter().filter(|w| **w == Some(width)).count();
    let n = graph.nodes.len();
    match (of(Width::I16), of(Width::I8)) {
        (0, int8) => format!("{int8} of {n} layers int8"),
        (int16, 0) => format!("{int16} of {n} layers int16"),
        (int16, int8) => format!("{int16} of {n} layers int16, {int8} int8"),
    }
}

fn report(graph: &Graph, settings: &Quantize, plan: &Plan, samples: usize) -> String {
    let granularity = |g| if g == Granularity::PerChannel { "per channel" } else { "per tensor" };
    let io = match settings.io {
        IoType::Int8 if plan.widths.contains(&Some(Width::I16)) => "as the layers beside them",
        IoType::Int8 => "int8",
        IoType::UInt8 => "uint8",
        IoType::Float32 => "float32",
    };
    let mut text = format!(
        "{}{}, weights {}, dense layers {}, ranges by {} over {samples} samples, input and output {io}",
        layers_text(graph, plan),
        weights_text(graph, settings),
        granularity(settings.granularity),
        granularity(settings.fully_connected),
        calibrator_name(settings.calibrator),
    );
    let floats = graph.nodes.iter().filter(|node| plan::stays_float(graph, node)).map(|node| node.name.as_str());
    let floats: Vec<&str> = floats.collect();
    if !floats.is_empty() {
        text.push_str(&format!("; there is no int8 kernel for {}, which stay float32", some_of(&floats)));
    }
    let is_narrow =
        |node: &Node, width: Option<Width>| width == Some(Width::I8) && settings.scheme_of(&node.name) == Scheme::Int16x8;
    let layers = graph.nodes.iter().zip(&plan.widths);
    let narrow: Vec<&str> = layers.filter(|(node, w)| is_narrow(node, **w)).map(|(node, _)| node.name.as_str()).collect();
    if !narrow.is_empty() {
        text.push_str(&format!("; there is no int16 kernel for {}, which are int8", some_of(&narrow)));
    }
    let strangers: Vec<&str> =
        settings.overrides.keys().filter(|name| graph.node_named(name).is_none()).map(String::as_str).collect();
    if !strangers.is_empty() {
        text.push_str(&format!("; no layer is called {}, whose settings are ignored", strangers.join(", ")));
    }
    text
}

/// The first few names, and how many more there are.
fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

fn calibrator_name(calibrator: Calibrator) -> String {
    match calibrator {
        Calibrator::MinMax => "min/max".into(),
        Calibrator::MovingAverage { momentum } => format!("moving average {momentum}"),
        Calibrator::Percentile { keep } => format!("percentile {keep}"),
        Calibrator::Mse => "least squared error".into(),
        Calibrator::Entropy => "entropy".into(),
    }
}

fn check_settings(settings: &Quantize) -> Result<(), OptimizeError> {
    let bad = |trouble: String| Err(OptimizeError::Setting { step: "quantize", trouble });
    let calibrators = settings.overrides.values().filter_map(|layer| layer.calibrator).chain([settings.calibrator]);
    for calibrator in calibrators {
        match calibrator {
            Calibrator::MovingAverage { momentum } if !(0.0..=1.0).contains(&momentum) => {
                return bad(format!("a momentum of {momentum}, expected 0 to 1"));
            }
            Calibrator::Percentile { keep } if !(0.0..=100.0).contains(&keep) => {
                return bad(format!("to keep {keep} percent, expected 0 to 100"));
            }
            _ => {}
        }
    }
    for (name, layer) in &settings.overrides {
        if let Some((low, high)) = layer.clip
            && !(low.is_finite() && high.is_finite() && low < high)
        {
            return bad(format!("layer \"{name}\" is clipped to {low}..{high}, expected two finite numbers in ascending order"));
        }
    }
    if settings.samples == Some(0) {
        return bad("calibration on 0 samples".into());
    }
    Ok(())
}
