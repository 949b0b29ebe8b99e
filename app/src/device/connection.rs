//! One board: a thread that opens its port, asks, listens, records, and comes back after the cable was pulled.

use std::collections::VecDeque;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::{Duration, Instant};

use tinsmith_core::data::recording::{Block, BoardInfo, Ended, RecorderSettings};
use tinsmith_runtime::link::{ALL_SENSORS, Command, Level, Loaded, Report, Status};

use super::DeviceError;
use super::detect::{Detected, Search, Way, detect};
use super::messages::{ConnectionSettings, Event, Request};
use super::port::OpenPort;
use super::receive::{Heard, Receive, encode_command};
use super::record::Recordings;
use super::talk::{Ears, Talk};
use super::upload::{Progress, Upload, What};

/// How often counts are told.
const TELL: Duration = Duration::from_millis(250);
/// How often a silent board is opened again before it is left alone: then its sensors are what is silent.
const MOST_SILENCES: u32 = 2;
/// Slow sensors may take longer: so many instants.
const FEW_INSTANTS: f64 = 4.0;
/// So many times longer is waited for a board that runs a model, which may take its time.
const RUNS_A_MODEL: u32 = 8;
/// No model is waited for as if it took longer: what a board says of itself may be nonsense.
const MOST_SLOW: Duration = Duration::from_secs(60);
/// How often a port that vanished is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// A board, for as long as this lives.
#[derive(Debug)]
pub struct Connection(Talk);

impl Connection {
    /// Opens a port. Returns at once; the first event is [`Event::Connected`] or [`Event::Failed`].
    pub fn open(settings: ConnectionSettings) -> Self {
        Self(Talk::start(settings.lossless, |ears| {
            let outbox = ears.outbox.clone();
            let mut worker = Worker::new(settings, ears);
            let outcome = worker.run();
            worker.end_recording(if outcome.is_err() { Ended::Unplugged } else { Ended::Stopped });
            if let Err(error) = outcome {
                outbox.send(Event::Failed(error));
            }
        }))
    }
}

impl Deref for Connection {
    type Target = Talk;

    fn deref(&self) -> &Talk {
        &self.0
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Talk {
        &mut self.0
    }
}

/// Why a port is served no longer.
enum Left {
    /// Nobody wants it any more.
    Closed,
    /// It went.
    Unplugged,
}

struct Worker {
    settings: ConnectionSettings,
    ears: Ears,
    began: Instant,
    way: Way,
    baud: Option<u32>,
    board: BoardInfo,
    receive: Receive,
    /// Sensors that were asked for, and what is watched.
    started: Vec<u8>,
    watched: Option<(u8, u32)>,
    uploads: VecDeque<Upload>,
    /// Pieces of an output so far, and its request, time and length.
    result: Vec<u8>,
    result_of: (u32, u64, u32),
    sequence: u16,
    recordings: Recordings,
    /// A recording that waits until it is clear what is in plain lines.
    wanted: Option<RecorderSettings>,
    told: Instant,
    /// When something was heard of a sensor last, or asked of one.
    heard: Instant,
    /// How often nothing was for too long, since then.
    silences: u32,
    /// The longest that the model which runs has taken so far.
    slowest: Duration,
}

impl Worker {
    fn new(settings: ConnectionSettings, ears: Ears) -> Self {
        Self {
            baud: settings.baud,
            settings,
            recordings: Recordings::new(ears.outbox.clone()),
            ears,
            began: Instant::now(),
            way: Way::Frames,
            board: BoardInfo::default(),
            receive: Receive::new(Way::Frames),
            started: Vec::new(),
            watched: None,
            uploads: VecDeque::new(),
            result: Vec::new(),
            result_of: (0, 0, 0),
            sequence: 0,
            wanted: None,
            told: Instant::now(),
            heard: Instant::now(),
            silences: 0,
            slowest: Duration::ZERO,
        }
    }

