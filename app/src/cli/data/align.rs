//! `tinsmith data align`: samples of several sensors from what was recorded of them at one time.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::json;
use tinsmith_core::data::DataSet;
use tinsmith_core::data::align::sessions::{Aligned, LeftOut, Settings, align};
use tinsmith_core::data::export::{Beside, npz_with};
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::file::write_atomically;

use super::info::{class_counts, splits_of};
use crate::cli::messages::{Messages, timed};
use crate::cli::model::pipeline;
use crate::cli::paths::existing;
use crate::cli::{Failure, interrupt, output, units};

/// Cut what several sensors of a board measured at one time to samples for a model with an input for each
///
/// Of a data set's folder the recordings of its sessions are taken, cut where its clips are, with their labels, splits and groups; of
/// other folders and files whole recordings, with the label that they were recorded with. Windows begin at the same times of the
/// board's clock, each sensor at its own rate; what is written, x0, x1 and so on, evaluate and quantize take as their data.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data align gestures --length 1000 --stride 500 --out both.npz
  tinsmith data align recordings --sensors audio,imu --length 1000 --out both.npz --json
  tinsmith data align yes_001_audio.wav yes_001_imu.csv --length 500 --stride 250 --out yes.npz
  tinsmith data align gestures --sensors audio,imu --features audio=keyword --length 1000 --out both.npz")]
pub struct Align {
    /// Data sets with their sessions, folders of recordings, or recordings (.wav, .csv), each with its .ron beside it
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// The sensors by name or id, in the order of the model's inputs; all if left out
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    sensors: Vec<String>,
    /// Milliseconds of a sample
    #[arg(long, value_name = "MS", value_parser = parse_ms)]
    length: f64,
    /// Milliseconds from the start of a sample to the start of the next; as long as a sample if left out
    #[arg(long, value_name = "MS", value_parser = parse_ms)]
    stride: Option<f64>,
    /// What the model sees of a sensor: the name of a preset, or a file that tinsmith features --save-pipeline wrote; may be given for
    /// several sensors, the others stay as they were measured
    #[arg(long, value_name = "SENSOR=NAME|FILE.ron", value_parser = parse_features)]
    features: Vec<(String, String)>,
    /// Take windows in which instants are missing as well: they are made up on straight lines
    #[arg(long)]
    with_gaps: bool,
    /// The file to write
    #[arg(long, value_name = "OUT.npz", value_hint = ValueHint::FilePath)]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_ms(text: &str) -> Result<f64, String> {
    let ms: Option<f64> = text.parse().ok().filter(|ms: &f64| ms.is_finite() && *ms > 0.0);
    ms.ok_or_else(|| "expected milliseconds above 0, such as 1000".to_owned())
}

fn parse_features(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(sensor, what)| !sensor.is_empty() && !what.is_empty());
    let (sensor, what) = parts.ok_or_else(|| "expected SENSOR=NAME or SENSOR=FILE.ron, such as audio=keyword".to_owned())?;
    Ok((sensor.to_owned(), what.to_owned()))
}

impl Align {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        self.paths.iter().try_for_each(|path| existing(path).map(drop))?;
        let settings = Settings {
            sensors: self.sensors.clone(),
            length_ms: self.length,
            stride_ms: self.stride.unwrap_or(self.length),
            with_gaps: self.with_gaps,
            features: self.pipelines()?,
        };
        let work = || align(&self.paths, &settings, &Cancel::new());
        let aligned = timed("aligned the recordings", work)?;
        notes(&aligned.left_out).iter().for_each(|note| messages.note(note));
        let beside = Beside { groups: &aligned.groups, times_ms: &aligned.times_ms };
        let bytes = npz_with(&aligned.set, beside).map_err(|problem| problem.of(&self.out))?;
        let written = interrupt::whole(|| write_atomically(&self.out, &bytes));
        written.map_err(|error| Failure::writing(&self.out, &error))?;
        self.print(&aligned)
    }

    /// What becomes of each sensor's windows.
    fn pipelines(&self) -> Result<Vec<(String, Pipeline)>, Failure> {
        let mut pipelines = Vec::new();
        for (sensor, what) in &self.features {
            let is_file = Path::new(what).extension().is_some_and(|extension| extension == "ron");
            let (name, file) = if is_file { (None, Some(Path::new(what))) } else { (Some(what.as_str()), None) };
            if let Some(stages) = pipeline(name, file)? {
                pipelines.push((sensor.clone(), stages));
            }
        }
        Ok(pipelines)
    }

    fn print(&self, aligned: &Aligned) -> Result<(), Failure> {
        let Aligned { set, sensors, left_out, .. } = aligned;
        if self.json {
            let input = |(input, (sensor, rate_hz)): (&DataSet, &(String, f64))| json!({ "array": input.array, "sensor": sensor, "rate_hz": rate_hz, "shape": input.sample_shape });
            let classes = class_counts(set);
            return output::print_json(&json!({
                "output": self.out,
                "samples": set.n_samples(),
                "inputs": set.arrays().zip(sensors).map(input).collect::<Vec<_>>(),
                "classes": classes.iter().map(|(name, n)| json!({ "label": name, "items": n })).collect::<Vec<_>>(),
                "splits": splits_of(set),
                "left_out": {
                    "windows_with_gaps": left_out.with_gaps, "short": left_out.short, "unlabelled": left_out.unlabelled,
                    "timeless": left_out.timeless, "sessions": left_out.sessions,
                },
            }));
        }
        let mut text = format!("{} samples of {} ms\n", units::count(set.n_samples() as u64), self.length);
        for (input, (sensor, rate_hz)) in set.arrays().zip(sensors) {
            text.push_str(&format!("{}: {sensor}, {rate_hz} Hz, {:?}\n", input.array, input.sample_shape));
        }
        let rows: Vec<Vec<String>> = class_counts(set).into_iter().map(|(name, n)| vec![name, units::count(n as u64)]).collect();
        if !rows.is_empty() {
            text.push_str(&output::table(&["class", "samples"], &[false, true], &rows));
        }
        output::print(&(text + &format!("{}\n", self.out.display())))
    }
}

/// What makes no samples, in words.
fn notes(left_out: &LeftOut) -> Vec<String> {
    let LeftOut { with_gaps, short, unlabelled, timeless, sessions } = *left_out;
    let all = [
        (with_gaps, "windows in which instants are missing are left out; take them with --with-gaps"),
        (short, "clips or recordings are shorter than a window, or were not measured by all sensors"),
        (unlabelled, "clips or recordings without a label are left out"),
        (timeless, "clips do not say when they were recorded, or in which session"),
        (sessions, "sessions lack some of the sensors"),
    ];
    all.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
}
