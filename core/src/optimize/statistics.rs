//! What calibration remembers of one activation, enough to derive every calibrator's range without running anything again.

use super::histogram::Histogram;
use crate::recipe::Calibrator;

/// Levels that an 8-bit activation has between the ends of its range.
const STEPS: f64 = 255.0;

/// Observed values of one activation.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Statistics {
    /// Lowest and highest value of each sample, in the order of the samples.
    pub sample_ranges: Vec<(f32, f32)>,
    /// All values.
    pub histogram: Histogram,
}

/// Lowest and highest of `values`; `None` if one of them is not finite.
pub(super) fn finite_range(values: &[f32]) -> Option<(f32, f32)> {
    // Sixteen lanes that know nothing of each other: the compiler turns them into vector instructions.
    let (mut low, mut high, mut odd) = ([f32::INFINITY; 16], [f32::NEG_INFINITY; 16], [0.0f32; 16]);
    let mut see = |values: &[f32; 16]| {
        for lane in 0..16 {
            let x = values[lane];
            low[lane] = if x < low[lane] { x } else { low[lane] };
            high[lane] = if x > high[lane] { x } else { high[lane] };
            // 0 for finite values; infinity and NaN make it NaN, for good.
            odd[lane] += x * 0.0;
        }
    };
    let (chunks, rest) = values.as_chunks();
    chunks.iter().for_each(&mut see);
    if let Some(&first) = rest.first() {
        let mut last = [first; 16];
        last[..rest.len()].copy_from_slice(rest);
        see(&last);
    }
    let finite = odd.iter().all(|x| *x == 0.0);
    finite.then(|| (low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max)))
}

impl Statistics {
    /// Lowest and highest value seen.
    pub fn min_max(&self) -> (f32, f32) {
        let start = (f32::INFINITY, f32::NEG_INFINITY);
        self.sample_ranges.iter().fold(start, |(low, high), r| (low.min(r.0), high.max(r.1)))
    }

    /// How many samples come within 5 % of the range's width to its lower and to its upper end. A single one means that an
    /// outlier decides the range: more calibration samples, or a clip, would help.
    pub fn samples_near_ends(&self) -> (usize, usize) {
        let (low, high) = self.min_max();
        let near = (high - low) * 0.05;
        let count = |pred: &dyn Fn(&(f32, f32)) -> bool| self.sample_ranges.iter().filter(|r| pred(r)).count();
        (count(&|r| r.0 <= low + near), count(&|r| r.1 >= high - near))
    }

    /// The range that a calibrator takes: always holds zero, lies within what was observed.
    pub fn range(&self, calibrator: Calibrator) -> (f32, f32) {
        let (low, high) = self.min_max();
        let (low, high) = (low.min(0.0), high.max(0.0));
        let (a, b) = match calibrator {
            Calibrator::MinMax => (low, high),
            Calibrator::MovingAverage { momentum } => self.moving_average(momentum),
            Calibrator::Percentile { keep } => self.percentile(keep, (low, high)),
            Calibrator::Mse => self.least_error((low, high)),
            Calibrator::Entropy => self.least_divergence((low, high)),
        };
        (a.clamp(low, 0.0), b.clamp(0.0, high))
    }

    /// `average <- momentum * average + (1 - momentum) * sample`, from the first sample on.
    fn moving_average(&self, momentum: f32) -> (f32, f32) {
        let update = |average: f32, x: f32| momentum * average + (1.0 - momentum) * x;
        let mut samples = self.sample_ranges.iter().copied();
        let first = samples.next().unwrap_or_default();
        samples.fold(first, |average, r| (update(average.0, r.0), update(average.1, r.1)))
    }

    /// Drops half of what is not kept at either end.
    fn percentile(&self, keep: f32, (low, high): (f32, f32)) -> (f32, f32) {
        let dropped = self.histogram.total() as f64 * (1.0 - f64::from(keep) / 100.0).clamp(0.0, 1.0) / 2.0;
        let width = self.histogram.width();
        let a = first_beyond(self.histogram.bins(), dropped).map_or(low, |edge| edge as f32);
        let b = first_beyond(self.histogram.bins().rev(), dropped).map_or(high, |edge| (edge + width) as f32);
        (a, b)
    }

