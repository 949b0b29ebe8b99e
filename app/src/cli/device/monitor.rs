//! `tinsmith device monitor`: what a board says, as it says it.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde_json::json;
use tinsmith_core::data::recording::{BoardInfo, RecorderSettings, SensorInfo, Stamp, Timeline};

use super::board::{Board, InputOptions, parse_seconds};
use crate::cli::messages::Messages;
use crate::cli::{Failure, interrupt, output};
use crate::device::{Event, LinkCounts, Request, Way};
use crate::input::Input;

/// Show who a board is, and each second what its sensors measure and what is lost on the way
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device monitor /dev/ttyUSB0
  tinsmith device monitor /dev/ttyUSB0 --seconds 5 --json
  tinsmith device monitor microphone --seconds 5")]
pub struct Monitor {
    #[command(flatten)]
    input: InputOptions,
    /// How long; until Ctrl-C if left out
    #[arg(long, value_parser = parse_seconds)]
    seconds: Option<f64>,
    /// Only this sensor, by name or id; may be given several times. All sensors if left out
    #[arg(long, value_name = "SENSOR")]
    sensor: Vec<String>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// One sensor so far.
#[derive(Debug, Serialize)]
struct Track {
    #[serde(flatten)]
    sensor: SensorInfo,
    instants: u64,
    gaps: u64,
    missing: u64,
    /// The newest values, in real units.
    newest: Vec<f32>,
    #[serde(skip)]
    timeline: Timeline,
    #[serde(skip)]
    shown: u64,
}

impl Track {
    fn new(sensor: SensorInfo) -> Self {
        let timeline = Timeline::new(sensor.rate_hz);
        Self { sensor, instants: 0, gaps: 0, missing: 0, newest: Vec::new(), timeline, shown: 0 }
    }

    fn take(&mut self, stamp: Stamp, bytes: &[u8]) {
        let width = self.sensor.instant_bytes();
        let Some(newest) = bytes.chunks_exact(width).last() else { return };
        let placed = self.timeline.place(stamp, bytes.len() / width);
        self.instants += (bytes.len() / width) as u64;
        self.gaps += u64::from(placed.gap.is_some());
        self.missing = self.missing.saturating_add(placed.gap.map_or(0, |gap| gap.missing));
        self.newest = self.sensor.real_values(newest);
    }

    /// A line about the time since the last one.
    fn line(&mut self, seconds: f64) -> String {
        let rate = (self.instants - self.shown) as f64 / seconds;
        self.shown = self.instants;
        let values = self.newest.iter().zip(&self.sensor.channels).map(|(value, c)| format!("{} {value:.3} {}", c.name, c.unit));
        let values = values.map(|value| value.trim_end().to_owned()).collect::<Vec<_>>().join(", ");
        format!("{}: {rate:.0} a second, missing {} in {} gaps; {values}\n", self.sensor.name, self.missing, self.gaps)
    }
}

impl Monitor {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        interrupt::catch();
        let board = self.input.open(messages)?;
        if !self.json {
            output::print(&describe(&board))?;
        }
        let (tracks, counts) = self.follow(&board, messages)?;
        if !self.json {
            return Ok(());
        }
        output::print_json(&json!({
            "port": self.input.port.port, "board": board.info.name, "firmware": board.info.firmware, "way": board.way,
            "baud": board.baud, "model": board.model.is_some(), "sensors": tracks, "link": counts,
        }))
    }

    fn follow(&self, board: &Board, messages: Messages) -> Result<(Vec<Track>, LinkCounts), Failure> {
        // Of plain lines, sensors are told of later.
        let mut tracks = if board.info.sensors.is_empty() { Vec::new() } else { self.start(board, &board.info)? };
        let mut counts = LinkCounts::default();
        let (began, mut shown) = (Instant::now(), Instant::now());
        while self.seconds.is_none_or(|seconds| began.elapsed().as_secs_f64() < seconds) {
            match board.next(messages) {
                Err(_) if interrupt::requested() => break,
                Err(error) => return Err(error),
                Ok(Some(Event::Sensors(info))) => tracks = self.start(board, &info)?,
                Ok(Some(Event::Counts(now))) => counts = now,
                Ok(Some(Event::Samples { sensor, stamp, instants })) => {
                    tracks.iter_mut().filter(|track| track.sensor.id == sensor).for_each(|track| track.take(stamp, &instants));
                }
                Ok(_) => {}
            }
            if !self.json && shown.elapsed() >= Duration::from_secs(1) {
                let seconds = shown.elapsed().as_secs_f64();
                output::print(&tracks.iter_mut().map(|track| track.line(seconds)).collect::<String>())?;
                shown = Instant::now();
            }
        }
        Ok((tracks, counts))
    }

    /// Starts the sensors that are wanted.
    fn start(&self, board: &Board, info: &BoardInfo) -> Result<Vec<Track>, Failure> {
        let settings = RecorderSettings { sensors: self.sensor.clone(), ..RecorderSettings::default() };
        let wanted = settings.sensors_of(info).map_err(|error| Failure::new(error.to_string()))?;
        let tracks: Vec<Track> = wanted.into_iter().cloned().map(Track::new).collect();
        tracks.iter().for_each(|track| board.input.ask(Request::Start(track.sensor.id)));
        Ok(tracks)
    }
}

/// Who the board is, in a few lines.
fn describe(board: &Board) -> String {
    let way = match (&board.input, board.way) {
        (Input::Microphone(_), _) => "microphone".to_owned(),
        (_, Way::Frames) => format!("device link, firmware {} at {} baud", board.info.firmware, board.baud),
        (_, Way::Lines) => format!("plain lines of numbers at {} baud", board.baud),
    };
    let model = if board.model.is_some() { ", runs a model" } else { "" };
    let mut text = format!("{}: {way}{model}\n", board.info.name);
    for sensor in &board.info.sensors {
        let names: Vec<&str> = sensor.channels.iter().map(|channel| channel.name.as_str()).collect();
        text.push_str(&format!("  {}: {} at {} Hz\n", sensor.name, names.join(", "), sensor.rate_hz));
    }
    text
}