    fn run(&mut self) -> Result<(), DeviceError> {
        let (mut port, found) = self.connect()?;
        (self.way, self.baud, self.board) = (found.way, Some(found.baud), found.board.clone());
        self.receive = Receive::new(found.way);
        let (way, baud, board, model) = (found.way, found.baud, found.board, found.model);
        self.ears.outbox.send(Event::Connected { way, baud, board, model });
        while let Left::Unplugged = self.serve(&mut port) {
            drop(port);
            if !self.settings.reconnect {
                return Err(DeviceError::Gone { port: self.settings.port.clone() });
            }
            self.ears.outbox.send(Event::Disconnected);
            match self.come_back()? {
                Some((again, model)) => {
                    port = again;
                    self.receive.reconnected();
                    self.ears.outbox.send(Event::Reconnected { model });
                }
                None => {
                    self.end_recording(Ended::Unplugged);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn connect(&self) -> Result<(OpenPort, Detected), DeviceError> {
        let ConnectionSettings { port: name, patience, .. } = &self.settings;
        let mut port = OpenPort::open(name, self.baud.unwrap_or(921_600))?;
        let found = detect(&mut port, &Search { name, baud: self.baud, patience: *patience, stop: &self.ears.stop })?;
        Ok((port, found))
    }

    /// Waits for the board; nothing if it is wanted no longer.
    fn come_back(&mut self) -> Result<Option<(OpenPort, Option<Loaded>)>, DeviceError> {
        let mut is_told = false;
        loop {
            thread::sleep(LOOK);
            // What is asked meanwhile is done when the board is back, but for the end of a recording.
            match self.ears.requests.try_recv() {
                Ok(request) => self.note(request),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(None),
            }
            let (port, found) = match self.connect() {
                Ok(found) => found,
                // Waiting alone does not help; it is waited nevertheless, until the user has.
                Err(error @ (DeviceError::Busy { .. } | DeviceError::Permission { .. } | DeviceError::Protocol { .. })) => {
                    if !std::mem::replace(&mut is_told, true) {
                        self.ears.outbox.send(Event::Log(Level::Warning, error.to_string()));
                    }
                    continue;
                }
                // A board that has just been plugged in may take a while to answer.
                Err(_) => continue,
            };
            if self.way == Way::Frames && !found.board.is_same(&self.board) {
                // Two of one kind differ by their numbers alone.
                let named = |board: &BoardInfo| format!("{} of number {:x}", board.name, board.number);
                let (before, now) = (named(&self.board), named(&found.board));
                return Err(DeviceError::Other { port: self.settings.port.clone(), before, now });
            }
            if self.way == Way::Frames && found.board.sensors != self.board.sensors {
                return Err(DeviceError::OtherSensors { port: self.settings.port.clone(), board: self.board.name.clone() });
            }
            return Ok(Some((port, found.model)));
        }
    }

    /// A request while the board is away.
    fn note(&mut self, request: Request) {
        match request {
            Request::Start(sensor) => self.started.push(sensor),
            Request::Stop(sensor) => self.started.retain(|other| *other != sensor && sensor != ALL_SENSORS),
            Request::Watch(watched) => self.watched = watched,
            Request::EndRecording => self.end_recording_when_asked(Ended::Unplugged),
            Request::Infer(request, bytes) => self.uploads.push_back(Upload::new(What::Input(request), bytes)),
            Request::Load(bytes) => self.uploads.push_back(Upload::new(What::Model, bytes)),
            // What it would tell is gone with its power.
            Request::GetStats(_) => {}
            Request::Record(_) => {
                self.ears.outbox.send(Event::RecordingFailed("the board is away; plug it in again".to_owned()));
            }
        }
    }

    fn serve(&mut self, port: &mut OpenPort) -> Left {
        match self.exchange(port) {
            Ok(()) => Left::Closed,
            Err(_) => Left::Unplugged,
        }
    }

    /// Until nobody wants the port any more.
    fn exchange(&mut self, port: &mut OpenPort) -> io::Result<()> {
        self.uploads.iter_mut().for_each(Upload::restart);
        self.ask_again(port)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            loop {
                match self.ears.requests.try_recv() {
                    Ok(request) => self.act(port, request)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return self.leave(port),
                }
            }
            let n = port.read(&mut buffer)?;
            self.take(&buffer[..n]);
            self.send_pieces(port)?;
            self.tick(port)?;
        }
    }

    /// Asks for what was asked for before: a board that began anew knows nothing of it.
    fn ask_again(&mut self, port: &mut OpenPort) -> io::Result<()> {
        self.heard = Instant::now();
        for sensor in self.started.clone() {
            self.command(port, &Command::Start { sensor, rate_mhz: 0 })?;
        }
        if let Some((sensor, stride)) = self.watched {
            self.command(port, &Command::Watch { on: true, sensor, stride })?;
        }
        Ok(())
    }

    /// Says goodbye.
    fn leave(&mut self, port: &mut OpenPort) -> io::Result<()> {
        self.command(port, &Command::Stop { sensor: ALL_SENSORS })?;
        self.tell();
        Ok(())
    }

    /// Sends a command as a frame. A board of plain lines is not spoken to.
    fn command(&mut self, port: &mut OpenPort, command: &Command<'_>) -> io::Result<u16> {
        let sequence = self.sequence;
        if self.way == Way::Frames {
            self.sequence = sequence.wrapping_add(1);
            port.write(&encode_command(command, sequence))?;
        }
        Ok(sequence)
    }

    fn act(&mut self, port: &mut OpenPort, request: Request) -> io::Result<()> {
        match request {
            Request::Start(sensor) => self.start(port, sensor)?,
            Request::Stop(sensor) => {
                self.started.retain(|other| *other != sensor && sensor != ALL_SENSORS);
                self.command(port, &Command::Stop { sensor })?;
            }
            Request::Infer(request, bytes) => self.uploads.push_back(Upload::new(What::Input(request), bytes)),
            Request::Load(bytes) => self.uploads.push_back(Upload::new(What::Model, bytes)),
            Request::Watch(watched) => {
                self.watched = watched;
                let (sensor, stride) = watched.unwrap_or_default();
                self.command(port, &Command::Watch { on: watched.is_some(), sensor, stride })?;
            }
            Request::GetStats(reset) => drop(self.command(port, &Command::GetStats { reset })?),
            Request::Record(settings) => {
                self.end_recording(Ended::Stopped);
                self.wanted = Some(settings);
            }
            Request::EndRecording => self.end_recording_when_asked(Ended::Stopped),
        }
        Ok(())
    }

    fn start(&mut self, port: &mut OpenPort, sensor: u8) -> io::Result<()> {
        if !self.started.contains(&sensor) {
            self.started.push(sensor);
            self.heard = Instant::now();
            self.command(port, &Command::Start { sensor, rate_mhz: 0 })?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let arrival_us = self.began.elapsed().as_micros() as u64;
        // Out of `self` while it is called back.
        let mut receive = std::mem::replace(&mut self.receive, Receive::new(Way::Lines));
        receive.take(bytes, arrival_us, |heard| match heard {
            Heard::Block(block) => self.block(&block),
            Heard::Report(report) => self.report(report),
        });
        self.receive = receive;
        // Only now are the counts there again.
        if self.recordings.is_full() {
            self.end_recording(Ended::Stopped);
        }
    }

    fn block(&mut self, block: &Block<'_>) {
        (self.heard, self.silences) = (Instant::now(), 0);
        self.recordings.add(block);
        self.ears.outbox.samples(block);
    }

    fn report(&mut self, report: Report<'_>) {
        match report {
            Report::Result { request, status, latency_us, time_us, output } => {
                let of = (request, time_us, output.total);
                if output.offset == 0 {
                    self.result.clear();
                    self.result_of = of;
                }
                // A piece that does not follow the one before belongs to an output that was damaged.
                if of != self.result_of || output.offset as usize != self.result.len() {
                    return;
                }
                self.result.extend(output.bytes);
                if output.is_last() {
                    self.slowest = self.slowest.max(Duration::from_micros(latency_us.into())).min(MOST_SLOW);
                    self.uploads.pop_front_if(|upload| upload.what() == What::Input(request));
                    let output = std::mem::take(&mut self.result);
                    self.ears.outbox.send(Event::Result { request, status, latency_us, time_us, output });
                }
            }
            Report::Ack { sequence, status, held } => self.acknowledged(sequence, status, held),
            Report::Stats(stats) => self.ears.outbox.send(Event::Stats(stats)),
            Report::Log { level, text } => self.ears.outbox.offer(|| Event::Log(level, text.to_owned())),
            // An answer to what was asked while it was found out who is there.
            Report::Hello { .. } | Report::Samples { .. } => {}
        }
    }

    fn acknowledged(&mut self, sequence: u16, status: Status, held: u32) {
        let progress = self.uploads.front_mut().and_then(|upload| upload.answered(sequence, status, held));
        match progress {
            Some(Progress::Ended(status)) => self.upload_ended(status),
            Some(Progress::Going) => {
                if let Some((held, total)) = self.uploads.front().and_then(Upload::progress) {
                    self.ears.outbox.send(Event::Loading { held, total });
                }
            }
            None if status != Status::Done => self.ears.outbox.send(Event::Refused(status)),
            None => {}
        }
    }

    fn upload_ended(&mut self, status: Status) {
        let Some(upload) = self.uploads.pop_front() else { return };
        if upload.what() == What::Model && status == Status::Done {
            self.slowest = Duration::ZERO;
        }
        self.ears.outbox.send(match upload.what() {
            What::Model => Event::Loaded(status),
            What::Input(request) => Event::Result { request, status, latency_us: 0, time_us: 0, output: Vec::new() },
        });
    }

    /// Sends the next piece of the first upload, or has a model run that is there.
    fn send_pieces(&mut self, port: &mut OpenPort) -> io::Result<()> {
        let Some(mut upload) = self.uploads.pop_front() else { return Ok(()) };
        if let Progress::Ended(status) = upload.tick(Instant::now(), self.slowest) {
            self.uploads.push_front(upload);
            self.upload_ended(status);
            return Ok(());
        }
        if let Some(command) = upload.next() {
            let sequence = self.command(port, &command)?;
            upload.sent(sequence);
        }
        self.uploads.push_front(upload);
        Ok(())
    }

    /// What is due now and then.
    fn tick(&mut self, port: &mut OpenPort) -> io::Result<()> {
        if self.told.elapsed() >= TELL {
            self.tell();
        }
        if self.board.sensors.is_empty() && self.receive.complete(&mut self.board) && self.way == Way::Lines {
            self.ears.outbox.send(Event::Sensors(self.board.clone()));
        }
        // Frames tell of all sensors at once: where there are none, none will come.
        if (!self.board.sensors.is_empty() || self.way == Way::Frames)
            && let Some(settings) = self.wanted.take()
        {
            self.record(port, settings)?;
        }
        self.check_silence(port)
    }

    /// A board that should send and does not is as good as unplugged. If opening it again does not help its sensors are what is
    /// silent; it is asked again now and then, for who mends a wire presses the reset button.
    fn check_silence(&mut self, port: &mut OpenPort) -> io::Result<()> {
        let runs_a_model = !self.uploads.is_empty() || self.watched.is_some();
        let mut most = self.settings.silence * if runs_a_model { RUNS_A_MODEL } else { 1 };
        let started = self.board.sensors.iter().filter(|sensor| self.started.contains(&sensor.id));
        let rate_hz = started.map(|sensor| sensor.rate_hz).fold(0.0, f64::max);
        most += Duration::try_from_secs_f64(FEW_INSTANTS / rate_hz).unwrap_or_default();
        if self.way == Way::Lines || self.started.is_empty() || self.heard.elapsed() < most {
            return Ok(());
        }
        let opened_again = if self.settings.reconnect { MOST_SILENCES } else { 0 };
        self.silences = self.silences.saturating_add(1);
        if self.silences <= opened_again {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.silences == opened_again + 1 {
            let words = "nothing comes from its sensors; check how they are wired up, then press the board's reset button";
            self.ears.outbox.send(Event::Log(Level::Warning, words.to_owned()));
        }
        // What comes then may count its time anew.
        self.receive.reconnected();
        self.ask_again(port)
    }

    fn record(&mut self, port: &mut OpenPort, settings: RecorderSettings) -> io::Result<()> {
        let wanted = settings.sensors_of(&self.board).unwrap_or_default();
        let wanted: Vec<u8> = wanted.into_iter().map(|sensor| sensor.id).collect();
        self.recordings.begin(settings, &self.board, self.receive.counts());
        wanted.into_iter().try_for_each(|sensor| self.start(port, sensor))
    }

    fn tell(&mut self) {
        let counts = self.receive.counts();
        self.ears.outbox.offer(|| Event::Counts(counts));
        self.recordings.count(counts);
        self.told = Instant::now();
    }

    fn end_recording_when_asked(&mut self, ended: Ended) {
        self.wanted = None;
        self.recordings.end_when_asked(ended, self.receive.counts());
    }

    fn end_recording(&mut self, ended: Ended) {
        self.wanted = None;
        self.recordings.end(ended, self.receive.counts());
    }
}
