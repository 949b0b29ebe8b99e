//! The discrete cosine transform that turns log-mel bands into cepstral coefficients.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::mfcc::CosineScale;

/// Rows of the DCT-II, `[n_coefficients, n]`: `row[k][i] = s(k) * cos(pi / n * (i + 1/2) * k)`, where `s(k) = sqrt(2/n)`,
/// and `s(0)` is as [`CosineScale`] says.
pub(super) fn dct_rows(n_coefficients: usize, n: usize, scale: CosineScale) -> Vec<f32> {
    let mut rows = Vec::with_capacity(n_coefficients * n);
    for k in 0..n_coefficients {
        let first = match scale {
            CosineScale::Orthonormal if k == 0 => FRAC_1_SQRT_2,
            CosineScale::Orthonormal | CosineScale::TensorFlow => 1.0,
        };
        let scale = first * (2.0 / n as f64).sqrt();
        rows.extend((0..n).map(|i| (scale * (PI / n as f64 * (i as f64 + 0.5) * k as f64).cos()) as f32));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_orthonormal() {
        let n = 40;
        let rows = dct_rows(n, n, CosineScale::Orthonormal);
        for (a, row_a) in rows.chunks(n).enumerate() {
            for (b, row_b) in rows.chunks(n).enumerate() {
                let dot: f32 = row_a.iter().zip(row_b).map(|(x, y)| x * y).sum();
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((dot - expected).abs() < 1e-5, "rows {a} and {b}: {dot}");
            }
        }
    }
}
