//! `tinsmith device record`: what a board measures or a microphone hears, on the disk.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::json;
use tinsmith_core::data::recording::{ClipSummary, RecorderSettings};

use super::board::{Board, InputOptions, parse_seconds};
use crate::cli::messages::Messages;
use crate::cli::{Failure, interrupt, output};
use crate::device::{Event, LinkCounts, Request};

/// Record what a board measures or a microphone hears: sound as WAV, anything else as CSV, with every gap noted beside it
///
/// Samples are on the disk as they arrive. Ctrl-C ends the recording as it should.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device record /dev/ttyUSB0 --out recordings --seconds 10 --label yes
  tinsmith device record /dev/ttyACM0 --out recordings --seconds 600 --sensor imu --json
  tinsmith device record microphone --out recordings --seconds 1 --label yes
  tinsmith device record 'microphone:USB Audio' --out recordings --rate 16000 --channel 1")]
pub struct Record {
    #[command(flatten)]
    input: InputOptions,
    /// The folder to record to; made if need be, nothing in it is overwritten
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// How long; until Ctrl-C if left out
    #[arg(long, value_parser = parse_seconds)]
    seconds: Option<f64>,
    /// What is recorded: names the files, and stands in them
    #[arg(long)]
    label: Option<String>,
    /// Only this sensor, by name or id; may be given several times. All sensors if left out
    #[arg(long, value_name = "SENSOR")]
    sensor: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Record {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        interrupt::catch();
        let board = self.input.open(messages)?;
        let settings = RecorderSettings {
            folder: self.out.clone(),
            label: self.label.clone(),
            sensors: self.sensor.clone(),
            seconds: self.seconds,
        };
        board.input.ask(Request::Record(settings));
        let (clips, counts) = self.follow(&board, messages)?;
        self.print(&board, &clips, &counts)
    }

    /// Until the recording has ended.
    fn follow(&self, board: &Board, messages: Messages) -> Result<(Vec<ClipSummary>, LinkCounts), Failure> {
        let progress = messages.progress();
        let mut counts = LinkCounts::default();
        loop {
            let event = match board.next(messages) {
                // Ctrl-C ends the recording, not the program.
                Err(_) if interrupt::requested() => {
                    interrupt::done();
                    board.input.ask(Request::EndRecording);
                    continue;
                }
                other => other?,
            };
            match event {
                Some(Event::Recorded(clips)) => return Ok((clips, counts)),
                Some(Event::RecordingFailed(reason)) => return Err(Failure::new(reason)),
                Some(Event::Counts(now)) => {
                    counts = now;
                    progress.show("recording, kB so far:", (counts.bytes / 1000) as usize, 1);
                }
                _ => {}
            }
        }
    }

    fn print(&self, board: &Board, clips: &[ClipSummary], counts: &LinkCounts) -> Result<(), Failure> {
        if self.json {
            return output::print_json(&json!({
                "port": self.input.port.port, "board": board.info.name, "label": self.label, "clips": clips, "link": counts,
            }));
        }
        let row = |clip: &ClipSummary| {
            vec![
                clip.path.display().to_string(),
                clip.instants.to_string(),
                format!("{:.3} s", clip.seconds),
                clip.gaps.to_string(),
                clip.missing.to_string(),
            ]
        };
        let rows: Vec<Vec<String>> = clips.iter().map(row).collect();
        let right = [false, true, true, true, true];
        output::print(&output::table(&["file", "instants", "length", "gaps", "missing"], &right, &rows))
    }
}
