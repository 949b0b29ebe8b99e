//! A histogram that may grow in any order and comes out the same.
//!
//! Bins are `2^exponent` wide and bin 0 begins at zero, so coarser bins are unions of finer ones:
//!
//! ```text
//! width 1   | -2 | -1 |  0 |  1 |  2 |  3 |
//! width 2   |   -1    |    0    |    1    |
//! ```
//!
//! The width is the least power of two for which all values fit; it depends on the largest magnitude only. Histograms of parts
//! of the data therefore merge to the histogram of the whole, exactly, whatever the parts are.

/// Bins on each side of zero.
const HALF: usize = 2048;

/// The narrowest bins: below this everything is zero for a quantizer's purposes.
const MIN_EXPONENT: i32 = -100;

/// Counts of values in [`Histogram::width`]-wide bins around zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    exponent: i32,
    /// Bin `i` counts values in `[(i - HALF) * width, (i - HALF + 1) * width)`.
    counts: Vec<u64>,
    /// Values that are exactly zero; they are in the bins too.
    zeros: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { exponent: MIN_EXPONENT, counts: vec![0; 2 * HALF], zeros: 0 }
    }
}

impl Histogram {
    /// Real width of a bin: a power of two.
    pub fn width(&self) -> f64 {
        f64::from(self.exponent).exp2()
    }

    /// All values counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Values counted that are exactly zero: those behind a ReLU are half of all.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Bins that are not empty at both ends, in ascending order: lower edge and count.
    pub fn bins(&self) -> impl DoubleEndedIterator<Item = (f64, u64)> + '_ {
        let first = self.counts.iter().position(|&n| n > 0).unwrap_or(HALF);
        let end = self.counts.iter().rposition(|&n| n > 0).map_or(first, |last| last + 1);
        (first..end).map(|i| ((i as f64 - HALF as f64) * self.width(), self.counts[i]))
    }

    /// Counts `values`, whose largest magnitude is `magnitude`. Values that are not finite are the caller's to refuse.
    pub fn add(&mut self, values: &[f32], magnitude: f32) {
        self.coarsen(exponent_for(magnitude));
        // Exact: a power of two.
        let per_bin = (-self.exponent as f32).exp2();
        let mut zeros = 0;
        // Two tables, in turns: neighbours often fall into the same bin, and a count that was just written is slow to read.
        let mut tables = [[0u32; 2 * HALF]; 2];
        for values in values.chunks(1 << 16) {
            let mut halves = values.chunks_exact(8);
            for eight in &mut halves {
                let mut bins = [0usize; 8];
                for (bin, &x) in bins.iter_mut().zip(eight) {
                    *bin = bin_of(x, per_bin);
                    zeros += u64::from(x == 0.0);
                }
                for (i, bin) in bins.into_iter().enumerate() {
                    tables[i % 2][bin] += 1;
                }
            }
            for &x in halves.remainder() {
                tables[0][bin_of(x, per_bin)] += 1;
                zeros += u64::from(x == 0.0);
            }
            for table in &mut tables {
                self.counts.iter_mut().zip(table).for_each(|(count, n)| *count += u64::from(std::mem::take(n)));
            }
        }
        self.zeros += zeros;
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.coarsen(other.exponent);
        let shift = self.exponent - other.exponent;
        for (i, &n) in other.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            self.counts[coarser(i, shift)] += n;
        }
        self.zeros += other.zeros;
    }

    /// Makes bins at least `2^exponent` wide.
    fn coarsen(&mut self, exponent: i32) {
        if exponent <= self.exponent {
            return;
        }
        let shift = exponent - self.exponent;
        let finer = std::mem::replace(&mut self.counts, vec![0; 2 * HALF]);
        for (i, n) in finer.into_iter().enumerate() {
            self.counts[coarser(i, shift)] += n;
        }
        self.exponent = exponent;
    }
}

/// Bin of a value in bins `1 / per_bin` wide.
fn bin_of(x: f32, per_bin: f32) -> usize {
    // Rounded down by hand: `floor` is a library call on processors of the least common kind.
    let scaled = x * per_bin;
    let truncated = scaled as i32;
    let index = truncated - i32::from(truncated as f32 > scaled);
    (index + HALF as i32).clamp(0, 2 * HALF as i32 - 1) as usize
}

/// Bin `i` after bins became `2^shift` times as wide.
fn coarser(i: usize, shift: i32) -> usize {
    // Beyond 31 doublings every bin is one of the two around zero.
    let index = (i as i64 - HALF as i64) >> shift.clamp(0, 31);
    (index + HALF as i64) as usize
}

/// The least exponent for which `magnitude` lies in a bin.
fn exponent_for(magnitude: f32) -> i32 {
    let mut exponent = MIN_EXPONENT;
    if magnitude > 0.0 && magnitude.is_finite() {
        // `magnitude < 2^(floor(log2) + 1) = HALF * 2^exponent`.
        exponent = (f64::from(magnitude).log2().floor() as i32 + 1 - HALF.ilog2() as i32).max(MIN_EXPONENT);
    }
    exponent
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add(values, values.iter().fold(0.0, |m: f32, x| m.max(x.abs())));
        histogram
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_whole(values in proptest::collection::vec(-1e6f32..1e6, 1..300), cut in 0usize..300, small in 1e-6f32..1.0) {
            let values: Vec<f32> = values.iter().enumerate().map(|(i, x)| if i % 3 == 0 { x * small } else { *x }).collect();
            let (a, b) = values.split_at(cut.min(values.len()));
            let mut merged = histogram(a);
            merged.merge(&histogram(b));
            prop_assert_eq!(&merged, &histogram(&values));
            prop_assert_eq!(merged.total(), values.len() as u64);
        }

        #[test]
        fn values_lie_in_their_bins(x in -1e30f32..1e30) {
            let histogram = histogram(&[x]);
            let (low, n) = histogram.bins().next().unwrap();
            prop_assert_eq!(n, 1);
            prop_assert!(low <= f64::from(x) && f64::from(x) < low + histogram.width());
        }
    }

    #[test]
    fn a_range_takes_at_least_half_of_its_side() {
        let histogram = histogram(&[0.0, 0.0, 3.3]);
        assert_eq!(histogram.zeros(), 2);
        assert!(3.3 / histogram.width() >= 1024.0);
    }
}
