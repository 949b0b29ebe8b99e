//! What the inspector says of a constant: its distribution in real units and in codes, and the range of each channel.
//!
//! Integers are treated as what they stand for: a zero is the zero point of its own channel, a range is in real units. Two
//! passes over the values, in parallel; the result does not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use crate::tensor::{Data, ElementType, Tensor};

/// Values handled by one task. Sums are added task by task in order, so this is part of the result's last bits.
const CHUNK: usize = 1 << 16;

/// More channels than any layer has are not told apart: their figures would take more memory than the values.
const MAX_CHANNELS: usize = 1 << 14;

/// Statistics of a constant tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightStats {
    /// Number of values.
    pub n: usize,
    /// Values that are infinite or not a number; they are in no other figure.
    pub n_non_finite: usize,
    /// Values that stand for 0.0, zero points of each channel respected.
    pub n_zero: usize,
    /// Smallest, real units.
    pub min: f32,
    /// Largest, real units.
    pub max: f32,
    /// Mean, real units.
    pub mean: f64,
    /// Standard deviation, real units.
    pub deviation: f64,
    /// Distribution in real units.
    pub histogram: Histogram,
    /// Distribution of the integers themselves, for types of at most 8 bits.
    pub codes: Option<CodeStats>,
    /// Each channel, in order; one for the whole tensor if there are no channels.
    pub channels: Vec<ChannelStats>,
    /// Indices of the channels, narrowest range first.
    pub by_range: Vec<usize>,
    /// Bits that the median channel loses if one scale has to serve the whole tensor: `log2` of the largest magnitude of
    /// the tensor over that of the median channel. 0 without channels.
    pub wasted_bits: f64,
}

/// Counts in bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub low: f32,
    /// Upper edge of the last bin, which it includes.
    pub high: f32,
    /// Values in each bin.
    pub counts: Vec<u64>,
}

/// How the codes of an integer type are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeStats {
    /// The lowest code of the type; `counts[0]` is its count.
    pub low: i32,
    /// Values at each code.
    pub counts: Vec<u64>,
    /// Codes between the lowest and the highest used that no value has.
    pub n_unused: usize,
    /// Lowest code that a value has.
    pub lowest_used: i32,
    /// Highest code that a value has.
    pub highest_used: i32,
    /// Values at the lower end: at `-max`, or below, for types with a sign (symmetric quantization leaves `-max - 1` out).
    pub n_saturated_low: u64,
    /// Values at the type's largest code.
    pub n_saturated_high: u64,
}

/// Range of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelStats {
    /// Smallest, real units.
    pub min: f32,
    /// Largest, real units.
    pub max: f32,
    /// Values that stand for 0.0.
    pub n_zero: usize,
    /// Values.
    pub n: usize,
    /// The magnitude lies beyond the third quartile of all channels by more than 1.5 times the distance between the quartiles
    /// (Tukey's fence): it alone widens a scale for the whole tensor.
    pub is_outlier: bool,
}

impl ChannelStats {
    /// The largest magnitude: what a symmetric scale has to reach.
    pub fn magnitude(&self) -> f32 {
        self.min.abs().max(self.max.abs())
    }

    /// Fraction of the values that stand for 0.0.
    pub fn sparsity(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.n_zero as f64 / self.n as f64 }
    }
}

impl WeightStats {
    /// Fraction of all values that stand for 0.0.
    pub fn sparsity(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.n_zero as f64 / self.n as f64 }
    }
}

