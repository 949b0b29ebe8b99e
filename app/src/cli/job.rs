//! A project, or a model with samples: what commands that compare recipes work on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use tinsmith_core::data::DataSet;
use tinsmith_core::measure::device::{Device, devices};
use tinsmith_core::optimize::{parse_step, suggested_recipe};
use tinsmith_core::preview::{Job, OpenedProject, Source};
use tinsmith_core::project::Outside;
use tinsmith_core::recipe::{Recipe, Step};

use super::model::OpenOptions;
use super::run::open_project;
use super::{Failure, paths, samples};

/// Which model, which samples, which recipe.
#[derive(Debug, Args)]
pub struct JobOptions {
    /// A project (.ron), or a float model (.tflite, .onnx, .keras, .h5)
    pub file: PathBuf,
    #[command(flatten)]
    options: OpenOptions,
    /// Samples to calibrate on and to test with; a project has its own
    #[arg(long, value_name = "DATA", value_hint = ValueHint::FilePath)]
    data: Option<PathBuf>,
    /// Add or replace a recipe step: NAME or NAME:KEY=VALUE,… (see tinsmith steps)
    #[arg(long, value_name = "STEP", value_parser = step)]
    step: Vec<Step>,
    /// The board to estimate for; see tinsmith device list
    #[arg(long, value_name = "ID", value_parser = super::device::parse_device)]
    device: Option<Arc<Device>>,
    /// Open the project's files even where they lie outside its folder
    #[arg(long)]
    allow_outside: bool,
}

/// A step as it is given on the command line.
pub fn step(text: &str) -> Result<Step, String> {
    parse_step(text).map_err(|error| error.to_string())
}

impl JobOptions {
    /// What is asked for, with the project it comes from, if it comes from one. A model gets the recipe that it would get in the
    /// window; a recipe that does not quantize gets the default step that does.
    pub fn open(&self) -> Result<(Job, Option<OpenedProject>), Failure> {
        let project = match paths::is_project(&self.file) {
            true => {
                let outside = if self.allow_outside { Outside::Allow } else { Outside::Refuse };
                Some(open_project(&self.file, outside, &self.options)?)
            }
            false => None,
        };
        let mut job = match &project {
            Some(project) => project.job.clone(),
            None => self.of_model()?,
        };
        if let Some(data) = &self.data {
            job.data = Some(self.samples(data, project.as_ref())?);
        }
        self.step.iter().cloned().for_each(|step| job.recipe.put(step));
        job.device = self.device.clone().unwrap_or(job.device);
        if let (None, Some(usual)) = (job.recipe.quantize(), Recipe::int8().quantize()) {
            job.recipe.put(Step::Quantize(usual.clone()));
        }
        Ok((job, project))
    }

    /// Where the samples are.
    pub fn data_path<'a>(&'a self, project: Option<&'a OpenedProject>) -> Option<&'a Path> {
        self.data.as_deref().or_else(|| project?.data_path.as_deref())
    }

    fn of_model(&self) -> Result<Job, Failure> {
        paths::existing(&self.file)?;
        let source = Source::open_with(&self.file, self.options.model.import())?;
        let recipe = suggested_recipe(&source.graph);
        Ok(Job { source: Arc::new(source), data: None, ranges: None, recipe, device: devices()[0].clone() })
    }

    /// With the features that a project has, or that are asked for.
    fn samples(&self, path: &Path, project: Option<&OpenedProject>) -> Result<Arc<DataSet>, Failure> {
        let features = match project {
            Some(opened) => opened.project.features.clone(),
            None => self.options.data.features.pipeline()?,
        };
        Ok(Arc::new(samples::open_with(path, features.as_ref(), self.options.data.layout)?))
    }
}
