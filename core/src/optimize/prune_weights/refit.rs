//! What is left of a layer's weights is fitted once more, so that the layer's outputs on samples stay near to those it had.
//!
//! Source: Hassibi and Stork, Second Order Derivatives for Network Pruning: Optimal Brain Surgeon, NIPS 1992; layer by layer as in Frantar
//! and Alistarh, SparseGPT, ICML 2023, equation 3, but with all weights of a channel fitted together and its bias with them.
//!
//! An output channel with weights `w` of patches `x` gets weights `v`, zero where they are pruned, and a bias raised by `b`, that make the
//! mean of `(w x - v x - b)²` least. With the covariance `C` of the patches and their mean `m`, for the weights `s` that stay and those `p`
//! that go, `(C_ss + r I) (v_s - w_s) = C_sp w_p` and `b = m (w - v)`. The ridge `r` keeps weights of inputs that hardly vary where they are.

use rayon::prelude::*;

use super::super::layer::Layer;
use super::super::moments::Moments;

/// The ridge relative to the mean variance of a patch's values, as SparseGPT damps.
const RIDGE: f64 = 0.01;

/// Covariance of the patches of one group of input channels, and their mean.
struct Patches {
    mean: Vec<f64>,
    /// `[len, len]`
    covariance: Vec<f64>,
    ridge: f64,
}

/// Fits the weights that are not zero to the outputs that `original` gives; returns what each bias gains. Where an equation has no
/// solution in numbers, as with weights that are none, a channel stays as it is.
pub(super) fn refit(layer: &Layer, original: &[f32], weights: &mut [f32], moments: &Moments) -> Vec<f32> {
    let mut of_channel = vec![Vec::new(); layer.n_outputs];
    (0..original.len()).for_each(|i| of_channel[layer.channels_of(i, original.len()).0].push(i));
    let groups: Vec<Patches> = (0..moments.groups).map(|group| Patches::of(moments, group)).collect();
    let now: &[f32] = weights;
    let fit = |(output, indices): (usize, &Vec<usize>)| {
        let before: Vec<f64> = indices.iter().map(|i| f64::from(original[*i])).collect();
        let stays: Vec<bool> = indices.iter().map(|i| now[*i] != 0.0).collect();
        groups[output * moments.groups / layer.n_outputs].fitted(&before, &stays)
    };
    let fitted: Vec<Option<(Vec<f32>, f32)>> = of_channel.par_iter().enumerate().map(fit).collect();
    let mut added = vec![0.0; layer.n_outputs];
    for ((indices, fitted), added) in of_channel.iter().zip(fitted).zip(&mut added) {
        if let Some((values, bias)) = fitted {
            indices.iter().zip(values).for_each(|(i, value)| weights[*i] = value);
            *added = bias;
        }
    }
    added
}

impl Patches {
    fn of(moments: &Moments, group: usize) -> Self {
        let (len, n) = (moments.len, moments.count.max(1) as f64);
        let mean: Vec<f64> = moments.sum[group * len..][..len].iter().map(|sum| sum / n).collect();
        let product = &moments.product[group * len * len..][..len * len];
        let covariance: Vec<f64> = (0..len * len).map(|i| product[i] / n - mean[i / len] * mean[i % len]).collect();
        let variance = (0..len).map(|i| covariance[i * len + i]).sum::<f64>() / len.max(1) as f64;
        Self { mean, covariance, ridge: RIDGE * variance }
    }

    /// Weights of one channel, and what its bias gains.
    fn fitted(&self, before: &[f64], stays: &[bool]) -> Option<(Vec<f32>, f32)> {
        let len = before.len();
        let of = |wanted: bool| (0..len).filter(|i| stays[*i] == wanted).collect::<Vec<usize>>();
        let (kept, gone) = (of(true), of(false));
        let row = |i: usize| &self.covariance[i * len..][..len];
        let mut change: Vec<f64> = kept.iter().map(|&i| gone.iter().map(|&j| row(i)[j] * before[j]).sum()).collect();
        let mut square: Vec<f64> = kept.iter().flat_map(|&i| kept.iter().map(move |&j| row(i)[j])).collect();
        (0..kept.len()).for_each(|i| square[i * kept.len() + i] += self.ridge);
        // Where no input varies, nothing has to change but the bias.
        if self.ridge > 0.0 {
            solve(&mut square, &mut change)?;
        }
        let mut after = vec![0.0; len];
        kept.iter().zip(change).for_each(|(&i, change)| after[i] = before[i] + change);
        let after: Vec<f32> = after.into_iter().map(|value| value as f32).collect();
        let lost = before.iter().zip(&after).map(|(before, after)| before - f64::from(*after));
        let added = lost.zip(&self.mean).map(|(lost, mean)| lost * mean).sum::<f64>() as f32;
        (added.is_finite() && after.iter().all(|value| value.is_finite())).then_some((after, added))
    }
}

/// Solves `A x = b` for a symmetric positive definite `A` by its Cholesky factor, both in place; `None` if `A` is none.
///
/// Source: Golub and Van Loan, Matrix Computations, section 4.2.
fn solve(a: &mut [f64], b: &mut [f64]) -> Option<()> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let (above, from_i) = a.split_at(i * n);
            let row = if i == j { &from_i[..j] } else { &above[j * n..][..j] };
            let rest = from_i[j] - from_i[..j].iter().zip(row).map(|(x, y)| x * y).sum::<f64>();
            a[i * n + j] = if i == j { Some(rest).filter(|rest| *rest > 0.0)?.sqrt() } else { rest / a[j * n + j] };
        }
    }
    for i in 0..n {
        let known: f64 = a[i * n..][..i].iter().zip(&b[..i]).map(|(l, x)| l * x).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let mut a = vec![4.0, 2.0, -1.0, 2.0, 5.0, 0.5, -1.0, 0.5, 3.0];
        let (copy, x) = (a.clone(), [1.0, -2.0, 0.25]);
        let mut b: Vec<f64> = copy.chunks(3).map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect();
        solve(&mut a, &mut b).unwrap();
        assert!(b.iter().zip(x).all(|(found, x)| (found - x).abs() < 1e-12), "{b:?}");
        assert_eq!(solve(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0]), None, "not positive definite");
    }

    /// Two inputs that go together: one can stand for the other, and the bias takes the means.
    #[test]
    fn a_weight_takes_over_what_its_twin_did() {
        let covariance = vec![1.0, 1.0, 1.0, 1.0];
        let patches = Patches { mean: vec![3.0, 5.0], covariance, ridge: 1e-9 };
        let (after, added) = patches.fitted(&[0.25, 0.5], &[true, false]).unwrap();
        assert!((after[0] - 0.75).abs() < 1e-6 && after[1] == 0.0, "{after:?}");
        assert!((added - (0.5 * 5.0 - 0.5 * 3.0)).abs() < 1e-5, "{added}");
        let (none, added) = patches.fitted(&[0.25, 0.5], &[false, false]).unwrap();
        assert_eq!((none, added), (vec![0.0, 0.0], 3.25));
    }
}
