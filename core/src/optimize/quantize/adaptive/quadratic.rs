//! A layer's squared output error as a quadratic form of one output channel's weights, and the integers at which it is small.
//!
//! Finding the least is the closest vector problem, for which no fast exact way is known. Two ways that are near it are taken one
//! after the other: Babai's nearest plane (Babai, On Lovász' lattice reduction and the nearest lattice point problem,
//! Combinatorica 1986), which decides one weight after the other and lets those to come make up for it, as GPTQ does (Frantar et
//! al., ICLR 2023; Chen et al., The Geometry of LLM Quantization, 2025, show that the two are the same); then descent along
//! single coordinates until no weight alone can be better.

use super::super::weights::Levels;

/// Descent ends after so many passes over the weights, if it has not settled before.
const MAX_PASSES: usize = 64;

/// Gains below this share of the form's own size are rounding, not gains.
const LEAST_GAIN: f64 = 1e-12;

/// `v -> vᵀ H v - 2 vᵀ t + a constant` without `t`: a symmetric positive definite matrix and its factor.
#[derive(Debug)]
pub(super) struct QuadraticForm {
    n: usize,
    /// `H`, row by row.
    matrix: Vec<f64>,
    /// `U` of `H = Uᵀ U`, row by row; zeros below the diagonal.
    factor: Vec<f64>,
}

impl QuadraticForm {
    /// `None` if the matrix is not positive definite.
    pub fn new(n: usize, matrix: Vec<f64>) -> Option<Self> {
        let mut factor = vec![0.0; n * n];
        for i in 0..n {
            let (above, rest) = factor.split_at_mut(i * n);
            let row = &mut rest[..n];
            row[i..].copy_from_slice(&matrix[i * n + i..(i + 1) * n]);
            for above in above.chunks_exact(n) {
                let share = above[i];
                row[i..].iter_mut().zip(&above[i..]).for_each(|(x, a)| *x -= share * a);
            }
            let pivot = row[i];
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            let root = pivot.sqrt();
            row[i..].iter_mut().for_each(|x| *x /= root);
        }
        Some(Self { n, matrix, factor })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.matrix[i * self.n..][..self.n]
    }

    /// `H v`.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        (0..self.n).map(|i| dot(self.row(i), v)).collect()
    }

    /// The value for `v`, but for the constant.
    pub fn value(&self, v: &[f64], t: &[f64]) -> f64 {
        dot(v, &self.times(v)) - 2.0 * dot(v, t)
    }

    /// The real numbers at which it is least: the solution of `H v = t`.
    pub fn least(&self, t: &[f64]) -> Vec<f64> {
        let mut v = t.to_vec();
        for i in 0..self.n {
            let row = &self.factor[i * self.n..][..self.n];
            v[i] /= row[i];
            let x = v[i];
            v[i + 1..].iter_mut().zip(&row[i + 1..]).for_each(|(v, u)| *v -= x * u);
        }
        for i in (0..self.n).rev() {
            let row = &self.factor[i * self.n..][..self.n];
            v[i] = (v[i] - dot(&row[i + 1..], &v[i + 1..])) / row[i];
        }
        v
    }

    /// Integers at one scale, decided from the last to the first, each making up for those behind it. `least`: see
    /// [`QuadraticForm::least`].
    pub fn nearest_plane(&self, least: &[f64], levels: &[Levels], scale: f64) -> Vec<i32> {
        let mut integers = vec![0; self.n];
        let mut off = vec![0.0; self.n];
        for i in (0..self.n).rev() {
            let row = &self.factor[i * self.n..][..self.n];
            let wanted = least[i] - dot(&row[i + 1..], &off[i + 1..]) / row[i];
            integers[i] = levels[i].nearest(wanted / scale);
            off[i] = scale * f64::from(integers[i]) - least[i];
        }
        integers
    }

    /// Moves single integers to where the form is least for them, until none moves any more. The form never grows.
    pub fn descend(&self, t: &[f64], levels: &[Levels], scale: f64, integers: &mut [i32]) {
        let v: Vec<f64> = integers.iter().map(|q| scale * f64::from(*q)).collect();
        let mut slope: Vec<f64> = self.times(&v).iter().zip(t).map(|(hv, t)| hv - t).collect();
        let least_gain = LEAST_GAIN * (0..self.n).map(|i| self.row(i)[i]).sum::<f64>() * scale * scale;
        for _ in 0..MAX_PASSES {
            let mut moved = false;
            for i in 0..self.n {
                let (row, now) = (self.row(i), integers[i]);
                let next = levels[i].nearest(f64::from(now) - slope[i] / row[i] / scale);
                let step = scale * f64::from(next - now);
                if -(2.0 * slope[i] + row[i] * step) * step > least_gain {
                    slope.iter_mut().zip(row).for_each(|(slope, h)| *slope += step * h);
                    integers[i] = next;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