    /// The range with the least expected squared error: `(x - end)²` for values beyond an end, `step² / 12` for those between
    /// (uniform rounding error), nothing for zeros, which are exact.
    fn least_error(&self, (low, high): (f32, f32)) -> (f32, f32) {
        let (above, below) = (self.excess(1.0), self.excess(-1.0));
        let n_rounded = (self.histogram.total() - self.histogram.zeros()) as f64;
        let cost = |a: f64, b: f64| {
            let step = (b - a) / STEPS;
            above.beyond(b) + below.beyond(-a) + n_rounded * step * step / 12.0
        };
        const FRACTIONS: i32 = 100;
        let fraction = |end: f32, i: i32| f64::from(end) * f64::from(i) / f64::from(FRACTIONS);
        let mut best = (f64::INFINITY, (low, high));
        for i in (1..=FRACTIONS).rev() {
            for j in (1..=FRACTIONS).rev() {
                let (a, b) = (fraction(low, i), fraction(high, j));
                let cost = cost(a, b);
                if cost < best.0 {
                    best = (cost, (a as f32, b as f32));
                }
                if low == 0.0 && high == 0.0 {
                    return (0.0, 0.0);
                }
            }
        }
        best.1
    }

    fn excess(&self, sign: f64) -> Excess {
        let half = self.histogram.width() / 2.0;
        let mut values: Vec<(f64, f64)> =
            self.histogram.bins().map(|(edge, n)| (sign * (edge + half), n as f64)).filter(|(x, _)| *x > 0.0).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sums = vec![[0.0; 3]; values.len() + 1];
        for (i, (x, n)) in values.iter().enumerate().rev() {
            let [s0, s1, s2] = sums[i + 1];
            sums[i] = [s0 + n, s1 + n * x, s2 + n * x * x];
        }
        Excess { values: values.into_iter().map(|(x, _)| x).collect(), sums }
    }

    /// The range whose 8-bit distribution `Q` diverges least from the observed one `P` clipped to it: `Σ P log(P / Q)`. First the
    /// upper end is looked for, then the lower.
    ///
    /// Source: Migacz, 8-bit inference with TensorRT, 2017, carried over to ranges of two sides.
    fn least_divergence(&self, (low, high): (f32, f32)) -> (f32, f32) {
        let bins: Vec<(f64, f64)> = self.histogram.bins().map(|(edge, n)| (edge, n as f64)).collect();
        let width = self.histogram.width();
        let (low, high) = (f64::from(low), f64::from(high));
        let best = |end: f64, divergence: &dyn Fn(f64) -> f64| {
            let mut best = (f64::INFINITY, end);
            for candidate in (1..=100).rev().map(|percent| end * f64::from(percent) / 100.0) {
                let divergence = divergence(candidate);
                if divergence < best.0 {
                    best = (divergence, candidate);
                }
            }
            best.1
        };
        let b = best(high, &|b| divergence(&bins, width, low, b));
        let a = best(low, &|a| divergence(&bins, width, a, b));
        (a as f32, b as f32)
    }
}

/// Lower edge of the first bin with which more than `dropped` values have been passed.
fn first_beyond(mut bins: impl Iterator<Item = (f64, u64)>, dropped: f64) -> Option<f64> {
    let mut seen = 0.0;
    bins.find(|(_, n)| {
        seen += *n as f64;
        seen > dropped
    })
    .map(|(edge, _)| edge)
}

/// Sums over the values on one side of zero, to find the cost of clipping at any of them at once.
struct Excess {
    /// Ascending magnitudes.
    values: Vec<f64>,
    /// For each value on: how many, their sum, the sum of their squares.
    sums: Vec<[f64; 3]>,
}

impl Excess {
    /// `Σ (x - end)²` over values beyond `end`.
    fn beyond(&self, end: f64) -> f64 {
        let [n, sum, squares] = self.sums[self.values.partition_point(|x| *x <= end)];
        (squares - 2.0 * end * sum + n * end * end).max(0.0)
    }
}

