//! The samples of a job, as source and candidate take them.

use super::{Job, Roles, roles};
use crate::data::feed::{self, Meaning};
use crate::data::{DataProblem, DataSet};
use crate::execute::executor::Executor;
use crate::graph::Graph;
use crate::measure::accuracy::Truth;
use crate::tensor::Tensor;

/// A data set that fits the source model.
pub(super) struct Samples<'a> {
    pub data: &'a DataSet,
    pub roles: Roles,
    /// The source model's input.
    pub input: &'a Tensor,
    /// Whether the source model computes in floats: then it is what candidates are compared with.
    pub source_is_float: bool,
    meaning: Meaning,
}

impl<'a> Samples<'a> {
    /// The job's data, if it has any.
    ///
    /// # Errors
    /// [`DataProblem::Shape`] if they do not fit the source model.
    pub fn of(job: &'a Job) -> Result<Option<Self>, DataProblem> {
        let Some(data) = &job.data else { return Ok(None) };
        let graph = &job.source.graph;
        let input = only_input(graph)?;
        feed::check_shape(data, input)?;
        feed::check_layout(data, input, graph.source_order.input(0))?;
        let meaning = feed::meaning(data, input);
        let source_is_float = !Executor::runs_in_integers(graph);
        Ok(Some(Self { data, roles: roles(data), input, source_is_float, meaning }))
    }

    /// Real numbers, `[chosen.len(), ..]`.
    pub fn real(&self, chosen: &[usize]) -> Result<Vec<f32>, DataProblem> {
        feed::real_samples(self.data, self.meaning, chosen, self.input)
    }

    /// What a model with this input takes, `[chosen.len(), ..]`.
    pub fn for_model(&self, chosen: &[usize], input: &Tensor) -> Result<Vec<u8>, DataProblem> {
        feed::model_samples(self.data, self.meaning, chosen, input)
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

/// The one input of a model that a data set feeds.
///
/// # Errors
/// [`DataProblem::Input`] if the model has none or several.
pub fn only_input(graph: &Graph) -> Result<&Tensor, DataProblem> {
    match graph.inputs.as_slice() {
        [input] => Ok(graph.tensor(*input)),
        inputs => Err(DataProblem::Input(format!("the model has {} inputs, a data set feeds exactly one", inputs.len()))),
    }
}
