//! The samples of a job, as source and candidate take them.

use super::inputs::Inputs;
use super::{Job, Roles, roles};
use crate::data::{DataProblem, DataSet};
use crate::execute::executor::Executor;
use crate::measure::accuracy::Truth;

/// A data set that fits the source model.
pub(super) struct Samples<'a> {
    pub data: &'a DataSet,
    pub roles: Roles,
    /// What the models take.
    pub inputs: Inputs<'a>,
    /// Whether the source model computes in floats: then it is what candidates are compared with.
    pub source_is_float: bool,
}

impl<'a> Samples<'a> {
    /// The job's data, if it has any.
    ///
    /// # Errors
    /// As [`Inputs::of`] if they do not fit the source model.
    pub fn of(job: &'a Job) -> Result<Option<Self>, DataProblem> {
        let Some(data) = &job.data else { return Ok(None) };
        let graph = &job.source.graph;
        let source_is_float = !Executor::runs_in_integers(graph);
        Ok(Some(Self { data, roles: roles(data), inputs: Inputs::of(data, graph)?, source_is_float }))
    }

    /// Classes of the chosen samples.
    pub fn labels(&self, chosen: &[usize]) -> Option<Vec<u32>> {
        let labels = self.data.labels.as_deref()?;
        chosen.iter().map(|&sample| labels.get(sample).copied()).collect()
    }

    /// What outputs of these samples are held against.
    pub fn truth<'t>(&self, labels: Option<&'t [u32]>, float_outputs: Option<&'t [f32]>) -> Truth<'t> {
        let n_classes = Some(self.data.label_names.len()).filter(|n| *n > 0);
        Truth { labels, n_classes, float_outputs }
    }
}