/// Kullback-Leibler divergence between `bins` clipped to `[a, b]` and their quantization to 256 levels there.
fn divergence(bins: &[(f64, f64)], width: f64, a: f64, b: f64) -> f64 {
    let inside = |edge: f64| edge + width > a && edge < b;
    let first = bins.iter().position(|(edge, _)| inside(*edge));
    let last = bins.iter().rposition(|(edge, _)| inside(*edge));
    let (Some(first), Some(last)) = (first, last) else { return f64::INFINITY };
    let kept = &bins[first..=last];
    // P: what lies outside is counted at the ends. Q is made of the inner counts alone, or it would never pay to clip.
    let mut p: Vec<f64> = kept.iter().map(|(_, n)| *n).collect();
    p[0] += bins[..first].iter().map(|(_, n)| n).sum::<f64>();
    if let Some(end) = p.last_mut() {
        *end += bins[last + 1..].iter().map(|(_, n)| n).sum::<f64>();
    }
    let step = (b - a) / STEPS;
    let level = |edge: f64| (((edge + width / 2.0 - a) / step).round() as usize).min(STEPS as usize);
    let mut levels = vec![(0.0, 0.0); STEPS as usize + 1];
    for (edge, n) in kept {
        let entry = &mut levels[level(*edge)];
        *entry = (entry.0 + n, entry.1 + f64::from(u8::from(*n > 0.0)));
    }
    let (p_total, q_total) = (p.iter().sum::<f64>(), kept.iter().map(|(_, n)| n).sum::<f64>());
    if p_total == 0.0 || q_total == 0.0 {
        return f64::INFINITY;
    }
    kept.iter()
        .zip(&p)
        .filter(|((_, n), p)| *n > 0.0 || **p > 0.0)
        .map(|((edge, n), p)| {
            let (sum, used) = levels[level(*edge)];
            // A level's counts are spread evenly over its bins that are not empty; an empty one gets next to nothing.
            let q = if *n > 0.0 { sum / used / q_total } else { 1e-9 };
            let p = p / p_total;
            if p > 0.0 { p * (p / q).ln() } else { 0.0 }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10,000 values like a bell of width 1, and one outlier, in 10 samples.
    fn bell(outlier: f32) -> Statistics {
        let mut statistics = Statistics::default();
        for sample in 0..10 {
            let mut values: Vec<f32> = (0..1000)
                .map(|i| {
                    // Sum of four uniform numbers, by a linear congruence.
                    let uniform =
                        |k: u32| ((i * 4 + k + sample * 4001).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5;
                    (0..4).map(uniform).sum::<f32>() * 1.7
                })
                .collect();
            if sample == 5 {
                values[7] = outlier;
            }
            let (low, high) = finite_range(&values).unwrap();
            statistics.sample_ranges.push((low, high));
            statistics.histogram.add(&values, low.abs().max(high.abs()));
        }
        statistics
    }

    #[test]
    fn min_max_takes_all_and_knows_that_one_sample_decides() {
        let statistics = bell(50.0);
        assert_eq!(statistics.range(Calibrator::MinMax).1, 50.0);
        assert_eq!(statistics.samples_near_ends().1, 1);
    }

    #[test]
    fn the_other_calibrators_leave_an_outlier_out() {
        let statistics = bell(50.0);
        let others = [Calibrator::MovingAverage { momentum: 0.9 }, Calibrator::Percentile { keep: 99.9 }, Calibrator::Entropy];
        for calibrator in others {
            let (low, high) = statistics.range(calibrator);
            assert!(high < 40.0 && low < -0.5 && high > 1.0, "{calibrator:?}: {low}..{high}");
        }
        // One value of 10,000, 50 away, costs as much as finer steps gain: the best range is between.
        let (low, high) = statistics.range(Calibrator::Mse);
        assert!(high > 3.0 && high <= 50.0 && low < -0.5, "{low}..{high}");
    }

    #[test]
    fn least_error_is_least() {
        let statistics = bell(8.0);
        let error = |(low, high): (f32, f32)| -> f64 {
            let step = f64::from(high - low) / STEPS;
            let half = statistics.histogram.width() / 2.0;
            let cost = |(edge, n): (f64, u64)| {
                let x = edge + half;
                let rounded = (x.clamp(low.into(), high.into()) / step).round() * step;
                n as f64 * (x - rounded).powi(2)
            };
            statistics.histogram.bins().map(cost).sum()
        };
        let best = error(statistics.range(Calibrator::Mse));
        for range in [(-3.4, 8.0), (-3.4, 4.0), (-2.0, 2.0), (-3.0, 3.0)] {
            assert!(best <= error(range) * 1.05, "{best} but {range:?} has {}", error(range));
        }
    }

    #[test]
    fn ranges_hold_zero_and_lie_within_what_was_seen() {
        let mut statistics = Statistics::default();
        let values = [2.0, 3.0, 5.0];
        statistics.sample_ranges.push((2.0, 5.0));
        statistics.histogram.add(&values, 5.0);
        for calibrator in [Calibrator::MinMax, Calibrator::Percentile { keep: 100.0 }, Calibrator::Mse, Calibrator::Entropy] {
            let (low, high) = statistics.range(calibrator);
            assert!(low == 0.0 && high > 0.0 && high <= 5.0, "{calibrator:?}: {low}..{high}");
        }
    }

    #[test]
    fn odd_values_are_noticed() {
        assert_eq!(finite_range(&[1.0, -2.0, 0.5]), Some((-2.0, 1.0)));
        assert_eq!(finite_range(&[1.0, f32::NAN]), None);
        assert_eq!(finite_range(&[f32::INFINITY; 20]), None);
    }
}
