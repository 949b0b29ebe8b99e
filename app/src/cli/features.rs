//! `tinsmith features`: what a network sees of recordings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use tinsmith_core::data::features::{Form, Pieces, Pipeline, Signal, describe_stages, presets};
use tinsmith_core::data::npy;
use tinsmith_core::export::features::{FeaturePlan, features_c};
use tinsmith_core::measure::device::{Device, device, devices};
use tinsmith_core::measure::features::{FeatureFigures, Operations, feature_figures};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::file::write_atomically;

use super::inspect::estimate_json;
use super::messages::{Messages, timed};
use super::model::pipeline;
use super::signals::{self, Recording};
use super::steps::described;
use super::{Failure, interrupt, output};

/// Turn recordings into features: filters, spectrograms, MFCC, statistics, …
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith features --list
  tinsmith features assets/samples/keyword/clips/yes.wav --preset keyword -o features.npy
  tinsmith features assets/samples/keyword/clips --stage clip --stage log-mel --stage normalise --fit --save-pipeline features.ron
  tinsmith features assets/samples/keyword/clips/yes.wav --preset keyword --export firmware --name keyword --device nano33ble")]
pub struct Features {
    /// Recordings (.wav, .flac, .mp3, .csv, .npy, Edge Impulse's .json and .cbor), pictures (.png, .jpg, .bmp), or folders of them
    #[arg(required_unless_present = "list", value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,
    /// A stage; several are applied in order. See --list
    #[arg(long = "stage", value_name = "NAME[:KEY=VALUE,…]")]
    stages: Vec<String>,
    /// Stages that go before those of --stage. See --list
    #[arg(long, value_name = "NAME", conflicts_with = "pipeline")]
    preset: Option<String>,
    /// The same, from a file that --save-pipeline wrote
    #[arg(long, value_name = "FILE.ron")]
    pipeline: Option<PathBuf>,
    /// Make the statistics of normalise stages of these recordings
    #[arg(long)]
    fit: bool,
    /// Write the stages, with their statistics, to this file
    #[arg(long, value_name = "FILE.ron")]
    save_pipeline: Option<PathBuf>,
    /// Samples a second, for files that do not say it
    #[arg(long, value_name = "HZ", value_parser = rate)]
    rate: Option<f64>,
    /// Write the features of all recordings to this .npy, [pieces, …]
    #[arg(short, long, value_name = "OUT.npy")]
    output: Option<PathBuf>,
    /// Write the front end as C code for the device to this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    export: Option<PathBuf>,
    /// Name of the C code: the prefix of its files and symbols
    #[arg(long, value_name = "NAME", default_value = "model", requires = "export")]
    name: String,
    /// The board whose time for the C code is told
    #[arg(long, value_name = "BOARD", requires = "export", value_parser = board)]
    device: Option<Arc<Device>>,
    /// List the stages with their parameters, ranges, units and defaults, and the presets
    #[arg(long)]
    list: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn board(word: &str) -> Result<Arc<Device>, String> {
    let known = || devices().iter().map(|device| device.id.as_str()).collect::<Vec<_>>().join(", ");
    device(word).ok_or_else(|| format!("no such board; choose one of {}", known()))
}

/// A number of samples a second.
pub fn rate(word: &str) -> Result<f64, String> {
    let rate = word.parse().ok().filter(|rate| (1e-3..=1e6).contains(rate));
    rate.ok_or_else(|| "expected a number from 0.001 to 1000000".into())
}

impl Features {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        if self.list {
            return list(self.json);
        }
        let mut pipeline = self.pipeline()?;
        let recordings = signals::read_all(&self.inputs, self.rate)?;
        let cancel = Cancel::new();
        if self.fit {
            let signals: Vec<Signal> = recordings.iter().map(|recording| recording.signal.clone()).collect();
            pipeline.fit(&signals, &cancel)?;
        }
        let made = timed(format_args!("made features of {} recordings", recordings.len()), || {
            let progress = messages.progress();
            let each = recordings.iter().enumerate().map(|(index, recording)| {
                progress.show("features", index, recordings.len());
                let pieces = pipeline.features(&recording.signal, &cancel);
                pieces.map_err(|error| Failure::at(&recording.file, error))
            });
            each.collect::<Result<Vec<Pieces>, Failure>>()
        })?;
        if let Some(path) = &self.save_pipeline {
            write_atomically(path, pipeline.to_ron().as_bytes()).map_err(|error| Failure::writing(path, &error))?;
        }
        if let Some(path) = &self.output {
            write_npy(path, &recordings, &made)?;
        }
        let front_end = match &self.export {
            Some(folder) => Some(self.export_to(folder, &pipeline, &recordings[0].signal)?),
            None => None,
        };
        self.print(&pipeline, &recordings, &made, front_end.as_ref())
    }

    /// Writes the C code for recordings like `signal`, and tells what it costs.
    fn export_to(&self, folder: &Path, pipeline: &Pipeline, signal: &Signal) -> Result<FeatureFigures, Failure> {
        let plan = FeaturePlan::new(pipeline, signal.rate_hz, signal.channels.len())?;
        interrupt::whole(|| super::folder::write_all(folder, features_c(&self.name, &plan)).map(drop))?;
        let board = self.device.as_deref().unwrap_or(&devices()[0]);
        Ok(feature_figures(&plan, board))
    }