/// Statistics of `tensor` with channels along `channel_axis` and `n_bins` bins; `None` if it has no values or is of a type
/// that is not computed with.
pub fn weight_stats(tensor: &Tensor, channel_axis: Option<usize>, n_bins: usize) -> Option<WeightStats> {
    let data = tensor.data.as_ref().filter(|d| !d.is_empty() && !matches!(d, Data::Other(..)))?;
    let channels = Channels::of(tensor, channel_axis, data.len());
    let parts: Vec<Part> = chunks(data.len()).map(|range| Part::of(tensor, data, &channels, range)).collect();
    let sum = parts.into_iter().reduce(Part::join)?;
    let (min, max) = sum.channels.iter().fold(EMPTY, |(lo, hi), c| (lo.min(c.min), hi.max(c.max)));
    let n_finite = (data.len() - sum.n_non_finite).max(1) as f64;
    let mean = sum.sum / n_finite;
    let (min, max) = if min <= max { (min, max) } else { (0.0, 0.0) };
    let mut stats = WeightStats {
        n: data.len(),
        n_non_finite: sum.n_non_finite,
        n_zero: sum.channels.iter().map(|c| c.n_zero).sum(),
        min,
        max,
        mean,
        deviation: (sum.squares / n_finite - mean * mean).max(0.0).sqrt(),
        histogram: histogram(tensor, data, min, max, n_bins.max(1)),
        codes: codes(data),
        by_range: Vec::new(),
        wasted_bits: 0.0,
        channels: sum.channels,
    };
    rank_channels(&mut stats);
    Some(stats)
}

/// Which channel a position belongs to: `position / inner % n`.
struct Channels {
    n: usize,
    inner: usize,
}

impl Channels {
    fn of(tensor: &Tensor, axis: Option<usize>, len: usize) -> Self {
        let whole = Self { n: 1, inner: len.max(1) };
        let Some(axis) = axis.filter(|&a| a < tensor.shape.len()) else { return whole };
        let n = tensor.shape[axis];
        let inner = tensor.shape[axis + 1..].iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        match inner {
            // A shape that does not fit its values (only before the graph check) has no channels.
            Some(inner) if (1..=MAX_CHANNELS).contains(&n) && inner > 0 && len.is_multiple_of(n.saturating_mul(inner)) => {
                Self { n, inner }
            }
            _ => whole,
        }
    }

    /// Runs of positions in `range` that belong to one channel, with the channel.
    fn runs(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
        let (n, inner) = (self.n, self.inner);
        let mut start = range.start;
        std::iter::from_fn(move || {
            let channel = start / inner;
            let run = start..range.end.min((channel + 1) * inner);
            start = run.end;
            (!run.is_empty()).then_some((channel % n, run))
        })
    }
}

fn chunks(len: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..len.div_ceil(CHUNK)).into_par_iter().map(move |i| i * CHUNK..((i + 1) * CHUNK).min(len))
}

/// The values at `range` in real units.
fn reals(tensor: &Tensor, data: &Data, range: Range<usize>) -> Vec<f32> {
    let mut reals = Vec::with_capacity(range.len());
    // Scales belong to the quantization's own axis, which is nearly always that of the channels.
    let quantization = tensor.quantization.as_ref();
    let scales = Channels::of(tensor, quantization.and_then(|q| q.axis), data.len());
    for (channel, run) in scales.runs(range) {
        let (scale, zero) = quantization.map_or((1.0, 0), |q| (f64::from(q.scale_of(channel)), q.zero_point_of(channel).into()));
        let real = |q: i64| (q.wrapping_sub(zero) as f64 * scale) as f32;
        match data {
            Data::F32(v) => reals.extend_from_slice(&v[run]),
            Data::F16(v) => reals.extend(v[run].iter().map(|&bits| half::f16::from_bits(bits).to_f32())),
            Data::I4(v) | Data::I8(v) => reals.extend(v[run].iter().map(|&q| real(q.into()))),
            Data::U8(v) | Data::Bool(v) => reals.extend(v[run].iter().map(|&q| real(q.into()))),
            Data::I16(v) => reals.extend(v[run].iter().map(|&q| real(q.into()))),
            Data::I32(v) => reals.extend(v[run].iter().map(|&q| real(q.into()))),
            Data::I64(v) => reals.extend(v[run].iter().map(|&q| real(q))),
            Data::Other(..) => {}
        }
    }
    reals
}

const EMPTY: (f32, f32) = (f32::INFINITY, f32::NEG_INFINITY);

/// Figures of a run of values.
struct Part {
    n_non_finite: usize,
    sum: f64,
    squares: f64,
    channels: Vec<ChannelStats>,
}

