//! `tinsmith live`: a model that listens, to a board or to a recording.

mod listen;
mod models;
mod stream;
mod tell;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueHint};
use tinsmith_core::live::{Decider, DecisionSettings, FrontEnd, Live as Listener, Reading, USUAL_THRESHOLD, quiet_classes};

use super::device::board::{LinkOptions, parse_seconds};
use super::messages::Messages;
use super::model::OpenOptions;
use super::{Failure, features, interrupt};
use listen::Listening;
use models::Models;
pub use models::class_names;
use stream::Stream;

/// Listen with a model to a board's sensor, or to a recording as if it came from one
///
/// Each stride a window of what was measured becomes features, goes through the model and, where there is one, through the float
/// model that it was made of. Events are printed as they happen; Ctrl-C ends it with a summary. From a recording it runs as fast
/// as it can, and gives the same every time.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("input").args(["port", "wav", "csv"]).required(true).multiple(true))]
#[command(after_help = "\
Examples:
  tinsmith live projects/keyword.ron --preset keyword --wav assets/samples/keyword/clips/yes.wav
  tinsmith live projects/keyword.ron microphone --preset keyword
  tinsmith live projects/keyword.ron /dev/ttyUSB0 --preset keyword --on-board
  tinsmith live int8.tflite --against float32.tflite --labels wing,ring,slope,negative --csv walk.csv --stride 200 --json")]
pub struct Live {
    /// A project (.ron), whose candidate listens beside its float model, or a model
    file: PathBuf,
    /// The board's port, or microphone for the default microphone, or microphone:NAME for another; see tinsmith device ports
    port: Option<String>,
    #[command(flatten)]
    link: LinkOptions,
    /// The board's sensor, by name or id; the first whose windows fit the model if left out
    #[arg(long, value_name = "SENSOR", requires = "port")]
    sensor: Option<String>,
    /// Listen to this sound instead of a board's sensor
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "csv")]
    wav: Option<PathBuf>,
    /// Listen to this table of numbers instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    csv: Option<PathBuf>,
    /// Instants a second: of a file that does not say it; of a microphone how many are wanted, 16000 if left out
    #[arg(long, value_name = "HZ", value_parser = features::rate)]
    rate: Option<f64>,
    /// Of a microphone: only this channel, counted from 1. The mean of all if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    channel: Option<u16>,
    #[command(flatten)]
    options: OpenOptions,
    /// The model to compare with; a project has its own
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// Names of the classes, in order; a project has its own
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    labels: Vec<String>,
    /// Tell no events of this class; may be given several times. If left out, those called silence, unknown, noise, background,
    /// negative, idle, nothing, none or other
    #[arg(long, value_name = "CLASS")]
    ignore: Vec<String>,
    #[command(flatten)]
    decision: Decision,
    /// End after so much of what is measured
    #[arg(long, value_name = "N", value_parser = parse_seconds)]
    seconds: Option<f64>,
    /// Send the model to the board of PORT, run each window there as well, and compare every output byte by byte
    #[arg(long, requires = "port")]
    on_board: bool,
    /// Write every step to this table: its window's first instant, when it ended, the probabilities
    #[arg(long, value_name = "FILE.csv", value_hint = ValueHint::FilePath)]
    trace: Option<PathBuf>,
    /// Open the project's files even where they lie outside its folder
    #[arg(long)]
    allow_outside: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// How it is decided that something was heard.
#[derive(Clone, Copy, Debug, Args)]
struct Decision {
    /// From one window to the next, milliseconds
    #[arg(long, value_name = "MS", default_value = "100", value_parser = milliseconds)]
    stride: f64,
    /// The mean probability that is enough; of an autoencoder the mean distance. If left out, 0.6, and for an autoencoder none: which
    /// one its project's data set suggests is said
    #[arg(long, value_name = "X", value_parser = threshold)]
    threshold: Option<f32>,
    /// Steps whose mean is taken
    #[arg(long, value_name = "STEPS", default_value = "3", value_parser = clap::value_parser!(u16).range(1..=1000))]
    average: u16,
    /// Milliseconds after an event in which nothing is told, and for which a class must be away to be told again
    #[arg(long, value_name = "MS", default_value = "500", value_parser = milliseconds)]
    hold_off: f64,
    /// Steps in a row that have to say so
    #[arg(long, value_name = "STEPS", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1000))]
    least: u16,
}

/// Parses milliseconds.
pub fn milliseconds(text: &str) -> Result<f64, String> {
    let ms = text.parse().ok().filter(|ms| (0.0..=600_000.0).contains(ms));
    ms.ok_or_else(|| "expected milliseconds from 0 to 600000".to_owned())
}

fn threshold(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|x: &f32| x.is_finite() && *x >= 0.0);
    number.ok_or_else(|| "expected a number from 0, such as 0.6".to_owned())
}

impl Decision {
    fn settings(self, reading: Reading) -> DecisionSettings {
        let usual = (reading != Reading::Distance).then_some(USUAL_THRESHOLD);
        DecisionSettings {
            average: self.average.into(),
            threshold: self.threshold.or(usual),
            hold_off_ms: self.hold_off,
            least: self.least.into(),
        }
    }
}

impl Live {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        interrupt::catch();
        let models = Models::open(&self, messages)?;
        let mut stream = Stream::open(&self, messages)?;
        let live = self.listener(&models, &mut stream)?;
        if live.decider().settings().threshold.is_none() {
            messages.note(&format!("an autoencoder tells no events without --threshold; {}", models.suggested(&live)));
        }
        let mut listening = Listening::new(&self, live, &models, messages)?;
        stream.play(&mut listening)?;
        listening.finish()
    }

    /// The models behind a front end for the stream's sensor.
    fn listener(&self, models: &Models, stream: &mut Stream) -> Result<Listener, Failure> {
        let pipeline = self.options.data.features.pipeline()?.or_else(|| models.features.clone()).unwrap_or_default();
        let at_model = |error: tinsmith_core::live::LiveError| Failure::at(&self.file, error);
        let (candidate, baseline) = models.runners().map_err(at_model)?;
        let front = |sensor| FrontEnd::new(pipeline.clone(), sensor, candidate.input(), self.decision.stride);
        let front = stream.choose(front).map_err(at_model)?;
        let settings = self.decision.settings(candidate.reading());
        let quiet = self.quiet(&models.labels)?;
        Ok(Listener::new(front, candidate, baseline, Decider::new(settings, quiet)))
    }

    fn quiet(&self, labels: &[String]) -> Result<Vec<bool>, Failure> {
        if self.ignore.is_empty() {
            return Ok(quiet_classes(labels));
        }
        match self.ignore.iter().find(|name| !labels.contains(name)) {
            Some(name) => Err(Failure::new(format!("there is no class {name} to ignore, only {}", labels.join(", ")))),
            None => Ok(labels.iter().map(|label| self.ignore.contains(label)).collect()),
        }
    }
}
