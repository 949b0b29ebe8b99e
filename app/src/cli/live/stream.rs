//! What is listened to: a recording, or a board's sensor.

use std::time::{Duration, Instant};

use tinsmith_core::data::features::{Form, Signal};
use tinsmith_core::data::recording::{RecorderSettings, SensorInfo, Timeline};
use tinsmith_core::live::{FrontEnd, LiveError, Sensor};

use super::Live;
use super::listen::Listening;
use crate::cli::device::board::{Board, refuse_microphone};
use crate::cli::messages::Messages;
use crate::cli::{Failure, interrupt, signals};
use crate::device::{Event, Request};

/// Seconds of a recording that are taken at once.
const PIECE_SECONDS: f64 = 0.1;
/// Instants a second of a microphone where nobody says otherwise.
const MICROPHONE_HZ: f64 = 16_000.0;
/// How long a board may send nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where instants come from, and the board that the model runs on, if it does.
pub struct Stream {
    /// The parts of a recording, of which something is missing in between.
    parts: Vec<Signal>,
    board: Option<Board>,
    /// The sensors of the board that may be listened to, then the one that is.
    sensors: Vec<SensorInfo>,
}

impl Stream {
    /// Opens what was named on the command line.
    pub fn open(options: &Live, messages: Messages) -> Result<Self, Failure> {
        let file = options.wav.as_ref().or(options.csv.as_ref());
        if let (Some(_), Some(port), false) = (file, &options.port, options.on_board) {
            let remedy = "leave one of them out, or add --on-board to run the model there";
            return Err(Failure::new(format!("{port} and a file cannot both be listened to; {remedy}")));
        }
        let mut parts = Vec::new();
        if let Some(path) = file {
            let recordings = signals::read_all(std::slice::from_ref(path), options.rate)?;
            parts.extend(recordings.into_iter().map(|recording| recording.signal));
            if let Some(other) = parts.iter().find(|part| part.form != Form::Series) {
                return Err(Failure::at(path, format_args!("it is {}, expected a recording", other.form.name())));
            }
        }
        let board = match &options.port {
            Some(port) if options.on_board && file.is_some() => Some(options.link.open_model_runner(port, messages)?),
            Some(port) => {
                if options.on_board {
                    refuse_microphone(port)?;
                }
                let board = options.link.open(port, options.rate.unwrap_or(MICROPHONE_HZ), options.channel, messages)?;
                if options.on_board {
                    board.check_runs_models(port)?;
                }
                Some(board)
            }
            None => None,
        };
        let sensors = match &board {
            Some(board) if file.is_none() => sensors_of(board, options.sensor.as_ref(), messages)?,
            _ => Vec::new(),
        };
        Ok(Self { parts, board, sensors })
    }

    /// The front end for what is listened to: of several sensors the first that has one.
    pub fn choose(&mut self, make: impl Fn(Sensor) -> Result<FrontEnd, LiveError>) -> Result<FrontEnd, LiveError> {
        if let Some(part) = self.parts.first() {
            return make(Sensor { rate_hz: part.rate_hz, channels: part.channels.clone() });
        }
        let mut trouble = None;
        for sensor in std::mem::take(&mut self.sensors) {
            match make(Sensor::of(&sensor)) {
                Ok(front) => {
                    self.sensors = vec![sensor];
                    return Ok(front);
                }
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        Err(trouble.unwrap_or_else(|| LiveError::Misfit("there is nothing to listen to".to_owned())))
    }

    /// Has everything listened to, until it ends or nobody wants more.
    pub fn play(&self, listening: &mut Listening<'_>) -> Result<(), Failure> {
        if let (Some(board), true) = (&self.board, listening.runs_on_board()) {
            listening.load(board)?;
        }
        match (&self.board, self.sensors.first()) {
            (Some(board), Some(sensor)) => play_board(board, sensor, listening)?,
            _ => self.play_file(listening)?,
        }
        self.board.as_ref().map_or(Ok(()), |board| listening.wait_for(board, 0))
    }

    fn play_file(&self, listening: &mut Listening<'_>) -> Result<(), Failure> {
        for (index, part) in self.parts.iter().enumerate() {
            // How much is missing between the parts of a log is not known: no window spans it.
            listening.gap(u64::from(index > 0));
            let instants = (PIECE_SECONDS * part.rate_hz).ceil().max(1.0) as usize;
            for piece in part.values.chunks(instants * part.channels.len()) {
                if interrupt::requested() || listening.is_over() {
                    return Ok(());
                }
                listening.take(piece, self.board.as_ref())?;
            }
        }
        Ok(())
    }
}

/// The sensors that may be listened to. Of plain lines they are only known after a while.
fn sensors_of(board: &Board, named: Option<&String>, messages: Messages) -> Result<Vec<SensorInfo>, Failure> {
    let mut info = board.info.clone();
    if info.sensors.is_empty() {
        info = board.answer(messages, |event| if let Event::Sensors(info) = event { Some(info) } else { None })?;
    }
    let settings = RecorderSettings { sensors: named.into_iter().cloned().collect(), ..RecorderSettings::default() };
    let wanted = settings.sensors_of(&info).map_err(|error| Failure::new(error.to_string()))?;
    Ok(wanted.into_iter().cloned().collect())
}

/// Until Ctrl-C, or for as long as was asked for.
fn play_board(board: &Board, sensor: &SensorInfo, listening: &mut Listening<'_>) -> Result<(), Failure> {
    board.input.ask(Request::Start(sensor.id));
    let mut timeline = Timeline::new(sensor.rate_hz);
    let (mut heard, mut is_first) = (Instant::now(), true);
    while !listening.is_over() {
        let event = match board.next(listening.messages()) {
            Err(_) if interrupt::requested() => break,
            other => other?,
        };
        match event {
            Some(Event::Samples { sensor: id, stamp, instants }) if id == sensor.id => {
                heard = Instant::now();
                let placed = timeline.place(stamp, instants.len() / sensor.instant_bytes());
                // Numbered by the board's clock: the same instants have the same windows whenever one begins to listen.
                if std::mem::take(&mut is_first) {
                    listening.begin_at((stamp.time_us as f64 * sensor.rate_hz / 1e6).round() as u64);
                }
                listening.gap(placed.gap.map_or(0, |gap| gap.missing));
                listening.take(&sensor.real_values(&instants), Some(board))?;
            }
            Some(event) => listening.hear(&event),
            None if heard.elapsed() > PATIENCE => {
                return Err(Failure::new(format!("{}: nothing comes from its sensor {}", board.info.name, sensor.name)));
            }
            None => {}
        }
    }
    board.input.ask(Request::Stop(sensor.id));
    // Ctrl-C has ended the listening; what the board was asked is still waited for.
    interrupt::done();
    Ok(())
}