impl Part {
    fn of(tensor: &Tensor, data: &Data, channels: &Channels, range: Range<usize>) -> Self {
        let none = ChannelStats { min: EMPTY.0, max: EMPTY.1, n_zero: 0, n: 0, is_outlier: false };
        let mut part = Self { n_non_finite: 0, sum: 0.0, squares: 0.0, channels: vec![none; channels.n] };
        let start = range.start;
        let values = reals(tensor, data, range.clone());
        for (index, run) in channels.runs(range) {
            let run = &values[run.start - start..run.end - start];
            let mut channel = part.channels[index];
            channel.n += run.len();
            for &value in run.iter().filter(|v| v.is_finite()) {
                part.sum += f64::from(value);
                part.squares += f64::from(value) * f64::from(value);
                channel.n_zero += usize::from(value == 0.0);
                (channel.min, channel.max) = (channel.min.min(value), channel.max.max(value));
            }
            part.n_non_finite += run.iter().filter(|v| !v.is_finite()).count();
            part.channels[index] = channel;
        }
        part
    }

    fn join(mut self, other: Self) -> Self {
        self.n_non_finite += other.n_non_finite;
        self.sum += other.sum;
        self.squares += other.squares;
        for (a, b) in self.channels.iter_mut().zip(other.channels) {
            *a = ChannelStats { min: a.min.min(b.min), max: a.max.max(b.max), n_zero: a.n_zero + b.n_zero, n: a.n + b.n, ..*a };
        }
        self
    }
}

fn histogram(tensor: &Tensor, data: &Data, low: f32, high: f32, n_bins: usize) -> Histogram {
    let width = (f64::from(high) - f64::from(low)) / n_bins as f64;
    let per_unit = if width > 0.0 { 1.0 / width } else { 0.0 };
    let count = |range: Range<usize>| {
        let mut counts = vec![0u64; n_bins];
        for value in reals(tensor, data, range).into_iter().filter(|v| v.is_finite()) {
            let bin = ((f64::from(value) - f64::from(low)) * per_unit) as usize;
            counts[bin.min(n_bins - 1)] += 1;
        }
        counts
    };
    let counts = chunks(data.len()).map(count).reduce(|| vec![0; n_bins], add);
    Histogram { low, high, counts }
}

fn add(mut a: Vec<u64>, b: Vec<u64>) -> Vec<u64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

fn codes(data: &Data) -> Option<CodeStats> {
    let (low, high) = data.element().integer_range().filter(|_| data.element().bits().is_some_and(|b| b <= 8))?;
    let n_codes = usize::try_from(high - low + 1).ok()?;
    let count = |range: Range<usize>| {
        let mut counts = vec![0u64; n_codes];
        let mut at = |code: i32| {
            // 4-bit values come one to an `i8`; what lies outside their range counts at the end.
            counts[(code.clamp(low, high) - low) as usize] += 1;
        };
        match data {
            Data::I4(v) | Data::I8(v) => v[range].iter().for_each(|&q| at(q.into())),
            Data::U8(v) => v[range].iter().for_each(|&q| at(q.into())),
            _ => {}
        }
        counts
    };
    let counts = chunks(data.len()).map(count).reduce(|| vec![0; n_codes], add);
    let first = counts.iter().position(|&n| n > 0)?;
    let last = counts.iter().rposition(|&n| n > 0)?;
    let signed = data.element() != ElementType::U8;
    Some(CodeStats {
        low,
        n_unused: counts[first..=last].iter().filter(|&&n| n == 0).count(),
        lowest_used: low + first as i32,
        highest_used: low + last as i32,
        n_saturated_low: counts[0] + if signed { counts[1] } else { 0 },
        n_saturated_high: counts[n_codes - 1],
        counts,
    })
}

