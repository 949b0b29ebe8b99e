//! What calibration samples show of the channels that layers read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::{Observations, OptimizeError};
use super::follow::Followed;
use super::units::Unit;
use crate::execute::float::Prepared;
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;

/// Samples that are summed up together before the sums are: the order of additions does not depend on the number of threads.
const CHUNK: usize = 16;

/// Means over samples, pixels and rows: for each layer, by its place in [`Followed::members`], one for each input channel. Empty for
/// layers that mix no channels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Means {
    /// Of the activations.
    pub signed: Vec<Vec<f64>>,
    /// Of their magnitudes.
    pub magnitudes: Vec<Vec<f64>>,
}

/// Sums of values and of their magnitudes, and how many there were, for one layer.
#[derive(Clone)]
struct Sums {
    values: Vec<[f64; 2]>,
    n_rows: usize,
}

/// Runs the samples.
///
/// # Errors
/// [`OptimizeError`] if the graph cannot be run on them, or nobody wants the result any more.
pub(super) fn means(graph: &Graph, followed: &Followed, observations: &Observations<'_>) -> Result<Means, OptimizeError> {
    let mut readers: BTreeMap<TensorId, Vec<usize>> = BTreeMap::new();
    for (index, member) in followed.members.iter().enumerate().filter(|(_, member)| !member.input.is_empty()) {
        readers.entry(member.layer.input).or_default().push(index);
    }
    let n_inputs: Vec<usize> = followed.members.iter().map(|member| member.input.len()).collect();
    let start = || n_inputs.iter().map(|&n| Sums { values: vec![[0.0; 2]; n], n_rows: 0 }).collect::<Vec<_>>();
    let see = |sums: &mut Vec<Sums>, tensor: TensorId, _: Range<usize>, values: &[f32]| {
        for &index in readers.get(&tensor).into_iter().flatten() {
            sums[index].add(values);
        }
    };
    let chunks = Prepared::new(graph)?.observe(observations.inputs, CHUNK, observations.cancel, start, see)?;
    let mut all = start();
    for chunk in chunks {
        all.iter_mut().zip(chunk).for_each(|(all, part)| all.join(&part));
    }
    let of = |which: usize| all.iter().map(|sums| sums.means(which)).collect();
    Ok(Means { signed: of(0), magnitudes: of(1) })
}

/// Means of the channels `weightless` alone, which are the same for all samples, as two made-up ones show; others count as zeros. `None`
/// if the graph cannot be run.
///
/// # Errors
/// [`OptimizeError::Cancelled`].
pub(super) fn constants(
    graph: &Graph,
    followed: &Followed,
    weightless: &BTreeSet<Unit>,
    cancel: &Cancel,
) -> Result<Option<Means>, OptimizeError> {
    let Ok(lens) = Prepared::new(graph).map(|prepared| prepared.input_lens()) else { return Ok(None) };
    let of_all = |value: f32| {
        let inputs: Vec<Vec<f32>> = lens.iter().map(|&n| vec![value; n]).collect();
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        means(graph, followed, &Observations { inputs: &inputs, cancel, ..Observations::none() })
    };
    let (mut first, second) = (of_all(0.0)?, of_all(1.0)?);
    for (member, (first, second)) in followed.members.iter().zip(first.signed.iter_mut().zip(&second.signed)) {
        for (unit, (first, second)) in member.input.iter().zip(first.iter_mut().zip(second)) {
            if first != second || !weightless.contains(unit) {
                *first = 0.0;
            }
        }
    }
    Ok(Some(first))
}

impl Sums {
    fn add(&mut self, values: &[f32]) {
        for row in values.chunks_exact(self.values.len()) {
            self.n_rows += 1;
            for (sums, value) in self.values.iter_mut().zip(row) {
                let value = f64::from(*value);
                *sums = [sums[0] + value, sums[1] + value.abs()];
            }
        }
    }

    fn join(&mut self, other: &Self) {
        self.n_rows += other.n_rows;
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a = [a[0] + b[0], a[1] + b[1]]);
    }

    fn means(&self, which: usize) -> Vec<f64> {
        self.values.iter().map(|sums| sums[which] / self.n_rows.max(1) as f64).collect()
    }
}
