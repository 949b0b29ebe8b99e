//! What the commands that talk to a board share: its port, waiting for it, the model that it is to run.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tinsmith_core::data::recording::BoardInfo;
use tinsmith_core::export::compact::{Coding, compact};
use tinsmith_core::formats::tflite::{ExportOptions, export};
use tinsmith_runtime::link::{Loaded, Status, content_hash};
use tinsmith_runtime::model::Model;

use crate::cli::messages::Messages;
use crate::cli::model::ModelOptions;
use crate::cli::paths::existing;
use crate::cli::{Failure, interrupt};
use crate::device::{Connection, ConnectionSettings, Event, Way};

/// How often Ctrl-C is looked for while a board is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// How long a board may take for what it is asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// A port, and how it is opened.
#[derive(Debug, Args)]
pub struct PortOptions {
    /// The port; see tinsmith device ports
    pub port: String,
    /// Bits a second; if left out, 921600 and 115200 are tried. Native USB takes any
    #[arg(long, value_name = "BAUD", value_parser = clap::value_parser!(u32).range(300..=12_000_000))]
    baud: Option<u32>,
    /// How long the board may take to say who it is
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = parse_seconds)]
    patience: f64,
}

/// Parses a number of seconds.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let is_long = |seconds: &f64| (0.001..=1e7).contains(seconds);
    text.parse().ok().filter(is_long).ok_or_else(|| "expected seconds, such as 10 or 0.5".to_owned())
}

/// A board that has said who it is.
pub struct Board {
    pub connection: Connection,
    pub way: Way,
    pub baud: u32,
    pub info: BoardInfo,
    pub model: Option<Loaded>,
}

impl PortOptions {
    /// Opens the port and waits until it is clear who is there. `settings` may say more than these options.
    pub fn open(&self, reconnect: bool, messages: Messages) -> Result<Board, Failure> {
        let patience = Duration::from_secs_f64(self.patience);
        let settings = ConnectionSettings { baud: self.baud, patience, reconnect, ..ConnectionSettings::new(&self.port) };
        let connection = Connection::open(ConnectionSettings { lossless: true, ..settings });
        loop {
            if let Some(Event::Connected { way, baud, board: info, model }) = next(&connection, messages)? {
                return Ok(Board { connection, way, baud, info, model });
            }
        }
    }
}

impl Board {
    /// The next event but for those that are told on the way; nothing after a while.
    pub fn next(&self, messages: Messages) -> Result<Option<Event>, Failure> {
        next(&self.connection, messages)
    }

    /// Waits for an answer.
    pub fn answer<T>(&self, messages: Messages, mut wanted: impl FnMut(Event) -> Option<T>) -> Result<T, Failure> {
        let end = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < end {
            if let Some(answer) = self.next(messages)?.and_then(&mut wanted) {
                return Ok(answer);
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
    pub fn load(&self, model: ModelFile, messages: Messages) -> Result<usize, Failure> {
        let mut refused = Status::Model;
        for form in std::iter::once(model.compact).chain(model.tflite) {
            let n_bytes = form.len();
            self.connection.ask(crate::device::Request::Load(form));
            let loaded = |event| if let Event::Loaded(status) = event { Some(status) } else { None };
            match self.answer(messages, loaded)? {
                Status::Done => return Ok(n_bytes),
                // Firmware reads one form or the other.
                Status::Model => {}
                status => {
                    refused = status;
                    break;
                }
            }
        }
        Err(Failure::new(format!("{}: {refused}", self.info.name)))
    }
}

fn next(connection: &Connection, messages: Messages) -> Result<Option<Event>, Failure> {
    if interrupt::requested() {
        return Err(Failure::new("interrupted"));
    }
    match connection.wait(LOOK) {
        Some(Event::Failed(error)) => Err(error.into()),
        Some(Event::Log(_, text)) => {
            messages.note(&format!("the board says: {text}"));
            Ok(None)
        }
        Some(Event::Disconnected) => {
            messages.note("the board went away; waiting for it, plug it in again");
            Ok(Some(Event::Disconnected))
        }
        Some(Event::Reconnected) => {
            messages.note("the board is back");
            Ok(Some(Event::Reconnected))
        }
        other => Ok(other),
    }
}

/// A model as boards read it.
pub struct ModelFile {
    /// For firmware with Tinsmith's own runtime.
    compact: Vec<u8>,
    /// For firmware with TensorFlow Lite Micro; a compact model cannot be made into it.
    tflite: Option<Vec<u8>>,
}

impl ModelFile {
    /// A `.tin` file as it is, or an integer model of another format in both forms.
    pub fn open(path: &Path, options: &ModelOptions) -> Result<Self, Failure> {
        existing(path)?;
        let at = |error: &dyn std::fmt::Display| Failure::at(path, error);
        let is = |extension: &str| path.extension().is_some_and(|of| of.eq_ignore_ascii_case(extension));
        let read = || std::fs::read(path).map_err(|error| at(&error));
        if is("tin") {
            let compact = read()?;
            Model::parse(&compact).map_err(|error| at(&error))?;
            return Ok(Self { compact, tflite: None });
        }
        let opened = options.open(path)?;
        let compact = compact(&opened.graph, Coding::Entropy).map_err(|error| at(&error))?.bytes;
        // What is sent is what was compiled into the firmware, to the byte.
        let tflite = if is("tflite") { Ok(read()?) } else { export(&opened.graph, &ExportOptions::default()) };
        Ok(Self { compact, tflite: Some(tflite.map_err(|error| at(&error))?) })
    }

    /// The compact form.
    pub fn into_compact(self) -> Vec<u8> {
        self.compact
    }

    /// Whether it is this model that a board runs.
    pub fn is(&self, loaded: Option<Loaded>) -> bool {
        let mut forms = std::iter::once(&self.compact).chain(&self.tflite);
        loaded.is_some_and(|loaded| forms.any(|form| content_hash(form) == loaded.hash))
    }
}
