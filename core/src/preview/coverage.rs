//! On which samples the ranges of a source model hang, and which items of a data set cover them.

use std::path::Path;

use super::{Inputs, PreviewError, views};
use crate::data::DataSet;
use crate::data::features::Pipeline;
use crate::data::library::Library;
use crate::data::library::tensors::tensors;
use crate::graph::Graph;
use crate::measure::coverage::{Seen, covering};
use crate::optimize::{self, Calibration};
use crate::progress::Cancel;

/// Runs the samples at `indices` through a float model.
///
/// # Errors
/// [`PreviewError::Feed`] if they do not fit it; [`PreviewError::Optimize`] as [`optimize::calibrate`].
pub fn observe(graph: &Graph, set: &DataSet, indices: &[usize], cancel: &Cancel) -> Result<Calibration, PreviewError> {
    let values = Inputs::of(set, graph)?.real(indices)?;
    Ok(optimize::calibrate(graph, &views(&values), None, cancel)?)
}

/// The items of the data set in `folder`, at most `count` and none that tests, that together cover the ranges of a float model's
/// tensors best; each with all of its windows. In the order in which they were chosen.
///
/// # Errors
/// [`PreviewError::Data`] if an item cannot be read, or all of them test; else as [`observe`].
pub fn covering_items(
    graph: &Graph,
    (folder, library): (&Path, &Library),
    features: Option<&Pipeline>,
    count: usize,
    cancel: &Cancel,
) -> Result<Vec<usize>, PreviewError> {
    let free = library.not_tests();
    let made = tensors(folder, &library.only(&free), features, cancel)?;
    let all: Vec<usize> = (0..made.set.n_samples()).collect();
    let calibration = observe(graph, &made.set, &all, cancel)?;
    // The items that samples were made of, how many of each, and what each of them reaches.
    let items: Vec<(usize, usize)> =
        made.pieces.chunk_by(|a, b| a.item == b.item).map(|pieces| (pieces[0].item, pieces.len())).collect();
    let of_items = |ranges: &[(f32, f32)]| -> Vec<(f32, f32)> {
        let mut rest = ranges.iter();
        let hull = |(_, n_samples): &(usize, usize)| {
            let ranges = rest.by_ref().take(*n_samples);
            ranges.fold((f32::INFINITY, f32::NEG_INFINITY), |hull, range| (hull.0.min(range.0), hull.1.max(range.1)))
        };
        items.iter().map(hull).collect()
    };
    let merged: Vec<_> = calibration.seen().map(|seen| (seen.tensor, of_items(seen.ranges))).collect();
    let merged: Vec<Seen<'_>> = merged.iter().map(|(tensor, ranges)| Seen { tensor: *tensor, ranges }).collect();
    Ok(covering(&merged, count).into_iter().map(|chosen| free[items[chosen].0]).collect())
}
