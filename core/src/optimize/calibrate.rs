//! One pass over the calibration samples: observers for every activation. It knows no recipe, so no setting re-runs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::patches::patch_mean;
use super::statistics::{Statistics, finite_range};
use super::{Absorbed, OptimizeError, Pruned, Rewritten, RoundedWeights};
use crate::execute::float::Prepared;
use crate::graph::{Graph, TensorId};
use crate::measure::coverage;
use crate::progress::Cancel;
use crate::recipe::{Calibrator, Quantize};

/// No more parts than this have statistics of their own before they are added up: it bounds memory, and the split depends on
/// the number of samples alone, so that sums do not depend on the number of threads.
const MAX_CHUNKS: usize = 16;

/// What calibration found, for each activation of one graph.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Calibration {
    /// How many samples were run.
    pub samples: usize,
    /// Statistics of each tensor of the graph, by index; `None` for constants and for tensors that are not floats.
    pub tensors: Vec<Option<Statistics>>,
    /// For each layer with weights, by name, the mean of what its window sees: one value for each weight of a channel.
    pub input_means: BTreeMap<String, Vec<f32>>,
    /// For each tensor of the graph the one of the source model that has the same values; empty if the graph is the source.
    origin: Vec<Option<TensorId>>,
    rewritten_by: String,
    absorbed: Absorbed,
    pruned: Vec<Pruned>,
    /// Ranges found earlier, which win over those that would be derived from the statistics.
    stored: Option<CalibratedRanges>,
    /// How weights are rounded, see [`round_weights`](super::round_weights).
    rounded: Option<RoundedWeights>,
}

/// What of a calibration a project keeps: exact ranges for the calibrators in use. Float sums differ in the last bit from one
/// processor to the next; with these a teammate gets the same quantized bytes.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibratedRanges {
    /// How many samples they come from.
    pub samples: usize,
    /// Ranges by calibrator.
    pub calibrators: Vec<CalibratorRanges>,
    /// Which steps rewrote the graph that the ranges are of, see [`Recipe::rewrites_key`](crate::recipe::Recipe::rewrites_key); empty for the source itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rewritten_by: String,
    /// What these steps absorbed.
    #[serde(with = "super::numbers_as_text", skip_serializing_if = "BTreeMap::is_empty")]
    pub absorbed: Absorbed,
    /// What each of them that prunes cut, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pruned: Vec<Pruned>,
    /// See [`Calibration::input_means`]; empty if no bias is corrected. Written as text, a line for each layer.
    #[serde(with = "super::numbers_as_text")]
    pub input_means: BTreeMap<String, Vec<f32>>,
    /// How weights are rounded, if samples decide that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounded: Option<RoundedWeights>,
}

/// Ranges that one calibrator takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratorRanges {
    /// Which calibrator.
    pub calibrator: Calibrator,
    /// Lowest and highest real value by index of the tensor in the graph.
    pub ranges: BTreeMap<u32, (f32, f32)>,
}

/// What one chunk of samples shows of one tensor.
#[derive(Clone, Default)]
struct Seen {
    statistics: Statistics,
    /// Sum over the samples, element by element; empty for tensors that feed no weights.
    sums: Vec<f64>,
    odd: bool,
}

/// Runs the calibration samples through the float graph: the first `samples` of them, or all. `inputs` holds one slice for each
/// graph input, `[samples, ..]`.
///
/// # Errors
/// [`OptimizeError::Execute`] if the graph cannot be run in floats or the samples do not fit it; [`OptimizeError::Calibration`]
/// if an activation is infinite or not a number; [`OptimizeError::NotCalibrated`] if there are no samples.
pub fn calibrate(
    graph: &Graph,
    inputs: &[&[f32]],
    samples: Option<usize>,
    cancel: &Cancel,
) -> Result<Calibration, OptimizeError> {
    let prepared = Prepared::new(graph)?;
    let n_samples = samples.unwrap_or(usize::MAX).min(prepared.n_samples(inputs)?);
    if n_samples == 0 {
        return Err(OptimizeError::NotCalibrated);
    }
    let inputs: Vec<&[f32]> = inputs.iter().zip(prepared.input_lens()).map(|(values, len)| &values[..n_samples * len]).collect();
    let feeds_weights = feeds_weights(graph);
    let start = || vec![None::<Box<Seen>>; graph.tensors.len()];
    let see = |tensors: &mut Vec<Option<Box<Seen>>>, id: TensorId, samples: std::ops::Range<usize>, values: &[f32]| {
        let seen = tensors[id.index()].get_or_insert_default();
        seen.see(values, values.len() / samples.len(), feeds_weights[id.index()]);
    };
    let chunk = n_samples.div_ceil(MAX_CHUNKS).max(4);
    let mut chunks = prepared.observe(&inputs, chunk, cancel, start, see)?.into_iter();
    let mut all = chunks.next().unwrap_or_default();
    for chunk in chunks {
        for (all, part) in all.iter_mut().zip(chunk) {
            if let (Some(all), Some(part)) = (all, part) {
                all.merge(&part);
            }
        }
    }
    finish(graph, n_samples, all)
}