    fn pipeline(&self) -> Result<Pipeline, Failure> {
        let mut pipeline = pipeline(self.preset.as_deref(), self.pipeline.as_deref())?.unwrap_or_default();
        pipeline.stages.extend(Pipeline::parse(&self.stages)?.stages);
        if pipeline.stages.is_empty() {
            return Err(Failure::new("there are no stages; choose with --preset or --stage, --list shows which there are"));
        }
        Ok(pipeline)
    }

    fn print(
        &self,
        pipeline: &Pipeline,
        recordings: &[Recording],
        made: &[Pieces],
        front_end: Option<&FeatureFigures>,
    ) -> Result<(), Failure> {
        let names: Vec<&str> = pipeline.stages.iter().map(|stage| stage.name()).collect();
        let each = recordings.iter().zip(made);
        if self.json {
            let of = |(recording, pieces): (&Recording, &Pieces)| {
                let first = pieces.first();
                json!({
                    "file": recording.file,
                    "pieces": pieces.len(),
                    "shape": first.map(Signal::shape),
                    "rate_hz": first.map(|piece| piece.rate_hz),
                    "channels": first.map(|piece| piece.channels.iter().map(|channel| &channel.name).collect::<Vec<_>>()),
                    "rows": first.and_then(rows_json),
                })
            };
            let recordings: Vec<Value> = each.map(of).collect();
            let front_end = front_end.map(figures_json);
            let all = json!({ "stages": names, "output": self.output, "recordings": recordings, "front_end": front_end });
            return output::print_json(&all);
        }
        let row = |(recording, pieces): (&Recording, &Pieces)| {
            let shape = pieces.first().map_or_else(String::new, |piece| format!("{:?}", piece.shape()));
            vec![recording.file.display().to_string(), pieces.len().to_string(), shape]
        };
        let rows: Vec<Vec<String>> = each.map(row).collect();
        let table = output::table(&["recording", "pieces", "shape of each"], &[false, true, false], &rows);
        output::print(&(table + &front_end.map_or_else(String::new, figures_text)))
    }
}

fn figures_text(figures: &FeatureFigures) -> String {
    let FeatureFigures { ram_bytes, table_bytes, frame_us, .. } = figures;
    let time = frame_us.as_ref().map_or("no time: nobody has measured floats on the board\n".to_owned(), |us| {
        format!("{:.0} us ({:.0} to {:.0}) each time values come out: {}\n", us.value, us.low, us.high, us.source)
    });
    format!("\nC code: {ram_bytes} B of RAM, {table_bytes} B of tables\n{time}")
}

/// What code for the device costs, as JSON.
pub fn figures_json(figures: &FeatureFigures) -> Value {
    let operations = |ops: &Operations| json!({ "macs": ops.macs, "elementwise": ops.elementwise, "functions": ops.functions });
    json!({
        "ram_bytes": figures.ram_bytes,
        "table_bytes": figures.table_bytes,
        "instants_per_frame": figures.step,
        "operations_per_instant": operations(&figures.instant),
        "operations_per_frame": operations(&figures.frame),
        "frame_us": estimate_json(figures.frame_us.as_ref()),
        "load": estimate_json(figures.load.as_ref()),
    })
}

/// What the figures of a table are.
fn rows_json(piece: &Signal) -> Option<Value> {
    match &piece.form {
        Form::Table { rows } => Some(json!(rows)),
        _ => None,
    }
}

fn list(as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::print_json(&json!({ "stages": describe_stages(), "presets": presets() }));
    }
    let mut text = String::new();
    for stage in describe_stages() {
        text.push_str(&described(stage.name, stage.help, &stage.parameters));
    }
    let rows: Vec<Vec<String>> =
        presets().iter().map(|p| vec![format!("  {}", p.name), p.help.to_owned(), p.stages.join("  ")]).collect();
    text.push_str(&output::table(&["  preset", "", "stages"], &[false; 3], &rows));
    text.push_str("\nUse them with tinsmith features --stage NAME:KEY=VALUE,… or --preset NAME\n");
    output::print(&text)
}

/// Writes all pieces of all recordings as one array.
fn write_npy(path: &Path, recordings: &[Recording], made: &[Pieces]) -> Result<(), Failure> {
    let all: Vec<&Signal> = made.iter().flatten().collect();
    let shape = all.first().map(|piece| piece.shape()).unwrap_or_default();
    for (recording, pieces) in recordings.iter().zip(made) {
        if let Some(other) = pieces.iter().find(|piece| piece.shape() != shape) {
            return Err(Failure::at(
                &recording.file,
                format_args!(
                    "its features have shape {:?} and the first ones {shape:?}, which fit no common array; put a clip stage in front",
                    other.shape()
                ),
            ));
        }
    }
    let bytes: Vec<u8> = all.iter().flat_map(|piece| &piece.values).flat_map(|x| x.to_le_bytes()).collect();
    let mut file = Vec::with_capacity(bytes.len() + 128);
    npy::write(&mut file, "<f4", &[&[all.len()], shape.as_slice()].concat(), &bytes)?;
    write_atomically(path, &file).map_err(|error| Failure::writing(path, &error))
}
