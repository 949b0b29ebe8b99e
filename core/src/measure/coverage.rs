//! On how few samples the ranges of a model's tensors hang, and which samples cover them.
//!
//! A range that a single sample sets is a guess: another recording might go beyond it, or that one is an outlier which costs all
//! others their resolution.

use crate::graph::TensorId;

/// A sample reaches an end of a range if it comes within this part of the range's width to it.
const OUTER: f32 = 0.05;

/// A range that fewer samples reach than this hangs on them.
pub const FEW: usize = 3;

/// So many samples are named at each end.
const NAMED: usize = 4;

/// Lowest and highest value of each sample of one tensor, in the order of the samples.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Which tensor.
    pub tensor: TensorId,
    /// `[samples]`.
    pub ranges: &'a [(f32, f32)],
}

/// One end of a tensor's range.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The extreme value.
    pub value: f32,
    /// How many samples come within 5 % of the range's width to it, at least 1.
    pub n_reaching: usize,
    /// The first four of these samples, the most extreme first.
    pub reached_by: Vec<usize>,
    /// Where the range would end without the sample that sets it; equal to `value` if another one goes as far.
    pub without: f32,
}

/// What the range of one tensor hangs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Which tensor.
    pub tensor: TensorId,
    /// Its lower end.
    pub low: End,
    /// Its upper end.
    pub high: End,
}

impl End {
    /// Whether fewer than [`FEW`] samples reach it. Activations clamped at zero have a lower end that nothing could move: that is none.
    pub fn hangs_on_few(&self) -> bool {
        self.n_reaching < FEW && self.value != 0.0
    }
}

impl Coverage {
    /// Whether one of its ends does.
    pub fn hangs_on_few(&self) -> bool {
        self.low.hangs_on_few() || self.high.hangs_on_few()
    }

    /// What part of the width would go with the one sample that goes furthest, 0 to 1.
    pub fn at_stake(&self) -> f32 {
        let width = self.high.value - self.low.value;
        let lost = (self.low.without - self.low.value).max(self.high.value - self.high.without);
        if width > 0.0 { lost / width } else { 0.0 }
    }
}

/// What each range hangs on, that which is most at stake first. Tensors that no sample was seen of, and constant ones, are left
/// out.
pub fn coverage<'a>(seen: impl IntoIterator<Item = Seen<'a>>) -> Vec<Coverage> {
    let mut all: Vec<Coverage> = seen.into_iter().filter_map(of_tensor).collect();
    all.sort_by(|a, b| b.at_stake().total_cmp(&a.at_stake()).then(a.tensor.cmp(&b.tensor)));
    all
}

fn of_tensor(seen: Seen<'_>) -> Option<Coverage> {
    let (low, high) = hull(seen.ranges.iter().copied())?;
    let near = (high - low) * OUTER;
    if near <= 0.0 || !near.is_finite() {
        return None;
    }
    // Distances of each sample from either end, at least 0.
    let end = |value: f32, inwards: f32, of: &dyn Fn(&(f32, f32)) -> f32| {
        let mut order: Vec<(f32, usize)> = seen.ranges.iter().map(|range| (of(range) - value) * inwards).zip(0..).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let n_reaching = order.iter().take_while(|(distance, _)| *distance <= near).count();
        let without = order.get(1).map_or(value, |(_, sample)| of(&seen.ranges[*sample]));
        let reached_by = order.iter().take(n_reaching.min(NAMED)).map(|(_, sample)| *sample).collect();
        End { value, n_reaching, reached_by, without }
    };
    Some(Coverage { tensor: seen.tensor, low: end(low, 1.0, &|range| range.0), high: end(high, -1.0, &|range| range.1) })
}

/// The range that holds all ranges; `None` of none, or if one is not finite.
fn hull(ranges: impl Iterator<Item = (f32, f32)>) -> Option<(f32, f32)> {
    ranges.fold(None, |hull, (low, high)| match hull {
        None => Some((low, high)),
        Some((a, b)) => Some((low.min(a), high.max(b))),
    })
}

