//! Where a candidate loses precision: every layer's output against the float model's, on the same samples.

use std::collections::HashMap;
use std::ops::Range;

use super::LayerError;
use crate::execute::ExecuteError;
use crate::execute::batch::run_blocks;
use crate::execute::executor::{Executor, Observed, Scratch, integers, part};
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;
use crate::tensor::ElementType;

/// One of two graphs that are compared, or a part of it, with what it starts from.
pub(crate) struct Side {
    pub executor: Executor,
    /// For each of its inputs all samples, in its own type.
    pub inputs: Vec<Vec<u8>>,
    /// Tensors whose values are handed back.
    pub keep: Vec<TensorId>,
}

impl Side {
    /// Runs some samples and shows what nodes make of them; returns what is kept of it.
    fn observe(
        &self,
        scratch: &mut Scratch,
        (samples, n_samples): (&Range<usize>, usize),
        see: &mut dyn FnMut(TensorId, Observed<'_>),
    ) -> Result<Vec<Vec<u8>>, ExecuteError> {
        let mut kept = vec![Vec::new(); self.keep.len()];
        let parts = self.inputs.iter().map(|bytes| {
            let len = bytes.len() / n_samples.max(1);
            bytes[samples.start * len..samples.end * len].to_vec()
        });
        self.executor.run_parts(scratch, parts.collect(), samples.len(), &mut |tensor, values| {
            if let Some(index) = self.keep.iter().position(|id| *id == tensor) {
                kept[index] = values.to_bytes();
            }
            see(tensor, values);
        })?;
        Ok(kept)
    }
}

/// What a comparison found.
pub(crate) struct Compared {
    /// By tensor of the candidate.
    pub errors: Vec<Option<LayerError>>,
    /// What the float side and the candidate keep, over all samples.
    pub kept: [Vec<Vec<u8>>; 2],
}

/// Compares what the nodes of `graph`, the candidate or a part of it, make with the float tensors of `origin`.
pub(crate) fn compare(
    float: &Side,
    (graph, candidate): (&Graph, &Side),
    origin: &[Option<TensorId>],
    n_samples: usize,
    cancel: &Cancel,
) -> Result<Compared, ExecuteError> {
    let comparison = Comparison::new(graph, origin);
    let block = float.executor.block().min(candidate.executor.block());
    let scratch = || (float.executor.scratch(), candidate.executor.scratch());
    let run = |scratch: &mut (_, _), samples: Range<usize>| {
        let mut real: HashMap<TensorId, Vec<f32>> = HashMap::new();
        let kept_float = float.observe(&mut scratch.0, (&samples, n_samples), &mut |tensor, values| {
            if let (true, Observed::Real(values)) = (comparison.wants(tensor), values) {
                real.insert(tensor, values.to_vec());
            }
        })?;
        // By sample, so that sums do not depend on how many run at a time.
        let mut sums = vec![vec![Sums::default(); graph.tensors.len()]; samples.len()];
        let kept = candidate.observe(&mut scratch.1, (&samples, n_samples), &mut |tensor, values| {
            let expected = origin.get(tensor.index()).copied().flatten().and_then(|id| real.get(&id));
            for (i, sums) in sums.iter_mut().enumerate().filter(|_| expected.is_some()) {
                let (expected, values) =
                    (part(expected.map_or(&[], Vec::as_slice), i, samples.len()), values.part(i, samples.len()));
                sums[tensor.index()].add(graph, tensor, expected, values);
            }
        })?;
        Ok((sums, [kept_float, kept]))
    };
    let mut total = vec![Sums::default(); graph.tensors.len()];
    let mut kept = [vec![Vec::new(); float.keep.len()], vec![Vec::new(); candidate.keep.len()]];
    for (sums, part) in run_blocks(n_samples, block, cancel, scratch, run)? {
        sums.into_iter().for_each(|sample| total.iter_mut().zip(sample).for_each(|(total, part)| total.merge(part)));
        for (all, part) in kept.iter_mut().flatten().zip(part.into_iter().flatten()) {
            all.extend(part);
        }
    }
    Ok(Compared { errors: total.iter().map(Sums::error).collect(), kept })
}

/// Compares whole graphs at once, where the preview goes on from what it has: each node's first output with the tensor of the float graph `source` that it stands for (`origin`, one entry for
/// each tensor of `candidate`). `inputs` holds real samples for each input of the source, `[samples, ..]`; the candidate takes
/// its inputs from the same samples, in the same order.
///
/// # Errors
/// [`ExecuteError`] if one of the two cannot be run or the samples do not fit; [`ExecuteError::Cancelled`].
#[cfg(test)]
pub(crate) fn layer_errors(
    source: &Graph,
    candidate: &Graph,
    origin: &[Option<TensorId>],
    inputs: &[&[f32]],
    cancel: &Cancel,
) -> Result<super::LayerErrors, ExecuteError> {
    let n_samples = crate::execute::float::Prepared::new(source)?.n_samples(inputs)?;
    let (float, executor) = (Executor::new(source)?, Executor::new(candidate)?);
    let fits = executor.inputs().len() == inputs.len()
        && executor.inputs().iter().zip(float.inputs()).all(|(a, b)| a.sample_len == b.sample_len);
    if !fits {
        return Err(ExecuteError::Input("the candidate takes other inputs than the float model".into()));
    }
    let side = |executor: Executor| {
        let inputs = executor.inputs().iter().zip(inputs).map(|(port, values)| port.bytes_from_real(values)).collect();
        Side { executor, inputs, keep: Vec::new() }
    };
    let (float, executor) = (side(float), side(executor));
    let errors = compare(&float, (candidate, &executor), origin, n_samples, cancel)?.errors;
    let layer = |node: &crate::graph::Node| *errors.get(node.outputs.first()?.index())?;
    Ok(super::LayerErrors { samples: n_samples, layers: candidate.nodes.iter().map(layer).collect() })
}

/// Which tensors of the source are compared with.
struct Comparison {
    wanted: Vec<bool>,
}

impl Comparison {
    fn new(candidate: &Graph, origin: &[Option<TensorId>]) -> Self {
        let outputs = candidate.nodes.iter().filter_map(|node| origin.get(node.outputs.first()?.index()).copied().flatten());
        let mut wanted = Vec::new();
        for id in outputs {
            wanted.resize(wanted.len().max(id.index() + 1), false);
            wanted[id.index()] = true;
        }
        Self { wanted }
    }

