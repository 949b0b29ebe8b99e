//! Kernels that work element by element, and SOFTMAX.

use super::kernel::{Kernel, Values};
use crate::ops::{self, BinaryKind, OpError, Operands};

/// One function applied to every value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Map {
    /// Between two bounds.
    Clamp(f32, f32),
    /// See [`ops::Unary::Logistic`].
    Logistic,
    /// See [`ops::Unary::Tanh`].
    Tanh,
    /// See [`ops::Unary::HardSwish`].
    HardSwish,
    /// See [`ops::LeakyRelu`].
    LeakyRelu(f32),
}

/// An operator of two operands, with broadcasting.
#[derive(Debug)]
pub(super) struct Binary {
    kind: BinaryKind,
    clamp: (f32, f32),
    /// Element `i` of the output comes from elements `pairs[i]` of the operands; `None` if the shapes are equal.
    pairs: Option<Vec<(u32, u32)>>,
}

/// SOFTMAX over the last axis.
#[derive(Debug)]
pub(super) struct Softmax {
    beta: f32,
    depth: usize,
}

fn map(from: &[f32], to: &mut [f32], f: impl Fn(f32) -> f32) {
    for (to, &x) in to.iter_mut().zip(from) {
        *to = f(x);
    }
}

impl Kernel for Map {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut [Vec<f32>; 2]) {
        let (from, to) = (operands.all(0), outputs[0].as_mut_slice());
        match *self {
            Self::Clamp(low, high) => map(from, to, |x| clamp(x, (low, high))),
            Self::Logistic => map(from, to, |x| 1.0 / (1.0 + (-x).exp())),
            Self::Tanh => map(from, to, f32::tanh),
            Self::HardSwish => map(from, to, |x| x * clamp(x + 3.0, (0.0, 6.0)) / 6.0),
            Self::LeakyRelu(alpha) => map(from, to, |x| if x > 0.0 { x } else { x * alpha }),
        }
    }
}

/// `x` between two bounds; NaN stays.
pub(super) fn clamp(x: f32, (low, high): (f32, f32)) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

impl Binary {
    pub fn new(op: &ops::Binary, operands: &Operands<'_>, clamp: (f32, f32)) -> Result<Self, OpError> {
        let (a, b) = (&operands.get(0)?.shape, &operands.get(1)?.shape);
        let shape = ops::OpFacts::output_shapes(op, operands)?.remove(0);
        let pairs = (a != b).then(|| {
            let (a, b) = (broadcast_indices(a, &shape), broadcast_indices(b, &shape));
            a.into_iter().zip(b).collect()
        });
        Ok(Self { kind: op.kind, clamp, pairs })
    }

    fn apply(&self, a: &[f32], b: &[f32], to: &mut [f32], f: impl Fn(f32, f32) -> f32) {
        match &self.pairs {
            None => {
                for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
                    *to = clamp(f(a, b), self.clamp);
                }
            }
            Some(pairs) => {
                for (to, &(i, j)) in to.iter_mut().zip(pairs) {
                    *to = clamp(f(a[i as usize], b[j as usize]), self.clamp);
                }
            }
        }
    }
}

/// For each element of `to`, in order, the element of a tensor of shape `from` that broadcasting puts there.
fn broadcast_indices(from: &[usize], to: &[usize]) -> Vec<u32> {
    let mut indices = vec![0u32];
    let missing = to.len() - from.len();
    let mut stride = from.iter().product::<usize>();
    for (axis, &extent) in to.iter().enumerate() {
        let own = if axis < missing { 1 } else { from[axis - missing] };
        stride /= if own == 0 { 1 } else { own };
        let step = if own == 1 { 0 } else { stride as u32 };
        indices = indices.iter().flat_map(|&base| (0..extent as u32).map(move |i| base + i * step)).collect();
    }
    indices
}

impl Kernel for Binary {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut [Vec<f32>; 2]) {
        let len = outputs[0].len() / operands.n_samples.max(1);
        for (sample, to) in outputs[0].chunks_exact_mut(len.max(1)).enumerate() {
            let (a, b) = (operands.sample(0, sample), operands.sample(1, sample));
            match self.kind {
                BinaryKind::Add => self.apply(a, b, to, |a, b| a + b),
                BinaryKind::Sub => self.apply(a, b, to, |a, b| a - b),
                BinaryKind::Mul => self.apply(a, b, to, |a, b| a * b),
                BinaryKind::Div => self.apply(a, b, to, |a, b| a / b),
                BinaryKind::Minimum => self.apply(a, b, to, f32::min),
                BinaryKind::Maximum => self.apply(a, b, to, f32::max),
                BinaryKind::Pow => self.apply(a, b, to, f32::powf),
                BinaryKind::SquaredDifference => self.apply(a, b, to, |a, b| (a - b) * (a - b)),
            }
        }
    }
}

impl Softmax {
    pub fn new(beta: f32, operands: &Operands<'_>) -> Result<Self, OpError> {
        let depth = operands.get(0)?.shape.last().copied().unwrap_or(1);
        Ok(Self { beta, depth: depth.max(1) })
    }
}

impl Kernel for Softmax {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut [Vec<f32>; 2]) {
        for (from, to) in operands.all(0).chunks_exact(self.depth).zip(outputs[0].chunks_exact_mut(self.depth)) {
            let highest = from.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            map(from, to, |x| ((x - highest) * self.beta).exp());
            let sum: f32 = to.iter().sum();
            to.iter_mut().for_each(|x| *x /= sum);
        }
    }
}
