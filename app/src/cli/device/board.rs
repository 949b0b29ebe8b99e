//! What the commands that talk to a board share: its port, waiting for it, the model that it is to run.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use tinsmith_core::data::recording::BoardInfo;
use tinsmith_runtime::link::{Loaded, Status};
use tinsmith_runtime::model::Model;

use crate::cli::messages::Messages;
use crate::cli::model::ModelOptions;
use crate::cli::paths::existing;
use crate::cli::{Failure, interrupt};
use crate::device::{Connection, ConnectionSettings, Event, ModelFile, Way, remedy};
use crate::input::Input;
use crate::microphone::{Channel, Microphone, MicrophoneInfo, MicrophoneSettings};

/// How often Ctrl-C is looked for while a board is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// How long a board may take for what it is asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// What stands in place of a port for the default microphone, and in front of the name of another.
const MICROPHONE: &str = "microphone";

/// A port, and how it is opened.
#[derive(Debug, Args)]
pub struct PortOptions {
    /// The port; see tinsmith device ports
    pub port: String,
    #[command(flatten)]
    link: LinkOptions,
}

/// How a port is opened.
#[derive(Debug, Args)]
pub struct LinkOptions {
    /// Bits a second; if left out, 921600 and 115200 are tried. Native USB takes any
    #[arg(long, value_name = "BAUD", value_parser = clap::value_parser!(u32).range(300..=12_000_000))]
    baud: Option<u32>,
    /// How long the board may take to say who it is
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = parse_seconds)]
    patience: f64,
}

/// What is to be measured with: a port or a microphone, and how it is opened.
#[derive(Debug, Args)]
#[command(mut_arg("port", |port| port.help(INPUT_HELP)))]
pub struct InputOptions {
    #[command(flatten)]
    pub port: PortOptions,
    /// Of a microphone: how many instants a second are wanted. It is opened at its own rate, and resampled
    #[arg(long, value_name = "HZ", default_value = "16000", value_parser = parse_rate)]
    rate: f64,
    /// Of a microphone: only this channel, counted from 1. The mean of all if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    channel: Option<u16>,
}

const INPUT_HELP: &str =
    "The port, or microphone for the default microphone, or microphone:NAME for another; see tinsmith device ports";

fn parse_rate(text: &str) -> Result<f64, String> {
    let is_rate = |rate: &f64| (1000.0..=192_000.0).contains(rate);
    text.parse().ok().filter(is_rate).ok_or_else(|| "expected Hz, from 1000 to 192000".to_owned())
}

/// What to give as a port for a microphone.
pub fn port_of(microphone: &MicrophoneInfo) -> String {
    if microphone.is_default { MICROPHONE.to_owned() } else { format!("{MICROPHONE}:{}", microphone.name) }
}

/// The microphone that is given as a port: `Some(None)` for the default one, nothing for a board's port.
fn microphone_of(port: &str) -> Option<Option<&str>> {
    match port.strip_prefix(MICROPHONE)? {
        "" => Some(None),
        name => name.strip_prefix(':').map(Some),
    }
}

/// Refuses a microphone where a model is to be run.
pub fn refuse_microphone(port: &str) -> Result<(), Failure> {
    match microphone_of(port) {
        Some(_) => Err(Failure::new(format!("{port}: a microphone runs no models; give a board's port"))),
        None => Ok(()),
    }
}

/// Parses a number of seconds.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let is_long = |seconds: &f64| (0.001..=1e7).contains(seconds);
    text.parse().ok().filter(is_long).ok_or_else(|| "expected seconds, such as 10 or 0.5".to_owned())
}

/// A board, or a microphone, that has said who it is.
pub struct Board {
    pub input: Input,
    pub way: Way,
    pub baud: u32,
    pub info: BoardInfo,
    pub model: Option<Loaded>,
}

impl PortOptions {
    /// Opens the port, waits until it is clear who is there, and refuses who cannot run models.
    pub fn open_model_runner(&self, messages: Messages) -> Result<Board, Failure> {
        self.link.open_model_runner(&self.port, messages)
    }
}

impl LinkOptions {
    /// Opens `port`, waits until it is clear who is there, and refuses who cannot run models.
    pub fn open_model_runner(&self, port: &str, messages: Messages) -> Result<Board, Failure> {
        refuse_microphone(port)?;
        let board = Board::meet(self.connect(port, false), messages)?;
        board.check_runs_models(port)?;
        Ok(board)
    }

    fn connect(&self, port: &str, reconnect: bool) -> Input {
        let patience = Duration::from_secs_f64(self.patience);
        let settings = ConnectionSettings { baud: self.baud, patience, reconnect, ..ConnectionSettings::new(port) };
        Input::Board(Connection::open(ConnectionSettings { lossless: true, ..settings }))
    }