fn finish(graph: &Graph, n_samples: usize, tensors: Vec<Option<Box<Seen>>>) -> Result<Calibration, OptimizeError> {
    if let Some(index) = tensors.iter().position(|seen| seen.as_ref().is_some_and(|seen| seen.odd)) {
        let name = &graph.tensors[index].name;
        let trouble = format!("tensor {index} \"{name}\" is infinite or not a number for some calibration sample");
        return Err(OptimizeError::Calibration(trouble));
    }
    let mut input_means = BTreeMap::new();
    for node in graph.nodes.iter().filter(|node| node.op.has_weights()) {
        let sums = node.inputs.first().copied().flatten().and_then(|id| Some(&tensors[id.index()].as_ref()?.sums));
        if let Some(sums) = sums.filter(|sums| !sums.is_empty()) {
            let mean: Vec<f64> = sums.iter().map(|sum| sum / n_samples as f64).collect();
            if let Some(means) = patch_mean(graph, node, &mean) {
                input_means.insert(node.name.clone(), means);
            }
        }
    }
    let tensors = tensors.into_iter().map(|seen| seen.map(|seen| seen.statistics)).collect();
    Ok(Calibration { samples: n_samples, tensors, input_means, ..Calibration::default() })
}

/// For each tensor whether a layer with weights reads it as its input.
fn feeds_weights(graph: &Graph) -> Vec<bool> {
    let mut feeds = vec![false; graph.tensors.len()];
    for node in graph.nodes.iter().filter(|node| node.op.has_weights()) {
        if let Some(Some(id)) = node.inputs.first() {
            feeds[id.index()] = true;
        }
    }
    feeds
}

impl Seen {
    fn see(&mut self, values: &[f32], sample_len: usize, sum: bool) {
        let mut magnitude: f32 = 0.0;
        for sample in values.chunks_exact(sample_len.max(1)) {
            let Some((low, high)) = finite_range(sample) else {
                self.odd = true;
                return;
            };
            self.statistics.sample_ranges.push((low, high));
            magnitude = magnitude.max(low.abs()).max(high.abs());
            if sum {
                self.sums.resize(sample_len, 0.0);
                self.sums.iter_mut().zip(sample).for_each(|(sum, &x)| *sum += f64::from(x));
            }
        }
        self.statistics.histogram.add(values, magnitude);
    }

    /// Adds what the next chunk shows.
    fn merge(&mut self, next: &Self) {
        self.statistics.sample_ranges.extend(&next.statistics.sample_ranges);
        self.statistics.histogram.merge(&next.statistics.histogram);
        self.sums.iter_mut().zip(&next.sums).for_each(|(sum, x)| *sum += x);
        self.odd |= next.odd;
    }
}

impl CalibratedRanges {
    /// Checks numbers that come from a file: finite, no range upside down, no scale below zero.
    ///
    /// # Errors
    /// [`OptimizeError::Calibration`] names the tensor or the layer.
    pub fn check(&self) -> Result<(), OptimizeError> {
        for (id, &(low, high)) in self.calibrators.iter().flat_map(|calibrator| &calibrator.ranges) {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                return Err(OptimizeError::Calibration(format!("tensor {id} has the range {low} to {high}")));
            }
        }
        match self.input_means.iter().find(|(_, means)| means.iter().any(|mean| !mean.is_finite())) {
            Some((layer, _)) => Err(OptimizeError::Calibration(format!("layer \"{layer}\" has a mean that is no number"))),
            None => self.rounded.as_ref().map_or(Ok(()), RoundedWeights::check),
        }
    }
}

