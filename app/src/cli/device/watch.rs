//! `tinsmith device watch`: a board runs its model on its own sensor.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use tinsmith_core::data::features::Stage;
use tinsmith_core::data::recording::{RecorderSettings, SensorInfo};
use tinsmith_core::live::{Reading, Runner, top};
use tinsmith_core::preview::{Job, exported};
use tinsmith_core::project::Outside;
use tinsmith_runtime::link::{Loaded, Status};

use super::board::{Board, PortOptions, model_file, parse_seconds};
use crate::cli::live::class_names;
use crate::cli::messages::Messages;
use crate::cli::model::OpenOptions;
use crate::cli::paths::{existing, is_project};
use crate::cli::run::{candidate_of, open_project};
use crate::cli::{Failure, interrupt, output};
use crate::device::{Event, ModelFile, Request};

/// Have a board compute features and run its model by itself, on what its sensor measures, and print what comes of it
///
/// What the firmware that export --target esp-idf and --target arduino write does without a computer. The board says whether a
/// front end is compiled in; where there is none, its model is given what the sensor measures. To compute the features here instead:
/// tinsmith live.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device watch /dev/ttyACM0 --project projects/keyword.ron --preset keyword
  tinsmith device watch /dev/ttyUSB0 --sensor imu --project int8.tflite --labels wing,ring,slope,negative
  tinsmith device watch /dev/ttyUSB0 --labels yes,no --stride 50 --seconds 10 --json")]
pub struct Watch {
    #[command(flatten)]
    port: PortOptions,
    /// The project (.ron), or the integer model, that the board runs: how its outputs are read, and what its classes are called. If
    /// left out, outputs are read as probabilities in int8
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    project: Option<PathBuf>,
    #[command(flatten)]
    options: OpenOptions,
    /// Names of the classes, in order; a project has its own
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    labels: Vec<String>,
    /// The board's sensor, by name or id; that of its front end if left out
    #[arg(long, value_name = "SENSOR")]
    sensor: Option<String>,
    /// From one window to the next, milliseconds
    #[arg(long, value_name = "MS", default_value = "100", value_parser = crate::cli::live::milliseconds)]
    stride: f64,
    /// How long; until Ctrl-C if left out
    #[arg(long, value_parser = parse_seconds)]
    seconds: Option<f64>,
    /// Open the project's files even where they lie outside its folder
    #[arg(long)]
    allow_outside: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// How the outputs of the board's model are read.
#[derive(Default)]
struct Reader {
    /// Nothing where the model is not known.
    runner: Option<Runner>,
    labels: Vec<String>,
    /// The forms in which a board may have it.
    forms: Vec<ModelFile>,
}

impl Watch {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        interrupt::catch();
        let job = self.job()?;
        let board = self.port.open_model_runner(messages)?;
        let name = &board.info.name;
        let Some(model) = board.model else {
            return Err(Failure::new(format!("{name} has no model; tinsmith device load sends one")));
        };
        let sensor = self.sensor_of(&board, model)?.clone();
        if self.takes_features(job.as_ref())? && model.front_end != Some(sensor.id) {
            return Err(Failure::new(format!(
                "{name} has no front end of {}, and the model takes features; flash what tinsmith export --target esp-idf \
                 or arduino writes, or use tinsmith live with --on-board",
                sensor.name
            )));
        }
        let reader = self.reader(job.as_ref(), messages)?;
        reader.check(&board, model)?;
        if model.front_end != Some(sensor.id) {
            messages.note(&format!("no front end of {} is compiled in: the model is given what it measures", sensor.name));
        }
        let stride = (self.stride * sensor.rate_hz / 1e3).round().clamp(1.0, f64::from(u32::MAX)) as u32;
        board.input.ask(Request::Watch(Some((sensor.id, stride))));
        board.input.ask(Request::Start(sensor.id));
        let told = self.follow(&board, &reader, &sensor, messages);
        board.input.ask(Request::Watch(None));
        board.input.ask(Request::Stop(sensor.id));
        let results = told?;
        if !self.json {
            return Ok(());
        }
        output::print_json(&json!({
            "port": self.port.port, "board": name, "sensor": sensor.name, "front_end": model.front_end == Some(sensor.id),
            "stride_instants": stride, "results": results,
        }))
    }

    /// Prints results, or keeps them for the end.
    fn follow(&self, board: &Board, reader: &Reader, sensor: &SensorInfo, messages: Messages) -> Result<Vec<Value>, Failure> {
        let (began, mut results) = (Instant::now(), Vec::new());
        while self.seconds.is_none_or(|seconds| began.elapsed().as_secs_f64() < seconds) {
            match board.next(messages) {
                Err(_) if interrupt::requested() => break,
                Err(error) => return Err(error),
                Ok(Some(Event::Refused(status))) => return Err(refused(board, sensor, status)),
                Ok(Some(Event::Result { request: 0, status: Status::Done, latency_us, time_us, output })) => {
                    let (class, score) = reader.read(&output)?;
                    let (time_s, label) = (time_us as f64 / 1e6, reader.label(class));
                    if self.json {
                        results.push(json!({
                            "time_s": time_s, "class": class, "label": label, "score": score, "latency_us": latency_us,
                        }));
                    } else {
                        let latency_ms = f64::from(latency_us) / 1e3;
                        output::print(&format!("{time_s:>10.3} s  {label} {score:.2}  {latency_ms:.2} ms\n"))?;
                    }
                }
                Ok(Some(Event::Result { request: 0, status, .. })) => {
                    return Err(Failure::new(format!("{}: {status}", board.info.name)));
                }
                Ok(_) => {}
            }
        }
        Ok(results)
    }