/// `count` samples whose ranges together come closest to those of all samples: one after another that which widens the covered
/// ranges most, measured in parts of each tensor's width. In the order in which they were chosen. Once nothing can be widened the
/// first that are left fill up. Work: `count` x samples x tensors.
///
/// # Panics
/// Tensors that were seen with different numbers of samples.
pub fn covering(seen: &[Seen<'_>], count: usize) -> Vec<usize> {
    let n_samples = seen.first().map_or(0, |seen| seen.ranges.len());
    assert!(seen.iter().all(|seen| seen.ranges.len() == n_samples), "every tensor is seen with every sample");
    let whole: Vec<(&Seen<'_>, f64)> = seen
        .iter()
        .filter_map(|seen| hull(seen.ranges.iter().copied()).map(|(low, high)| (seen, f64::from(high) - f64::from(low))))
        .filter(|(_, width)| *width > 0.0 && width.is_finite())
        .collect();
    let mut covered: Vec<Option<(f32, f32)>> = vec![None; whole.len()];
    let mut left: Vec<usize> = (0..n_samples).collect();
    let mut chosen = Vec::with_capacity(count.min(n_samples));
    while chosen.len() < count && !left.is_empty() {
        let gain = |sample: usize| -> f64 {
            let gains = whole.iter().zip(&covered).map(|((seen, width), covered)| {
                let (low, high) = seen.ranges[sample];
                // Nothing is covered by a point in the middle of the first range.
                let (a, b) = covered.unwrap_or((low, low));
                (f64::from(a - low).max(0.0) + f64::from(high - b).max(0.0)) / width
            });
            gains.sum::<f64>()
        };
        let gains: Vec<f64> = left.iter().map(|&sample| gain(sample)).collect();
        // The first of the best, so that the choice does not hang on how the search goes.
        let best = (0..left.len()).fold(0, |best, at| if gains[at] > gains[best] { at } else { best });
        if !chosen.is_empty() && gains[best] == 0.0 {
            chosen.extend(left.drain(..).take(count - chosen.len()));
            break;
        }
        let sample = left.remove(best);
        for ((seen, _), covered) in whole.iter().zip(&mut covered) {
            *covered = hull(covered.iter().copied().chain([seen.ranges[sample]]));
        }
        chosen.push(sample);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tensor: u32, ranges: &[(f32, f32)]) -> Seen<'_> {
        Seen { tensor: TensorId(tensor), ranges }
    }

    #[test]
    fn a_range_that_one_sample_sets_comes_first() {
        let firm = [(-1.0, 1.0), (-0.98, 1.0), (-1.0, 0.97)];
        let lone = [(-1.0, 1.0), (-1.0, 9.0), (-1.0, 1.1), (-1.0, 1.0), (-1.0, 1.0)];
        let all = coverage([seen(3, &firm), seen(5, &lone), seen(6, &[(2.0, 2.0); 3])]);
        assert_eq!(all.iter().map(|c| c.tensor.0).collect::<Vec<_>>(), [5, 3], "the constant one is left out");
        let high = &all[0].high;
        assert_eq!((high.value, high.n_reaching, high.reached_by.as_slice(), high.without), (9.0, 1, &[1][..], 1.1));
        assert_eq!((all[0].low.n_reaching, all[0].low.reached_by.len()), (5, NAMED));
        assert!((all[0].at_stake() - 0.79).abs() < 1e-6);
        assert!(all[0].hangs_on_few() && !all[1].hangs_on_few());
        // Clamped at zero by all but the one that is higher: only its upper end hangs on it.
        let clamped = &coverage([seen(7, &[(0.0, 1.0), (0.5, 9.0), (0.5, 1.0)])])[0];
        assert_eq!((clamped.low.n_reaching, clamped.low.hangs_on_few(), clamped.high.hangs_on_few()), (1, false, true));
        assert_eq!(all[1].at_stake(), 0.0);
    }

    #[test]
    fn few_samples_cover_what_all_do() {
        // Sample 2 has the whole of the first tensor, sample 4 the upper end of the second, sample 1 its lower end.
        let first = [(0.0, 1.0), (0.0, 1.0), (-4.0, 4.0), (0.0, 1.0), (0.0, 2.0)];
        let second = [(0.0, 1.0), (-3.0, 0.0), (0.0, 1.0), (0.0, 1.0), (0.0, 5.0)];
        let seen = [seen(0, &first), seen(1, &second)];
        let chosen = covering(&seen, 3);
        assert_eq!(chosen, [2, 4, 1]);
        for tensor in seen {
            assert_eq!(hull(chosen.iter().map(|&i| tensor.ranges[i])), hull(tensor.ranges.iter().copied()));
        }
        assert_eq!(covering(&seen, 9).len(), 5);
        assert!(covering(&[], 3).is_empty());
    }
}
