//! Offsets of activations in the host's arena: tensors that are alive at the same time do not overlap.
//!
//! This is the host's own plan, made to be quick. The device's plan, which the studio reports, lives in `measure`.

use super::memory::ALIGNMENT;
use super::program::Span;

/// An offset for each span, multiples of [`ALIGNMENT`], and the bytes that all take; `None` beyond `limit`.
///
/// First fit, largest first.
pub(super) fn plan(spans: &[Span], limit: usize) -> Option<(Vec<usize>, usize)> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(spans[*index].bytes), *index));
    let mut offsets = vec![0; spans.len()];
    // Placed spans, by offset.
    let mut placed: Vec<usize> = Vec::with_capacity(spans.len());
    let mut total = 0;
    for index in order {
        let span = spans[index];
        let len = aligned(span.bytes, limit)?;
        let mut offset = 0;
        for other in &placed {
            let (start, end) = (offsets[*other], offsets[*other] + aligned(spans[*other].bytes, limit)?);
            let together = spans[*other].first <= span.last && span.first <= spans[*other].last;
            if together && start < offset + len {
                offset = offset.max(end);
            }
        }
        offsets[index] = offset;
        total = total.max(offset + len);
        if total > limit {
            return None;
        }
        let at = placed.partition_point(|other| offsets[*other] <= offset);
        placed.insert(at, index);
    }
    Some((offsets, total))
}

fn aligned(bytes: usize, limit: usize) -> Option<usize> {
    (bytes <= limit).then(|| bytes.next_multiple_of(ALIGNMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn living_tensors_do_not_overlap() {
        let mut seed = 7_u64;
        let mut next = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((seed >> 33) % n) as usize
        };
        for _ in 0..200 {
            let spans: Vec<Span> = (0..next(20))
                .map(|_| {
                    let first = next(10);
                    Span { first, last: first + next(4), bytes: next(1000) }
                })
                .collect();
            let (offsets, total) = plan(&spans, 1 << 20).unwrap();
            for (i, a) in spans.iter().enumerate() {
                assert!(offsets[i] % ALIGNMENT == 0 && offsets[i] + a.bytes <= total);
                for (j, b) in spans.iter().enumerate().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
                    assert!(!together || apart, "{a:?} {b:?}");
                }
            }
        }
        assert_eq!(plan(&[Span { first: 0, last: 0, bytes: 100 }], 99), None);
    }
}