    fn wants(&self, id: TensorId) -> bool {
        self.wanted.get(id.index()).copied().unwrap_or(false)
    }
}

/// What has been compared of one tensor.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    signal: f64,
    noise: f64,
    clipped: u64,
    count: u64,
}

impl Sums {
    fn add(&mut self, graph: &Graph, tensor: TensorId, expected: &[f32], values: Observed<'_>) {
        let tensor = graph.tensor(tensor);
        match values {
            Observed::Real(values) => values.iter().zip(expected).for_each(|(&x, &e)| self.add_one(x, e, false)),
            Observed::Bytes(bytes) => {
                let (Some(q), Some((low, high))) = (&tensor.quantization, tensor.element.integer_range()) else {
                    // A float tensor of a mixed graph.
                    if tensor.element == ElementType::F32 {
                        let reals = bytes.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk));
                        reals.zip(expected).for_each(|(x, &e)| self.add_one(x, e, false));
                    }
                    return;
                };
                let (least, most) = (q.real_from_quantized(low, 0), q.real_from_quantized(high, 0));
                // Half a step beyond the end still rounds to it.
                let slack = q.scale() / 2.0;
                for (x, &e) in integers(tensor.element, bytes).into_iter().flatten().zip(expected) {
                    let clipped = x == low && e < least - slack || x == high && e > most + slack;
                    self.add_one(q.real_from_quantized(x, 0), e, clipped);
                }
            }
        }
    }

    fn add_one(&mut self, actual: f32, expected: f32, clipped: bool) {
        let difference = f64::from(expected) - f64::from(actual);
        self.signal += f64::from(expected) * f64::from(expected);
        self.noise += difference * difference;
        self.clipped += u64::from(clipped);
        self.count += 1;
    }

    fn merge(&mut self, other: Self) {
        self.signal += other.signal;
        self.noise += other.noise;
        self.clipped += other.clipped;
        self.count += other.count;
    }

    fn error(&self) -> Option<LayerError> {
        (self.count > 0).then(|| LayerError {
            // An output that is zero throughout and stays so has lost nothing.
            sqnr_db: if self.noise == 0.0 { f64::INFINITY } else { 10.0 * (self.signal / self.noise).log10() },
            clipped: self.clipped as f64 / self.count as f64,
        })
    }
}
