//! `tinsmith export`: files for firmware.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};
use serde_json::json;
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::export::NamedFile;
use tinsmith_core::export::features::FeaturePlan;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::device;
use tinsmith_core::preview::{Engine, Job, Source, Target, firmware_files, firmware_files_with};
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
  tinsmith export assets/samples/keyword/keyword_float32.tflite --target c --out firmware --json
  tinsmith export projects/keyword.ron --target esp-idf --target arduino --out firmware")]
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
    /// Firmware for boards: the sensor that the features are for, where they are said here and not by the project
    #[arg(long, value_enum, default_value_t = Sensor::Audio)]
    sensor: Sensor,
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
    /// Firmware with the model for ESP32, ESP32-S3 and ESP32-C3: an ESP-IDF project
    EspIdf,
    /// The same firmware as an Arduino sketch
    Arduino,
}

/// A sensor of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sensor {
    /// The microphone: 16 kHz, one channel
    Audio,
    /// The motion sensor: 200 Hz, six channels
    Imu,
}

impl Sensor {
    /// Instants a second, and values of each.
    fn signal(self) -> (f64, usize) {
        match self {
            Self::Audio => (16_000.0, 1),
            Self::Imu => (200.0, 6),
        }
    }
}

impl From<TargetName> for Target {
    fn from(name: TargetName) -> Self {
        match name {
            TargetName::Tflite => Self::Tflite,
            TargetName::C => Self::C,
            TargetName::Tinsmith => Self::Tinsmith,
            TargetName::EspIdf => Self::EspIdf,
            TargetName::Arduino => Self::Arduino,
        }
    }
}

impl Export {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let job = self.job()?;
        let results = results_of(&mut Engine::new(), &job, messages).map_err(|error| Failure::at(&self.file, error))?;
        let candidate = results.made()?;
        let targets: Vec<Target> = self.target.iter().map(|&name| name.into()).collect();
        tell_missing_features(&job, &targets, messages);
        let plan = self.options.data.features.pipeline()?.map(|pipeline| self.plan(&pipeline)).transpose()?;
        let made = firmware_files_with(&job, &candidate.graph, &name_of(&self.file), &targets, plan.as_ref());
        let files = whole(&self.out, made.map_err(|error| Failure::at(&self.file, error))?)?;
        if self.json {
            return output::print_json(&json!({ "source": self.file, "files": files }));
        }
        output::print(&folder::wrote(&files))
    }

    /// What the device does between its sensor and the model.
    fn plan(&self, pipeline: &Pipeline) -> Result<FeaturePlan, Failure> {
        let (rate_hz, n_channels) = self.sensor.signal();
        Ok(FeaturePlan::new(pipeline, rate_hz, n_channels)?)
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

/// What files of an export of `file` are called after.
fn name_of(file: &Path) -> String {
    file.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy()).into_owned()
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
    tell_missing_features(job, targets, messages);
    whole(folder, firmware_files(job, graph, &name_of(file), targets)?)
}

/// Why the code of the project's features is not among the files, if it is not.
fn tell_missing_features(job: &Job, targets: &[Target], messages: Messages) {
    let has_code = |target: &Target| !matches!(target, Target::Tflite | Target::Tinsmith);
    if let Some(Err(why)) = job.front_end().filter(|_| targets.iter().any(has_code)).map(FeaturePlan::of) {
        messages.note(&format!("the features are not among the files: {why}"));
    }
}

/// Writes files of an export to a folder. Ctrl-C comes before or after.
pub fn whole(folder: &Path, files: Vec<NamedFile>) -> Result<Vec<PathBuf>, Failure> {
    let write = || interrupt::whole(|| folder::write_all(folder, files));
    timed(format_args!("exported to {}", folder.display()), write)
}

/// Writes the targets to a folder, for the window, and says which files they became.
#[cfg(feature = "gui")]
pub fn write(job: &Job, graph: &Graph, name: &str, targets: &[Target], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    folder::write_all(folder, firmware_files(job, graph, name, targets)?)
}
