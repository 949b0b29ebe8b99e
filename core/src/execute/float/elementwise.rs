//! Kernels that work element by element, and SOFTMAX.

use super::convolution::Parameters;
use super::kernel::{Kernel, Values, Work};
use crate::ops::{self, Activation, BinaryKind, OpError, Operands};

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
    /// See [`ops::Unary::Elu`].
    Elu,
    /// See [`ops::Unary::Gelu`], with erf.
    Gelu,
    /// See [`ops::Unary::Gelu`], with tanh.
    GeluTanh,
    /// e to the power of x.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// One over the square root.
    Rsqrt,
    /// The other sign.
    Neg,
    /// Without sign.
    Abs,
    /// Times itself.
    Square,
}

/// A factor and a summand for each channel of the last axis.
#[derive(Debug)]
pub(super) struct Affine {
    scale: Vec<f32>,
    offset: Vec<f32>,
}

/// What is made of two values.
#[derive(Clone, Copy, Debug)]
enum Pairwise {
    Kind(BinaryKind),
    /// The second is the slope where the first is negative.
    PRelu,
}

/// An operator of two operands, with broadcasting.
#[derive(Debug)]
pub(super) struct Binary {
    function: Pairwise,
    clamp: (f32, f32),
    /// Element `i` of the output comes from elements `pairs[i]` of the operands; `None` if the shapes are equal.
    pairs: Option<Vec<(u32, u32)>>,
}

/// SOFTMAX or LOG_SOFTMAX over the last axis.
#[derive(Debug)]
pub(super) struct Softmax {
    beta: f32,
    depth: usize,
    log: bool,
}

/// `1 / (1 + exp(-x))`.
pub(super) fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// `x` through a fused activation.
pub(super) fn activate(activation: Activation, x: f32) -> f32 {
    activation.clamp_range().map_or_else(|| x.tanh(), |range| clamp(x, range))
}

/// The error function, to within the precision of `f32`: a series of positive terms.
fn erf(x: f64) -> f64 {
    /// Beyond this it is 1 but for 2e-17.
    const SATURATED: f64 = 6.0;
    if x.abs() >= SATURATED || x.is_nan() {
        return if x.is_nan() { x } else { x.signum() };
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()
}

fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    (0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))) as f32
}

fn gelu_tanh(x: f32) -> f32 {
    const SQRT_2_OVER_PI: f32 = 0.797_884_6;
    0.5 * x * (1.0 + (SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x)).tanh())
}

fn map(from: &[f32], to: &mut [f32], f: impl Fn(f32) -> f32) {
    for (to, &x) in to.iter_mut().zip(from) {
        *to = f(x);
    }
}

impl Kernel for Map {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        let (from, to) = (operands.all(0), outputs[0].as_mut_slice());
        match *self {
            Self::Clamp(low, high) => map(from, to, |x| clamp(x, (low, high))),
            Self::Logistic => map(from, to, logistic),
            Self::Tanh => map(from, to, f32::tanh),
            Self::HardSwish => map(from, to, |x| x * clamp(x + 3.0, (0.0, 6.0)) / 6.0),
            Self::LeakyRelu(alpha) => map(from, to, |x| if x > 0.0 { x } else { x * alpha }),
            Self::Elu => map(from, to, |x| if x < 0.0 { x.exp_m1() } else { x }),
            Self::Gelu => map(from, to, gelu),
            Self::GeluTanh => map(from, to, gelu_tanh),
            Self::Exp => map(from, to, f32::exp),
            Self::Log => map(from, to, f32::ln),
            Self::Sqrt => map(from, to, f32::sqrt),
            Self::Rsqrt => map(from, to, |x| 1.0 / x.sqrt()),
            Self::Neg => map(from, to, |x| -x),
            Self::Abs => map(from, to, f32::abs),
            Self::Square => map(from, to, |x| x * x),
        }
    }
}

/// `x` between two bounds; NaN stays.
pub(super) fn clamp(x: f32, (low, high): (f32, f32)) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

