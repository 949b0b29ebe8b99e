//! `tinsmith export`: files for firmware.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};
use serde_json::json;
use tinsmith_core::export::features::FeaturePlan;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::device;
use tinsmith_core::preview::{Engine, Job, Source, Target, firmware_files};
use tinsmith_core::project::Outside;
use tinsmith_core::recipe::Recipe;

use super::messages::{Messages, timed};
use super::model::OpenOptions;
use super::paths::{existing, is_project};
use super::run::{open_project, results_of};
use super::{Failure, folder, interrupt, output};

/// Write the files that firmware includes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith export projects/keyword.ron --target tflite --target c --out firmware
  tinsmith export assets/samples/keyword/keyword_float32.tflite --target c --out firmware --json")]
pub struct Export {
    /// A project (.ron), exported as its recipe says, or a model, exported as it is
    file: PathBuf,
    #[command(flatten)]
    options: OpenOptions,
    /// What to write; may be given several times
    #[arg(long, value_enum, required = true)]
    target: Vec<TargetName>,
    /// The folder to write to; made if need be
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Open the project's files even where they lie outside its folder
    #[arg(long)]
    allow_outside: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What can be written, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TargetName {
    /// The model as a TensorFlow Lite file
    Tflite,
    /// The model as C sources for TensorFlow Lite Micro: header, data, operators, golden samples; and the features before it
    C,
    /// The model as a compact file for Tinsmith's own runtime, with weights packed and entropy-coded
    Tinsmith,
}

impl From<TargetName> for Target {
    fn from(name: TargetName) -> Self {
        match name {
            TargetName::Tflite => Self::Tflite,
            TargetName::C => Self::C,
            TargetName::Tinsmith => Self::Tinsmith,
        }
    }
}

impl Export {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let job = self.job()?;
        let results = results_of(&mut Engine::new(), &job, messages).map_err(|error| Failure::at(&self.file, error))?;
        let candidate = results.made()?;
        let targets: Vec<Target> = self.target.iter().map(|&name| name.into()).collect();
        let files = export(&job, &candidate.graph, &self.file, &targets, &self.out, messages)?;
        if self.json {
            return output::print_json(&json!({ "source": self.file, "files": files }));
        }
        output::print(&folder::wrote(&files))
    }

    /// A project as it says; a model with nothing to do to it.
    fn job(&self) -> Result<Job, Failure> {
        existing(&self.file)?;
        if is_project(&self.file) {
            let outside = if self.allow_outside { Outside::Allow } else { Outside::Refuse };
            return Ok(open_project(&self.file, outside, &self.options)?.job);
        }
        Ok(Job {
            source: Arc::new(Source::open_with(&self.file, self.options.model.import())?),
            data: None,
            ranges: None,
            recipe: Recipe::default(),
            device: device::devices()[0].clone(),
        })
    }
}

/// Writes the targets, called after `file`, to a folder. Ctrl-C comes before or after.
pub fn export(
    job: &Job,
    graph: &Graph,
    file: &Path,
    targets: &[Target],
    folder: &Path,
    messages: Messages,
) -> Result<Vec<PathBuf>, Failure> {
    let plan = job.front_end().filter(|_| targets.contains(&Target::C)).map(FeaturePlan::of);
    if let Some(Err(why)) = plan {
        messages.note(&format!("the features are not among the files: {why}"));
    }
    let name = file.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy());
    let write = || interrupt::whole(|| write(job, graph, &name, targets, folder));
    timed(format_args!("exported to {}", folder.display()), write)
}

/// Writes the targets to a folder and says which files they became.
pub fn write(job: &Job, graph: &Graph, name: &str, targets: &[Target], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = firmware_files(job, graph, name, targets)?;
    folder::make(folder)?;
    files.into_iter().map(|file| folder::write(folder.join(file.name), &file.bytes)).collect()
}
