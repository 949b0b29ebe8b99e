//! Where the channels of a tensor lie: along one of its axes, one or several indices each.

use super::units::{Unit, Units};

/// The channels of an activation. What lies at index `i` of `axis` belongs to channel `units[i]`; a channel that is flattened with the
/// pixels of an image has many indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    pub axis: usize,
    pub units: Vec<Unit>,
}

impl Lanes {
    /// The channels of the same values along another axis: one of `n` indices with `inner` values each. `None` if an index would hold
    /// several channels.
    fn seen_along(&self, shape: &[usize], n: usize, inner: usize) -> Option<Vec<Unit>> {
        let (own_n, own_inner) = (self.units.len(), extent(&shape[self.axis + 1..]));
        if own_n == 0 || inner == 0 || !own_inner.is_multiple_of(inner) {
            return None;
        }
        // Value `i` belongs to channel `i / own_inner % own_n`, and lies at index `i / inner % n` there.
        let n_each = own_inner / inner;
        let repeats = n.is_multiple_of(own_n.checked_mul(n_each)?);
        let outermost = n.checked_mul(inner)? == extent(shape);
        (repeats || outermost).then(|| (0..n).map(|i| self.units[i / n_each % own_n]).collect())
    }

    /// The channels of rows of `n` values. Channels that would share a place in the row are tied; `None` if that does not help.
    pub fn rows(&self, units: &mut Units, shape: &[usize], n: usize) -> Option<Vec<Unit>> {
        if let Some(row) = self.seen_along(shape, n, 1) {
            return Some(row);
        }
        let is_last = extent(&shape[self.axis + 1..]) == 1;
        if !is_last || n == 0 || !self.units.len().is_multiple_of(n) {
            return None;
        }
        let (row, rest) = self.units.split_at(n);
        rest.iter().enumerate().for_each(|(i, &unit)| units.unite(row[i % n], unit));
        Some(row.to_vec())
    }

    /// The channels of the same values under the shape `to`.
    pub fn reshaped(&self, units: &mut Units, from: &[usize], to: &[usize]) -> Option<Self> {
        let along = |axis: usize| {
            let units = self.seen_along(from, to[axis], extent(&to[axis + 1..]))?;
            Some(Self { axis, units })
        };
        if let Some(lanes) = (0..to.len()).rev().find_map(along) {
            return Some(lanes);
        }
        let units = self.rows(units, from, *to.last()?)?;
        Some(Self { axis: to.len() - 1, units })
    }

    /// The same channels along another axis.
    pub fn on(&self, axis: usize) -> Self {
        Self { axis, units: self.units.clone() }
    }
}

fn extent(shape: &[usize]) -> usize {
    shape.iter().product()
}
