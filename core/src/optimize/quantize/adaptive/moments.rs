//! What the error of a layer's output depends on: second moments of what its window sees.
//!
//! With `x` a row that the quantized network sees, `y` what the float layer makes of the float network's row and `v` the weights
//! that integers stand for, the mean squared error is `E (v·x - y)² = vᵀ E[x xᵀ] v - 2 vᵀ E[x y] + E[y²]`. Where the bias is free
//! it takes the error's mean, and moments are those about the means. All sums are of double precision and in the order of the
//! rows.

use rayon::prelude::*;

use crate::optimize::windows::Windows;

/// Rows of one layer at most; of more, so many are taken, evenly spread. Moments of some thousand values settle before.
const MAX_ROWS: usize = 16 << 10;

/// Rows of the second moments that one task sums up: they stay in the cache while all samples pass.
const TILE: usize = 8;

/// What one group of output channels sees.
pub(super) struct Rows {
    /// Values of one row.
    pub len: usize,
    /// In the quantized network, `[rows, len]`.
    pub seen: Vec<f32>,
    /// In the float network, likewise.
    pub float: Vec<f32>,
}

impl Rows {
    /// Those of a group over all samples, which both networks were run on.
    pub fn of(windows: &Windows, group: usize, seen: &[f32], float: &[f32]) -> Self {
        let (len, image_len, n_places) = (windows.row_len(), windows.image_len(), windows.n_places());
        let all = seen.len() / image_len.max(1) * n_places;
        let n_rows = all.min(MAX_ROWS);
        let rows = |values: &[f32]| {
            let mut rows = Vec::with_capacity(n_rows * len);
            for row in (0..n_rows).map(|row| row * all / n_rows) {
                let image = &values[row / n_places * image_len..][..image_len];
                windows.push_row(image, row % n_places, group, &mut rows);
            }
            rows
        };
        Self { len, seen: rows(seen), float: rows(float) }
    }

    /// What weights make of each row of the float network.
    pub fn outputs(&self, weights: &[f32]) -> Vec<f64> {
        let product = |row: &[f32]| row.iter().zip(weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        self.float.chunks_exact(self.len).map(product).collect()
    }

    /// Means of the values seen, each row counting with its share.
    pub fn means(&self, shares: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.len];
        for (row, share) in self.seen.chunks_exact(self.len).zip(shares) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += share * f64::from(*x));
        }
        sums
    }

    /// Second moments about `centre`, `[len, len]`.
    pub fn second(&self, shares: &[f64], centre: &[f64]) -> Vec<f64> {
        let n = self.len;
        let mut moments = vec![0.0; n * n];
        moments.par_chunks_mut(TILE * n).enumerate().for_each(|(tile, moments)| {
            let mut centred = vec![0.0; n];
            for (row, share) in self.seen.chunks_exact(n).zip(shares).filter(|(_, share)| **share > 0.0) {
                for ((to, x), mean) in centred.iter_mut().zip(row).zip(centre) {
                    *to = f64::from(*x) - mean;
                }
                for (i, moments) in moments.chunks_exact_mut(n).enumerate() {
                    let x = share * centred[tile * TILE + i];
                    if x != 0.0 {
                        moments.iter_mut().zip(&centred).for_each(|(sum, y)| *sum += x * y);
                    }
                }
            }
        });
        moments
    }

    /// Moments of the values seen with those of `outputs`, which are about their own mean.
    pub fn cross(&self, shares: &[f64], centre: &[f64], outputs: &[f64]) -> Vec<f64> {
        let mut moments = vec![0.0; self.len];
        for ((row, share), output) in self.seen.chunks_exact(self.len).zip(shares).zip(outputs) {
            let factor = share * output;
            for ((sum, x), mean) in moments.iter_mut().zip(row).zip(centre) {
                *sum += factor * (f64::from(*x) - mean);
            }
        }
        moments
    }
}
