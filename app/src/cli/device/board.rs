//! What the commands that talk to a board share: its port, waiting for it, the model that it is to run.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tinsmith_core::data::recording::BoardInfo;
use tinsmith_core::export::compact::{Coding, compact};
use tinsmith_runtime::link::{Loaded, Status};
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
    /// Opens the port and waits until it is clear who is there.
    pub fn open(&self, reconnect: bool, messages: Messages) -> Result<Board, Failure> {
        self.link.open(&self.port, reconnect, messages)
    }
}

impl LinkOptions {
    /// Opens `port` and waits until it is clear who is there.
    pub fn open(&self, port: &str, reconnect: bool, messages: Messages) -> Result<Board, Failure> {
        let patience = Duration::from_secs_f64(self.patience);
        let settings = ConnectionSettings { baud: self.baud, patience, reconnect, ..ConnectionSettings::new(port) };
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

    /// Sends a compact model and has it run.
    pub fn load(&self, file: Vec<u8>, messages: Messages) -> Result<(), Failure> {
        self.connection.ask(crate::device::Request::Load(file));
        let loaded = |event| if let Event::Loaded(status) = event { Some(status) } else { None };
        match self.answer(messages, loaded)? {
            Status::Done => Ok(()),
            status => Err(Failure::new(format!("{}: {status}", self.info.name))),
        }
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

/// A compact model: a `.tin` file as it is, or an integer model of another format made compact.
pub fn compact_file(path: &Path, options: &ModelOptions) -> Result<Vec<u8>, Failure> {
    existing(path)?;
    let at = |error: &dyn std::fmt::Display| Failure::at(path, error);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tin")) {
        let file = std::fs::read(path).map_err(|error| at(&error))?;
        Model::parse(&file).map_err(|error| at(&error))?;
        return Ok(file);
    }
    let opened = options.open(path)?;
    Ok(compact(&opened.graph, Coding::Entropy).map_err(|error| at(&error))?.bytes)
}
