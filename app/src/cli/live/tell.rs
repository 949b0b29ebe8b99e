//! What is said of a stream: events as they happen, every step in a table, a summary at the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tinsmith_core::live::{Event, LatencyFigures, Live as Listener, Step};

use super::listen::OnBoard;
use crate::cli::{Failure, output};

/// Says events.
pub struct Teller<'a> {
    pub labels: &'a [String],
    /// Events are told at the end, in one object.
    pub is_silent: bool,
    /// When the stream began, by the sensor's clock: people count from there.
    pub began_s: f64,
}

impl Teller<'_> {
    /// `12.400 s  Yes 0.97, float: No 0.55, differs`.
    pub fn event(&self, event: &Event) -> Result<(), Failure> {
        if self.is_silent {
            return Ok(());
        }
        let said = |class: usize, probability: f32| format!("{} {probability:.2}", label(self.labels, class));
        let baseline = event.baseline.map_or_else(String::new, |(class, p)| format!(", float model: {}", said(class, p)));
        let differs = if event.differs { ", differs" } else { "" };
        let after_s = event.time_s - self.began_s;
        output::print(&format!("{after_s:>9.3} s  {}{baseline}{differs}\n", said(event.class, event.probability)))
    }
}

fn label(labels: &[String], class: usize) -> &str {
    labels.get(class).map_or("?", String::as_str)
}

/// A table of all steps.
pub struct Trace {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Trace {
    /// Begins the table: a row of names.
    pub fn create(path: &Path, labels: &[String]) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| Failure::writing(path, &error))?;
        let mut trace = Self { path: path.to_owned(), file: BufWriter::new(file) };
        let named = |of: &str| labels.iter().map(|label| format!(",{of}{}", label.replace([',', '"'], "_"))).collect::<String>();
        trace.write(&format!("step,first,time_s{}{}\n", named(""), named("float_")))?;
        Ok(trace)
    }

    /// A row: values as they are, so that they read back bit for bit.
    pub fn add(&mut self, step: &Step) -> Result<(), Failure> {
        let values = step.candidate.values.iter().chain(step.baseline.iter().flat_map(|said| &said.values));
        let values: String = values.map(|value| format!(",{value}")).collect();
        self.write(&format!("{},{},{}{values}\n", step.number, step.first, step.time_s))
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.file.write_all(text.as_bytes()).map_err(|error| Failure::writing(&self.path, &error))
    }

    /// Writes what is left.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| Failure::writing(&self.path, &error))
    }
}

/// What came of a stream.
pub struct Summary<'a> {
    pub labels: &'a [String],
    pub live: &'a Listener,
    pub seconds: f64,
    pub missing: u64,
    pub latency: LatencyFigures,
    /// Least, mean and greatest distance of an autoencoder.
    pub distances: Option<[f64; 3]>,
    pub board: Option<&'a OnBoard>,
}

impl Summary<'_> {
    pub fn print(&self) -> Result<(), Failure> {
        let (front, counts) = (self.live.front(), self.live.decider().counts());
        let (steps, same) = self.live.steps();
        let window_s = front.len() as f64 / front.sensor().rate_hz;
        let mut text = format!(
            "{:.1} s, {steps} windows of {window_s:.3} s; {}\nevents {}, {} below the threshold, {} held off\n",
            self.seconds,
            self.live.candidate().reading().words(),
            counts.events,
            counts.below,
            counts.held_off
        );
        if self.live.has_baseline() {
            text += &format!("same as the float model: {} of {} events, {same} of {steps} windows\n", counts.same, counts.events);
        }
        if let Some([least, mean, most]) = self.distances {
            text += &format!("distance {least:.4} to {most:.4}, mean {mean:.4}\n");
        }
        if self.missing > 0 {
            text += &format!("{} instants missing, {} windows left out\n", self.missing, front.skipped());
        }
        text += &latency_line("a step takes", &self.latency);
        if let Some(board) = self.board {
            let (same, answered) = board.agreement.counts();
            text += &format!("device agrees {same}/{answered}\n");
            text += &latency_line("a run on the board takes", &board.latencies.figures());
            if board.left_out > 0 {
                text += &format!("{} windows came while the board was busy\n", board.left_out);
            }
        }
        output::print(&text)
    }

    pub fn print_json(&self) -> Result<(), Failure> {
        let (decider, front) = (self.live.decider(), self.live.front());
        let (steps, same) = self.live.steps();
        let events: Vec<Value> = decider.events().map(|event| self.event_json(event)).collect();
        let board = self.board.map(|board| {
            let (same, answered) = board.agreement.counts();
            json!({ "agree": same, "windows": answered, "left_out": board.left_out, "latency_us": board.latencies.figures() })
        });
        output::print_json(&json!({
            "labels": self.labels,
            "reading": self.live.candidate().reading(),
            "settings": decider.settings(),
            "rate_hz": front.sensor().rate_hz,
            "window_instants": front.len(),
            "stride_instants": front.stride(),
            "seconds": self.seconds,
            "events": events,
            "counts": decider.counts(),
            "steps": steps,
            "steps_same": self.live.has_baseline().then_some(same),
            "missing": self.missing,
            "windows_left_out": front.skipped(),
            "distance": self.distances,
            "step_us": self.latency,
            "board": board,
        }))
    }

    fn event_json(&self, event: &Event) -> Value {
        json!({
            "time_s": event.time_s,
            "step": event.step,
            "class": label(self.labels, event.class),
            "probability": event.probability,
            "baseline": event.baseline.map(|(class, probability)| {
                json!({ "class": label(self.labels, class), "probability": probability })
            }),
            "differs": event.differs,
        })
    }
}

fn latency_line(what: &str, figures: &LatencyFigures) -> String {
    let ms = |us: u32| f64::from(us) / 1e3;
    let LatencyFigures { mean_us, p50_us, p95_us, p99_us, max_us, .. } = *figures;
    let [mean, p50, p95, p99, max] = [mean_us, p50_us, p95_us, p99_us, max_us].map(ms);
    format!("{what} {mean:.2} ms; half at most {p50:.2}, 95 % {p95:.2}, 99 % {p99:.2}, all {max:.2}\n")
}