impl Affine {
    pub fn batch_norm(op: &ops::BatchNorm, parameters: &Parameters<'_>) -> Result<Self, String> {
        let channels = parameters.operands.get(0).map_err(|error| error.to_string())?.shape.last().copied().unwrap_or(1);
        let [gamma, beta] = [parameters.optional_values(1, "gamma")?, parameters.optional_values(2, "beta")?];
        let (mean, variance) = (parameters.values(3, "mean")?, parameters.values(4, "variance")?);
        let values = [gamma.as_deref(), beta.as_deref(), Some(&*mean), Some(&*variance)];
        let (scale, offset) = op.scale_and_offset(values, channels);
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        Ok(Self { scale: single(scale), offset: single(offset) })
    }
}

impl Kernel for Affine {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        let channels = self.scale.len().max(1);
        for (from, to) in operands.all(0).chunks_exact(channels).zip(outputs[0].chunks_exact_mut(channels)) {
            for (((to, x), scale), offset) in to.iter_mut().zip(from).zip(&self.scale).zip(&self.offset) {
                *to = x * scale + offset;
            }
        }
    }
}

impl Binary {
    pub fn new(op: &ops::Binary, operands: &Operands<'_>, clamp: (f32, f32)) -> Result<Self, OpError> {
        Self::pairwise(op, Pairwise::Kind(op.kind), operands, clamp)
    }

    pub fn prelu(op: &ops::PRelu, operands: &Operands<'_>) -> Result<Self, OpError> {
        Self::pairwise(op, Pairwise::PRelu, operands, (f32::NEG_INFINITY, f32::INFINITY))
    }

    fn pairwise(op: &dyn ops::OpFacts, function: Pairwise, operands: &Operands<'_>, clamp: (f32, f32)) -> Result<Self, OpError> {
        let (a, b) = (&operands.get(0)?.shape, &operands.get(1)?.shape);
        let shape = op.output_shapes(operands)?.remove(0);
        let pairs = (a != b).then(|| {
            let (a, b) = (broadcast_indices(a, &shape), broadcast_indices(b, &shape));
            a.into_iter().zip(b).collect()
        });
        Ok(Self { function, clamp, pairs })
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
pub(super) fn broadcast_indices(from: &[usize], to: &[usize]) -> Vec<u32> {
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
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        let len = outputs[0].len() / operands.n_samples.max(1);
        for (sample, to) in outputs[0].chunks_exact_mut(len.max(1)).enumerate() {
            let (a, b) = (operands.sample(0, sample), operands.sample(1, sample));
            match self.function {
                Pairwise::PRelu => self.apply(a, b, to, |a, b| if a >= 0.0 { a } else { a * b }),
                Pairwise::Kind(BinaryKind::Add) => self.apply(a, b, to, |a, b| a + b),
                Pairwise::Kind(BinaryKind::Sub) => self.apply(a, b, to, |a, b| a - b),
                Pairwise::Kind(BinaryKind::Mul) => self.apply(a, b, to, |a, b| a * b),
                Pairwise::Kind(BinaryKind::Div) => self.apply(a, b, to, |a, b| a / b),
                Pairwise::Kind(BinaryKind::Minimum) => self.apply(a, b, to, |a, b| if a < b { a } else { b }),
                Pairwise::Kind(BinaryKind::Maximum) => self.apply(a, b, to, |a, b| if a > b { a } else { b }),
                Pairwise::Kind(BinaryKind::Pow) => self.apply(a, b, to, f32::powf),
                Pairwise::Kind(BinaryKind::SquaredDifference) => self.apply(a, b, to, |a, b| (a - b) * (a - b)),
            }
        }
    }
}

impl Softmax {
    pub fn new(beta: f32, operands: &Operands<'_>) -> Result<Self, OpError> {
        let depth = operands.get(0)?.shape.last().copied().unwrap_or(1);
        Ok(Self { beta, depth: depth.max(1), log: false })
    }

    pub fn log(operands: &Operands<'_>) -> Result<Self, OpError> {
        Ok(Self { log: true, ..Self::new(1.0, operands)? })
    }
}

impl Kernel for Softmax {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        for (from, to) in operands.all(0).chunks_exact(self.depth).zip(outputs[0].chunks_exact_mut(self.depth)) {
            let highest = from.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            map(from, to, |x| ((x - highest) * self.beta).exp());
            let sum: f32 = to.iter().sum();
            if self.log {
                let log_sum = sum.ln();
                map(from, to, |x| x - highest - log_sum);
            } else {
                to.iter_mut().for_each(|x| *x /= sum);
            }
        }
    }
}
