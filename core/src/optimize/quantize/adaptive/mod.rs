//! Adaptive rounding: of the integers that a scheme allows those are taken that change a layer's output least over the
//! calibration samples, instead of those nearest to the weights.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `mod.rs` | layer by layer, in the order of execution |
//! | `layer.rs` | one layer: its channels' errors, weights and biases |
//! | `quadratic.rs`, `search.rs` | integers and scales for which an error is small |
//! | `kept.rs` | what a project keeps of it |
//!
//! A layer is fitted to what the *quantized* network in front of it hands on, so that it makes up for the errors made there; what
//! it is to give is what the float layer gives in the float network. Sources: Nagel et al., Up or Down? Adaptive Rounding for
//! Post-Training Quantization, ICML 2020 (the question); Frantar et al., GPTQ, ICLR 2023 (second moments); Hubara et al.,
//! Improving Post Training Neural Quantization, ICML 2021 (layers in sequence).

mod kept;
mod layer;
mod moments;
mod quadratic;
mod search;
#[cfg(test)]
mod tests;

pub use kept::RoundedWeights;

use super::plan::{Plan, Width};
use super::trained::Trained;
use super::{check_settings, rewrite};
use crate::execute::executor::Executor;
use crate::graph::{Graph, Node};
use crate::optimize::prepare::simplified;
use crate::optimize::windows::Windows;
use crate::optimize::{Calibration, OptimizeError};
use crate::progress::Cancel;
use crate::recipe::Quantize;
use layer::Seen;

/// No more samples than this are looked at: the first ones.
const MAX_SAMPLES: usize = 256;

/// Decides how the weights of all layers are rounded that `settings` make integers of. `graph` is the one that the calibration is
/// of; `inputs` holds calibration samples for each of its inputs, `[samples, ..]`. `progress` is told how many layers of how many
/// are done.
///
/// Layers whose window sees too much stay as they are, rounded to the nearest. The same inputs give the same result, whatever the
/// number of threads.
///
/// # Errors
/// As quantization with these settings; [`OptimizeError::Execute`] if the samples do not fit; [`OptimizeError::Cancelled`].
pub fn round_weights(
    graph: &Graph,
    settings: &Quantize,
    calibration: &Calibration,
    inputs: &[&[f32]],
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<RoundedWeights, OptimizeError> {
    check_settings(settings)?;
    let mut rounded = RoundedWeights { by: settings.rounding_key(), ..RoundedWeights::default() };
    if graph.is_integer() {
        return Ok(rounded);
    }
    let simple = simplified(graph);
    let plan = Plan::new(&simple, settings, calibration)?;
    let layers: Vec<(&Node, Width, Windows)> = simple
        .nodes
        .iter()
        .zip(&plan.widths)
        .filter(|(node, _)| node.op.has_weights())
        .filter_map(|(node, width)| Some((node, (*width)?, Windows::of(&simple, node).filter(layer::is_tractable)?)))
        .collect();
    for (done, (node, width, windows)) in layers.iter().enumerate() {
        progress(done, layers.len());
        let quantized = rewrite::rewrite(&simple, &plan, settings, calibration, &rounded)?.graph;
        let seen = Seen {
            quantized: seen_by(&quantized, &node.name, inputs, cancel)?,
            float: seen_by(&simple, &node.name, inputs, cancel)?,
        };
        let trained = Trained::of(&simple, &plan, settings, node, *width)?;
        if let Some((weights, bias)) = layer::round(windows, &trained, &seen, settings.correct_bias, cancel)? {
            rounded.put(&node.name, &weights, bias);
        }
    }
    progress(layers.len(), layers.len());
    Ok(rounded)
}

/// What a node reads when the network runs on the samples, as real numbers.
fn seen_by(graph: &Graph, name: &str, inputs: &[&[f32]], cancel: &Cancel) -> Result<Vec<f32>, OptimizeError> {
    let read = graph.node_named(name).and_then(|id| graph.node(id).inputs.first().copied().flatten());
    let Some(read) = read else { return Ok(Vec::new()) };
    let mut front = graph.clone();
    front.outputs = vec![read];
    front.signatures.clear();
    let front = simplified(&front);
    let executor = Executor::new(&front)?;
    let n_samples = |(values, len): (&&[f32], usize)| values.len() / len.max(1);
    let lens = || executor.inputs().iter().map(|port| port.sample_len);
    let n_samples = inputs.iter().zip(lens()).map(n_samples).min().unwrap_or(0).min(MAX_SAMPLES);
    let bytes = |((port, values), len): ((_, &&[f32]), usize)| {
        let port: &crate::execute::executor::Port = port;
        port.bytes_from_real(&values[..n_samples * len])
    };
    let bytes: Vec<Vec<u8>> = executor.inputs().iter().zip(inputs).zip(lens()).map(bytes).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    Ok(executor.run_real(&bytes, n_samples, cancel)?.into_iter().next().unwrap_or_default())
}