    /// The sensor that is named, that of the front end, or the only one.
    fn sensor_of<'a>(&self, board: &'a Board, model: Loaded) -> Result<&'a SensorInfo, Failure> {
        let of_front_end = model.front_end.map(|id| id.to_string());
        let sensors = self.sensor.clone().or(of_front_end).into_iter().collect();
        let settings = RecorderSettings { sensors, ..RecorderSettings::default() };
        let found = settings.sensors_of(&board.info).map_err(|error| Failure::new(error.to_string()))?;
        match found[..] {
            [sensor] => Ok(sensor),
            _ => {
                let names: Vec<&str> = found.iter().map(|sensor| sensor.name.as_str()).collect();
                Err(Failure::new(format!("say which sensor the model listens to: --sensor {}", names.join(" or --sensor "))))
            }
        }
    }

    /// The project, if it is one.
    fn job(&self) -> Result<Option<Job>, Failure> {
        let Some(path) = &self.project else { return Ok(None) };
        existing(path)?;
        if !is_project(path) {
            return Ok(None);
        }
        let outside = if self.allow_outside { Outside::Allow } else { Outside::Refuse };
        Ok(Some(open_project(path, outside, &self.options)?.job))
    }

    /// Whether the model is given anything but what a sensor measures, as far as the project or the options say.
    fn takes_features(&self, job: Option<&Job>) -> Result<bool, Failure> {
        let is_cut = |stage: &Stage| matches!(stage, Stage::Clip(_) | Stage::Window(_));
        let own = || job.and_then(Job::front_end).map(|front_end| front_end.pipeline.clone());
        let pipeline = self.options.data.features.pipeline()?.or_else(own);
        Ok(pipeline.is_some_and(|pipeline| !pipeline.stages.iter().all(is_cut)))
    }

    fn reader(&self, job: Option<&Job>, messages: Messages) -> Result<Reader, Failure> {
        let Some(path) = &self.project else { return Ok(Reader { labels: self.labels.clone(), ..Reader::default() }) };
        let (graph, of_data, as_is) = match job {
            Some(job) => {
                let graph = Arc::new(candidate_of(path, job, messages)?.graph.clone());
                let of_data = job.data.as_ref().map(|data| data.label_names.clone());
                (graph, of_data.unwrap_or_default(), None)
            }
            None => (self.options.model.open(path)?.graph, Vec::new(), Some(model_file(path, &self.options.model)?)),
        };
        let runner = Runner::new(&graph).map_err(|error| Failure::at(path, error))?;
        if runner.reading() == Reading::Distance {
            let remedy = "tinsmith live with --on-board sends the input and reads both";
            return Err(Failure::at(path, format!("an autoencoder's output means nothing without its input; {remedy}")));
        }
        let labels = class_names(runner.n_classes(), &self.labels, &of_data)?;
        let made = ModelFile::of(&graph, exported(&graph).ok()).map_err(|error| Failure::at(path, error))?;
        Ok(Reader { runner: Some(runner), labels, forms: as_is.into_iter().chain([made]).collect() })
    }
}

impl Reader {
    /// Refuses a board whose results would mean nothing.
    fn check(&self, board: &Board, model: Loaded) -> Result<(), Failure> {
        let name = &board.info.name;
        if self.runner.is_some() && !self.forms.iter().any(|form| form.is(Some(model))) {
            return Err(Failure::new(format!("{name} runs another model; tinsmith device load sends this one, or flash it")));
        }
        let (n, bytes) = (self.labels.len(), model.output_bytes as usize);
        if self.runner.is_none() && n > 0 && n != bytes {
            return Err(Failure::new(format!(
                "--labels names {n} classes, and the board's model puts out {bytes} bytes; --project says how to read them"
            )));
        }
        Ok(())
    }

    /// The class on top and its probability.
    fn read(&self, output: &[u8]) -> Result<(usize, f32), Failure> {
        let Some(runner) = &self.runner else {
            let values: Vec<f32> = output.iter().map(|&byte| (f32::from(byte as i8) + 128.0) / 256.0).collect();
            return Ok(top(&values));
        };
        let values = runner.read(output).map_err(|error| Failure::new(error.to_string()))?;
        Ok(top(&values))
    }

    fn label(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
    }
}

fn refused(board: &Board, sensor: &SensorInfo, status: Status) -> Failure {
    let (name, sensor) = (&board.info.name, &sensor.name);
    match status {
        Status::Unsupported => Failure::new(format!(
            "{name}: its model does not take what {sensor} measures; flash firmware with a front end for it, which tinsmith export \
             --target esp-idf or arduino writes of a project with features"
        )),
        status => Failure::new(format!("{name}: {status}")),
    }
}