/// Fills in the order of the channels, the outliers and the wasted bits.
fn rank_channels(stats: &mut WeightStats) {
    let magnitude: Vec<f32> = stats.channels.iter().map(|c| if c.min <= c.max { c.magnitude() } else { 0.0 }).collect();
    let mut order: Vec<usize> = (0..magnitude.len()).collect();
    order.sort_by(|&a, &b| magnitude[a].total_cmp(&magnitude[b]));
    let at = |quarter: usize| magnitude[order[(order.len() - 1) * quarter / 4]];
    let (first, median, third) = (at(1), at(2), at(3));
    let fence = third + 1.5 * (third - first);
    for (channel, &m) in stats.channels.iter_mut().zip(&magnitude) {
        channel.is_outlier = m > fence;
        if channel.min > channel.max {
            (channel.min, channel.max) = (0.0, 0.0);
        }
    }
    let widest = at(4);
    if median > 0.0 {
        stats.wasted_bits = f64::from(widest / median).log2();
    }
    stats.by_range = order;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::Quantization;

    #[test]
    fn zeros_respect_the_zero_point_of_their_channel() {
        let quantization =
            Quantization { scales: [0.5, 2.0].into(), zero_points: [3, -1].into(), axis: Some(0), asymmetric_inputs: false };
        let tensor = Tensor::constant("", [2, 3], Data::I8([3, 3, 5, 3, -1, 0].into())).quantized(quantization);
        let stats = weight_stats(&tensor, Some(0), 4).unwrap();
        assert_eq!(stats.channels.iter().map(|c| c.n_zero).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((stats.n_zero, stats.sparsity()), (3, 0.5));
        assert_eq!((stats.min, stats.max), (0.0, 8.0));
        assert_eq!(stats.mean, (1.0 + 8.0 + 2.0) / 6.0);
    }

    #[test]
    fn codes_between_the_ends_that_nobody_uses() {
        let tensor = Tensor::constant("", [5], Data::I8([-127, -127, 0, 2, 127].into()));
        let codes = weight_stats(&tensor, None, 8).unwrap().codes.unwrap();
        assert_eq!((codes.lowest_used, codes.highest_used, codes.n_unused), (-127, 127, 255 - 4));
        assert_eq!((codes.n_saturated_low, codes.n_saturated_high), (2, 1));
        assert_eq!(codes.counts[(2 - codes.low) as usize], 1);
    }

    #[test]
    fn a_wide_channel_wastes_the_bits_of_the_others() {
        let mut values = vec![0.25f32; 9];
        values.push(4.0);
        let tensor = Tensor::constant("", [1, 1, 1, 10], Data::F32(values.into()));
        let stats = weight_stats(&tensor, Some(3), 16).unwrap();
        assert_eq!(stats.wasted_bits, 4.0);
        assert_eq!(stats.channels.iter().filter(|c| c.is_outlier).count(), 1);
        assert_eq!(stats.by_range.last(), Some(&9));
        assert!(stats.codes.is_none());
    }

    #[test]
    fn histograms_count_every_finite_value() {
        let values: Vec<f32> = (0..200_000).map(|i| (i % 1000) as f32 - 500.0).chain([f32::NAN, f32::INFINITY]).collect();
        let tensor = Tensor::constant("", [values.len()], Data::F32(values.into()));
        let stats = weight_stats(&tensor, None, 10).unwrap();
        assert_eq!(stats.n_non_finite, 2);
        assert_eq!(stats.histogram.counts, [20_000; 10]);
        assert_eq!((stats.histogram.low, stats.histogram.high), (-500.0, 499.0));
        assert_eq!(stats, weight_stats(&tensor, None, 10).unwrap());
    }

    #[test]
    fn constants_and_odd_shapes_do_no_harm() {
        let flat = weight_stats(&Tensor::constant("", [3], Data::F32([2.0; 3].into())), Some(0), 5).unwrap();
        assert_eq!((flat.histogram.counts[0], flat.deviation), (3, 0.0));
        assert!(weight_stats(&Tensor::constant("", [0], Data::F32(Vec::new().into())), None, 5).is_none());
        assert!(weight_stats(&Tensor::activation("", ElementType::I8, [4]), None, 5).is_none());
        let misfit = Tensor::constant("", [3, 5], Data::I32([1, 2, 3, 4].into()));
        assert_eq!(weight_stats(&misfit, Some(1), 5).unwrap().channels.len(), 1);
        let nothing = weight_stats(&Tensor::constant("", [2], Data::F32([f32::NAN; 2].into())), Some(0), 5).unwrap();
        assert_eq!((nothing.min, nothing.max, nothing.n_non_finite), (0.0, 0.0, 2));
    }
}
