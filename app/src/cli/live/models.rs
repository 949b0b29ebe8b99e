//! The models that listen: a project's candidate and its source, or models as they are.

use std::sync::Arc;

use tinsmith_core::data::DataSet;
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::graph::Graph;
use tinsmith_core::live::{self, Live as Listener, LiveError, Runner, suggest};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::Outside;

use super::Live;
use crate::cli::messages::Messages;
use crate::cli::run::{candidate_of, open_project};
use crate::cli::{Failure, paths};

/// Graphs, and what their classes are called.
pub struct Models {
    pub candidate: Arc<Graph>,
    baseline: Option<Arc<Graph>>,
    pub labels: Vec<String>,
    /// What the project's recordings go through.
    pub features: Option<Pipeline>,
    /// The project's data set, and the model as it came.
    known: Option<(Arc<DataSet>, Arc<Graph>)>,
}

impl Models {
    /// Opens what was named on the command line.
    pub fn open(options: &Live, messages: Messages) -> Result<Self, Failure> {
        let mut models = match paths::is_project(&options.file) {
            true => Self::of_project(options, messages)?,
            false => {
                let candidate = options.options.model.open(&options.file)?.graph;
                Self { candidate, baseline: None, labels: Vec::new(), features: None, known: None }
            }
        };
        if let Some(path) = &options.against {
            models.baseline = Some(options.options.model.open(path)?.graph);
        }
        models.name_classes(options)?;
        Ok(models)
    }

    fn of_project(options: &Live, messages: Messages) -> Result<Self, Failure> {
        let outside = if options.allow_outside { Outside::Allow } else { Outside::Refuse };
        let job = open_project(&options.file, outside, &options.options)?.job;
        let candidate = candidate_of(&options.file, &job, messages)?;
        let labels = job.data.as_ref().map(|data| data.label_names.clone()).unwrap_or_default();
        let (candidate, baseline) = (Arc::new(candidate.graph.clone()), Some(job.source.graph.clone()));
        let features = job.front_end().map(|front_end| front_end.pipeline.clone());
        let known = job.data.clone().map(|data| (data, job.source.graph.clone()));
        Ok(Self { candidate, baseline, labels, features, known })
    }

    fn name_classes(&mut self, options: &Live) -> Result<(), Failure> {
        let n = Runner::new(&self.candidate).map_err(|error| Failure::at(&options.file, error))?.n_classes();
        self.labels = class_names(n, &options.labels, &self.labels)?;
        Ok(())
    }

    /// Which threshold the project's data set suggests for an autoencoder, or where else to look.
    pub fn suggested(&self, live: &Listener) -> String {
        let suggest = |(data, source): &(Arc<DataSet>, Arc<Graph>)| suggest(live.candidate(), source, data, &Cancel::new());
        match self.known.as_ref().map(suggest) {
            Some(Ok(found)) => format!("suggested is --threshold {}: {found}", found.threshold),
            Some(Err(why)) => format!("none is suggested: {why}; the summary says which distances there are"),
            None => "the summary says which distances there are".to_owned(),
        }
    }

    /// The models, ready to run.
    pub fn runners(&self) -> Result<(Runner, Option<Runner>), LiveError> {
        let baseline = self.baseline.as_deref().map(Runner::new).transpose()?;
        Ok((Runner::new(&self.candidate)?, baseline))
    }
}

/// What the `n` classes of a model are called: as `--labels` says, or as its data set does.
pub fn class_names(n: usize, wanted: &[String], of_data: &[String]) -> Result<Vec<String>, Failure> {
    match wanted.len() {
        0 => Ok(live::class_names(n, of_data)),
        named if named == n => Ok(wanted.to_vec()),
        named => Err(Failure::new(format!("--labels names {named} classes, and the model has {n}"))),
    }
}