impl Calibration {
    /// Lowest and highest value of each sample, of every tensor that was observed.
    pub fn seen(&self) -> impl Iterator<Item = coverage::Seen<'_>> {
        let tensors = (0..).map(TensorId).zip(&self.tensors);
        let observed = tensors.filter_map(|(tensor, statistics)| Some((tensor, statistics.as_ref()?)));
        observed.map(|(tensor, statistics)| coverage::Seen { tensor, ranges: &statistics.sample_ranges })
    }

    /// This calibration, which was made from a rewritten graph.
    #[must_use]
    pub fn of(mut self, rewritten: &Rewritten) -> Self {
        self.origin.clone_from(&rewritten.origin);
        self.rewritten_by.clone_from(&rewritten.by);
        self.absorbed.clone_from(&rewritten.absorbed);
        self.pruned.clone_from(&rewritten.pruned);
        self
    }

    /// What was seen of a tensor of the source model; `None` if it was not observed or its values are not computed any more.
    pub fn of_source(&self, tensor: TensorId) -> Option<&Statistics> {
        let index = if self.origin.is_empty() {
            tensor.index()
        } else {
            self.origin.iter().position(|origin| *origin == Some(tensor))?
        };
        self.tensors.get(index)?.as_ref()
    }

    /// The range that `calibrator` takes for a tensor of the graph; `None` if the tensor was not observed, or only
    /// another calibrator's ranges are known.
    pub fn range(&self, tensor: TensorId, calibrator: Calibrator) -> Option<(f32, f32)> {
        let stored = self.stored.iter().flat_map(|stored| &stored.calibrators);
        let stored = stored.filter(|c| c.calibrator == calibrator).find_map(|c| c.ranges.get(&tensor.0));
        stored.copied().or_else(|| Some(self.tensors.get(tensor.index())?.as_ref()?.range(calibrator)))
    }

    /// How `settings` round weights; `None` if each goes to its nearest integer, or it has yet to be found out.
    pub fn rounded(&self, settings: &Quantize) -> Option<&RoundedWeights> {
        self.rounded.as_ref().filter(|rounded| settings.needs_rounding() && rounded.by == settings.rounding_key())
    }

    /// This calibration, with weights rounded by samples.
    #[must_use]
    pub fn with_rounded(mut self, rounded: RoundedWeights) -> Self {
        self.rounded = Some(rounded);
        self
    }

    /// What a project has to keep so that `settings` gives the same bytes everywhere.
    pub fn ranges_for(&self, settings: &Quantize) -> CalibratedRanges {
        let known = self.stored.iter().flat_map(|stored| &stored.calibrators).flat_map(|c| c.ranges.keys().copied());
        let observed = (0u32..).zip(&self.tensors).filter(|(_, t)| t.is_some()).map(|(i, _)| i);
        let ids: std::collections::BTreeSet<u32> = known.chain(observed).collect();
        let ranges = |calibrator| CalibratorRanges {
            calibrator,
            ranges: ids.iter().filter_map(|&id| Some((id, self.range(TensorId(id), calibrator)?))).collect(),
        };
        CalibratedRanges {
            samples: self.samples,
            rewritten_by: self.rewritten_by.clone(),
            absorbed: self.absorbed.clone(),
            pruned: self.pruned.clone(),
            calibrators: settings.calibrators().into_iter().map(ranges).collect(),
            rounded: self.rounded(settings).cloned(),
            input_means: if settings.correct_bias { self.input_means.clone() } else { BTreeMap::new() },
        }
    }

    /// A calibration that knows stored ranges only: enough to apply the recipe they were stored for.
    pub fn from_ranges(stored: CalibratedRanges) -> Self {
        Self { samples: stored.samples, ..Self::default() }.with_ranges(stored)
    }

    /// This calibration, with stored ranges that win where they are known.
    #[must_use]
    pub fn with_ranges(mut self, stored: CalibratedRanges) -> Self {
        self.input_means.extend(stored.input_means.clone());
        self.rounded = stored.rounded.clone().or(self.rounded);
        self.stored = Some(stored);
        self
    }
}
