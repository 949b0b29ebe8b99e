//! Where a candidate loses precision: every layer's output against the float model's, on the same samples.

use std::collections::HashMap;
use std::ops::Range;

use super::{LayerError, LayerErrors};
use crate::execute::ExecuteError;
use crate::execute::batch::run_blocks;
use crate::execute::executor::{Executor, Observed, integers};
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;
use crate::tensor::ElementType;

/// Compares each node's first output with the tensor of the float graph `source` that it stands for (`origin`, one entry for
/// each tensor of `candidate`). `inputs` holds real samples for each input of the source, `[samples, ..]`; the candidate takes
/// its inputs from the same samples, in the same order.
///
/// # Errors
/// [`ExecuteError`] if one of the two cannot be run or the samples do not fit; [`ExecuteError::Cancelled`].
pub fn layer_errors(
    source: &Graph,
    candidate: &Graph,
    origin: &[Option<TensorId>],
    inputs: &[&[f32]],
    cancel: &Cancel,
) -> Result<LayerErrors, ExecuteError> {
    let float = crate::execute::float::Prepared::new(source)?;
    let n_samples = float.n_samples(inputs)?;
    let (float, executor) = (Executor::new(source)?, Executor::new(candidate)?);
    let fits = executor.inputs().len() == inputs.len()
        && executor.inputs().iter().zip(float.inputs()).all(|(a, b)| a.sample_len == b.sample_len);
    if !fits {
        return Err(ExecuteError::Input("the candidate takes other inputs than the float model".into()));
    }
    let comparison = Comparison::new(candidate, origin);
    let block = float.block().min(executor.block());
    let scratch = || (float.scratch(), executor.scratch());
    let run = |scratch: &mut (_, _), samples: Range<usize>| {
        let mut real: HashMap<TensorId, Vec<f32>> = HashMap::new();
        float.observe_block(&mut scratch.0, inputs, samples.clone(), &mut |tensor, values| {
            if let (true, Observed::Real(values)) = (comparison.wants(tensor), values) {
                real.insert(tensor, values.to_vec());
            }
        })?;
        let mut sums = vec![Sums::default(); candidate.tensors.len()];
        executor.observe_block(&mut scratch.1, inputs, samples, &mut |tensor, values| {
            if let Some(expected) = origin.get(tensor.index()).copied().flatten().and_then(|id| real.get(&id)) {
                sums[tensor.index()].add(candidate, tensor, expected, values);
            }
        })?;
        Ok(sums)
    };
    let mut total = vec![Sums::default(); candidate.tensors.len()];
    for block in run_blocks(n_samples, block, cancel, scratch, run)? {
        total.iter_mut().zip(block).for_each(|(total, part)| total.merge(part));
    }
    let layer = |node: &crate::graph::Node| total.get(node.outputs.first()?.index())?.error();
    Ok(LayerErrors { samples: n_samples, layers: candidate.nodes.iter().map(layer).collect() })
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
