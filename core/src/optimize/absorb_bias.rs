//! Being written.

use super::applied::Applied;
use super::{Absorbed, Observations, OptimizeError};
use crate::graph::Graph;

pub(super) fn absorb(
    graph: &Graph,
    _observations: &Observations<'_>,
    _absorbed: &mut Absorbed,
) -> Result<Applied, OptimizeError> {
    Ok(Applied::skipped(graph, "nothing to do"))
}