    /// Opens `port`, or the microphone that is given as one at `rate_hz`, and waits until it is clear who is there.
    pub fn open(&self, port: &str, rate_hz: f64, channel: Option<u16>, messages: Messages) -> Result<Board, Failure> {
        Board::meet(self.input(port, rate_hz, channel), messages)
    }

    fn input(&self, port: &str, rate_hz: f64, channel: Option<u16>) -> Input {
        let Some(name) = microphone_of(port) else { return self.connect(port, true) };
        let settings = MicrophoneSettings {
            name: name.map(str::to_owned),
            rate_hz,
            channel: channel.map_or(Channel::Mean, |channel| Channel::Only(channel - 1)),
            lossless: true,
            ..MicrophoneSettings::default()
        };
        Input::Microphone(Microphone::open(settings))
    }
}

impl InputOptions {
    /// Opens the port or the microphone and waits until it is clear who is there.
    pub fn open(&self, messages: Messages) -> Result<Board, Failure> {
        self.port.link.open(&self.port.port, self.rate, self.channel, messages)
    }

    /// Opens the port or the microphone.
    pub fn input(&self) -> Input {
        self.port.link.input(&self.port.port, self.rate, self.channel)
    }
}

impl Board {
    fn meet(input: Input, messages: Messages) -> Result<Self, Failure> {
        loop {
            if let Some(Event::Connected { way, baud, board: info, model }) = next(&input, messages)? {
                return Ok(Self { input, way, baud, info, model });
            }
        }
    }

    /// The next event but for those that are told on the way; nothing after a while.
    pub fn next(&self, messages: Messages) -> Result<Option<Event>, Failure> {
        next(&self.input, messages)
    }

    /// Waits for an answer. As long as a model is being sent and the board takes it, nothing is late.
    pub fn answer<T>(&self, messages: Messages, mut wanted: impl FnMut(Event) -> Option<T>) -> Result<T, Failure> {
        let progress = messages.progress();
        let mut since = Instant::now();
        while since.elapsed() < PATIENCE {
            match self.next(messages)? {
                Some(Event::Loading { held, total }) => {
                    progress.show("loading", held, total);
                    since = Instant::now();
                }
                other => {
                    if let Some(answer) = other.and_then(&mut wanted) {
                        return Ok(answer);
                    }
                }
            }
        }
        Err(Failure::new("the board does not answer; press its reset button"))
    }

    /// Refuses a board that cannot run models.
    pub fn check_runs_models(&self, port: &str) -> Result<(), Failure> {
        match self.way {
            Way::Frames => Ok(()),
            Way::Lines => Err(Failure::new(format!(
                "{port}: this board prints plain lines; flash firmware that speaks the device link to run models on it"
            ))),
        }
    }

    /// Sends a model and has it run, in the form that the board reads. Bytes of that form.
    pub fn load(&self, model: &ModelFile, messages: Messages) -> Result<usize, Failure> {
        for (_, form) in model.forms() {
            self.input.ask(crate::device::Request::Load(form.clone()));
            let loaded = |event| if let Event::Loaded(status) = event { Some(status) } else { None };
            match self.answer(messages, loaded)? {
                Status::Done => return Ok(form.len()),
                // Firmware reads one form or the other.
                Status::Model => {}
                status => return Err(self.refused(status)),
            }
        }
        Err(self.refused(Status::Model))
    }

    fn refused(&self, status: Status) -> Failure {
        Failure::new(format!("{}: {status}; {}", self.info.name, remedy(status)))
    }
}

fn next(input: &Input, messages: Messages) -> Result<Option<Event>, Failure> {
    if interrupt::requested() {
        return Err(Failure::new("interrupted"));
    }
    match input.wait(LOOK) {
        Some(Event::Failed(error)) => Err(error.into()),
        Some(Event::Log(_, text)) => {
            messages.note(&format!("the board says: {text}"));
            Ok(None)
        }
        Some(Event::Disconnected) => {
            messages.note("it went away; waiting for it, plug it in again");
            Ok(Some(Event::Disconnected))
        }
        Some(back @ Event::Reconnected { .. }) => {
            messages.note("it is back");
            Ok(Some(back))
        }
        other => Ok(other),
    }
}

/// A `.tin` file as it is, or an integer model of another format in both forms that boards read.
pub fn model_file(path: &Path, options: &ModelOptions) -> Result<ModelFile, Failure> {
    existing(path)?;
    let at = |error: &dyn std::fmt::Display| Failure::at(path, error);
    let is = |extension: &str| path.extension().is_some_and(|of| of.eq_ignore_ascii_case(extension));
    let read = || std::fs::read(path).map_err(|error| at(&error));
    if is("tin") {
        let compact = read()?;
        Model::parse(&compact).map_err(|error| at(&error))?;
        return Ok(ModelFile::compact(compact));
    }
    let opened = options.open(path)?;
    let tflite = if is("tflite") { Some(read()?) } else { None };
    ModelFile::of(&opened.graph, tflite).map_err(|error| at(&error))
}
