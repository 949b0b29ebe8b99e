//! A board: what it answers to commands and what it measures as time passes.

use std::io::Write;

use tinsmith_core::data::recording::{Encoding, Kind, SensorInfo};
use tinsmith_core::live::{Latencies, LatencyFigures};
use tinsmith_runtime::link::{
    ALL_SENSORS, Channel, Command, Format, Frame, List, MAX_ENCODED, MAX_PAYLOAD, PROTOCOL, Piece, Report, Sensor, SensorKind,
    Stats, Status,
};

use super::inference::{Inference, Pieces};
use super::source::Source;
use crate::device::DeviceError;

/// Bytes of a Samples frame before its instants.
const SAMPLES_HEAD: usize = 13;
/// Bytes of a Result frame before its output.
const RESULT_HEAD: usize = 25;
/// A frame of samples holds about so much time.
const BLOCK_SECONDS: f64 = 0.016;

/// A simulated sensor.
#[derive(Clone, Debug)]
pub struct SensorSettings {
    /// What it says of itself.
    pub info: SensorInfo,
    /// What it measures.
    pub source: Source,
}

/// A simulated board.
#[derive(Clone, Debug)]
pub struct BoardSettings {
    /// Short name, such as `esp32`: the beginning of its port's name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its own number, unlike every other board's.
    pub number: u64,
    /// Room for a model.
    pub flash_bytes: usize,
    /// Room for its arena.
    pub ram_bytes: usize,
    /// Its sensors.
    pub sensors: Vec<SensorSettings>,
    /// A compact model that it runs from the start.
    pub model: Option<Vec<u8>>,
}

/// A sensor, and how far it is.
#[derive(Debug)]
struct Measuring {
    info: SensorInfo,
    source: Source,
    /// Instants of a frame.
    block: u64,
    on: bool,
    /// The next instant, counted since the board was switched on.
    next: u64,
    /// Instants that were dropped since its last frame.
    dropped: u32,
}

impl Measuring {
    fn new(settings: SensorSettings) -> Self {
        let SensorSettings { info, source } = settings;
        let most = (MAX_PAYLOAD - SAMPLES_HEAD) / info.instant_bytes();
        let block = (BLOCK_SECONDS * info.rate_hz).ceil().clamp(1.0, most.max(1) as f64) as u64;
        Self { info, source, block, on: false, next: 0, dropped: 0 }
    }

    /// When an instant is.
    fn time_us(&self, index: u64) -> u64 {
        let rate_mhz = (self.info.rate_hz * 1000.0).round() as u128;
        u64::try_from(u128::from(index) * 1_000_000_000 / rate_mhz.max(1)).unwrap_or(u64::MAX)
    }

    fn start(&mut self, now_us: u64) {
        if !self.on {
            self.next = (now_us as f64 * self.info.rate_hz / 1e6).ceil() as u64;
            (self.on, self.dropped) = (true, 0);
        }
    }

    fn instants(&self, n: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(n as usize * self.info.instant_bytes());
        (self.next..self.next + n).for_each(|index| self.source.write(index, self.info.instant_bytes(), &mut bytes));
        bytes
    }
}

/// The model is run on windows of a sensor's instants.
#[derive(Debug)]
struct Watching {
    sensor: usize,
    window: usize,
    stride: usize,
    instants: Vec<u8>,
    /// Index of the first of them.
    first: u64,
    /// Instants to leave out before the next window.
    skip: u64,
}

/// The board. Its time is that of its caller.
#[derive(Debug)]
pub struct Board {
    name: String,
    number: u64,
    flash_bytes: usize,
    ram_bytes: usize,
    sensors: Vec<Measuring>,
    inference: Option<Inference>,
    model: Pieces,
    input: Pieces,
    watching: Option<Watching>,
    latencies: Latencies,
    dropped: u32,
    sequence: u16,
    said: Vec<Vec<u8>>,
}

impl Board {
    /// Switches it on.
    ///
    /// # Errors
    /// Its model does not run on it.
    pub fn new(settings: BoardSettings) -> Result<Self, DeviceError> {
        let ram_bytes = settings.ram_bytes;
        let refused = |status| DeviceError::Simulate(format!("{} does not run the model: {status}", settings.name));
        let inference = settings.model.map(|file| Inference::new(file, ram_bytes).map_err(refused)).transpose()?;
        Ok(Self {
            name: settings.name,
            number: settings.number,
            flash_bytes: settings.flash_bytes,
            ram_bytes,
            sensors: settings.sensors.into_iter().map(Measuring::new).collect(),
            inference,
            model: Pieces::default(),
            input: Pieces::default(),
            watching: None,
            latencies: Latencies::default(),
            dropped: 0,
            sequence: 0,
            said: Vec::new(),
        })
    }

    /// What it has said since the last call: frames or lines.
    pub fn said(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.said)
    }

    /// Whether a sensor is on.
    pub fn is_active(&self) -> bool {
        self.sensors.iter().any(|sensor| sensor.on)
    }

    /// Switches all sensors on.
    pub fn start_all(&mut self, now_us: u64) {
        self.sensors.iter_mut().for_each(|sensor| sensor.start(now_us));
    }

    /// Switches all sensors off.
    pub fn stop_all(&mut self) {
        self.sensors.iter_mut().for_each(|sensor| sensor.on = false);
        self.watching = None;
    }

    /// When the next block of a sensor is complete.
    pub fn due_us(&self) -> Option<u64> {
        self.next_due().map(|(due_us, _)| due_us)
    }

    fn next_due(&self) -> Option<(u64, usize)> {
        let on = self.sensors.iter().enumerate().filter(|(_, sensor)| sensor.on);
        on.map(|(i, sensor)| (sensor.time_us(sensor.next + sensor.block), i)).min()
    }

    /// Measures the block that is due first, and sends it if there is room; else it is dropped and counted.
    pub fn measure(&mut self, has_room: bool) {
        let Some((_, i)) = self.next_due() else { return };
        let sensor = &mut self.sensors[i];
        let (block, first, instants) = (sensor.block, sensor.next, sensor.instants(sensor.block));
        let time_us = sensor.time_us(first);
        sensor.next += block;
        if has_room {
            let (id, dropped) = (sensor.info.id, std::mem::take(&mut sensor.dropped));
            self.say(&Report::Samples { sensor: id, time_us, dropped, instants: &instants });
        } else {
            sensor.dropped = sensor.dropped.saturating_add(block as u32);
            self.dropped = self.dropped.saturating_add(block as u32);
        }
        self.watch(i, first, &instants);
    }

    /// Prints the instants that are due first as lines of numbers.
    pub fn print(&mut self, has_room: bool) {
        let Some((_, i)) = self.next_due() else { return };
        let sensor = &mut self.sensors[i];
        let instants = sensor.instants(sensor.block);
        sensor.next += sensor.block;
        // A sketch prints one sensor, and what does not fit is gone.
        let printed = self.sensors.iter().position(|sensor| sensor.info.kind != Kind::Audio).unwrap_or(0);
        if !has_room || printed != i {
            return;
        }
        let info = &self.sensors[i].info;
        for instant in instants.chunks_exact(info.instant_bytes()) {
            let mut line = Vec::new();
            for (channel, value) in info.encoding.values(instant).enumerate() {
                let comma = if channel > 0 { "," } else { "" };
                // Writing to memory does not fail.
                let _ = write!(line, "{comma}{}", value * info.channels[channel].step);
            }
            line.extend(b"\r\n");
            self.said.push(line);
        }
    }

    /// Answers a frame.
    pub fn command(&mut self, frame: &Frame<'_>, now_us: u64) {
        let Ok(command) = Command::decode(frame) else {
            return self.acknowledge(frame.sequence, Status::Unsupported, 0);
        };
        let (status, held) = match command {
            Command::Identify => return self.hello(),
            Command::GetStats { reset } => return self.report_stats(reset),
            Command::Infer { request, input } => return self.infer(frame.sequence, request, &input),
            Command::Start { sensor, rate_mhz } => (self.start(sensor, rate_mhz, now_us), 0),
            Command::Stop { sensor } => (self.stop(sensor), 0),
            Command::Watch { on, sensor, stride } => (self.set_watch(on, sensor, stride), 0),
            Command::Load(piece) => (self.model.take(&piece, self.flash_bytes), self.model.held()),
            Command::Activate { hash } => (self.activate(hash), 0),
        };
        self.acknowledge(frame.sequence, status, held);
    }

    fn acknowledge(&mut self, sequence: u16, status: Status, held: u32) {
        self.say(&Report::Ack { sequence, status, held });
    }

    fn say(&mut self, report: &Report<'_>) {
        let (mut scratch, mut out) = ([0; MAX_PAYLOAD], [0; MAX_ENCODED]);
        match report.encode(self.sequence, &mut scratch, &mut out) {
            Ok(len) => {
                self.sequence = self.sequence.wrapping_add(1);
                self.said.push(out[..len].to_vec());
            }
            // Blocks and pieces are cut to fit; only names of a CSV file may be too long.
            Err(error) => log::error!("a frame that is not sent: {error}"),
        }
    }

    fn hello(&mut self) {
        let infos: Vec<SensorInfo> = self.sensors.iter().map(|sensor| sensor.info.clone()).collect();
        let channels: Vec<Vec<Channel<'_>>> = infos.iter().map(channels_of).collect();
        let sensors: Vec<Sensor<'_>> = infos.iter().zip(&channels).map(|(info, channels)| sensor_of(info, channels)).collect();
        let (board, model) = (self.name.clone(), self.inference.as_ref().map(Inference::loaded));
        self.say(&Report::Hello {
            protocol: PROTOCOL,
            number: self.number,
            board: &board,
            firmware: concat!("simulated ", env!("CARGO_PKG_VERSION")),
            sensors: List::new(&sensors),
            model,
        });
    }

    fn start(&mut self, id: u8, rate_mhz: u32, now_us: u64) -> Status {
        let Some(i) = self.sensors.iter().position(|sensor| sensor.info.id == id) else { return Status::Sensor };
        let sensor = &mut self.sensors[i];
        if rate_mhz != 0 && f64::from(rate_mhz) != (sensor.info.rate_hz * 1000.0).round() {
            return Status::Unsupported;
        }
        // It measured nothing while it was off: what came before belongs to no window.
        if let Some(watching) = self.watching.as_mut().filter(|watching| watching.sensor == i && !sensor.on) {
            (watching.instants, watching.skip) = (Vec::new(), 0);
        }
        sensor.start(now_us);
        Status::Done
    }

    fn stop(&mut self, id: u8) -> Status {
        if id == ALL_SENSORS {
            self.watching = None;
        }
        let mut status = if id == ALL_SENSORS { Status::Done } else { Status::Sensor };
        for sensor in self.sensors.iter_mut().filter(|sensor| id == ALL_SENSORS || sensor.info.id == id) {
            (sensor.on, status) = (false, Status::Done);
        }
        status
    }

    fn set_watch(&mut self, on: bool, id: u8, stride: u32) -> Status {
        self.watching = None;
        if !on {
            return Status::Done;
        }
        let Some(sensor) = self.sensors.iter().position(|sensor| sensor.info.id == id) else { return Status::Sensor };
        let Some(inference) = &self.inference else { return Status::NoModel };
        let Some(window) = inference.window(&self.sensors[sensor].info) else { return Status::Unsupported };
        let stride = stride.max(1) as usize;
        self.watching = Some(Watching { sensor, window, stride, instants: Vec::new(), first: 0, skip: 0 });
        Status::Done
    }

    /// Runs the model on the windows that new instants complete.
    fn watch(&mut self, sensor: usize, first: u64, instants: &[u8]) {
        let Some(mut watching) = self.watching.take() else { return };
        if watching.sensor == sensor {
            let info = self.sensors[sensor].info.clone();
            let width = info.instant_bytes();
            if watching.instants.is_empty() {
                watching.first = first;
            }
            watching.instants.extend(instants);
            loop {
                let there = (watching.instants.len() / width) as u64;
                let left_out = watching.skip.min(there);
                watching.instants.drain(..left_out as usize * width);
                watching.first += left_out;
                watching.skip -= left_out;
                if watching.skip > 0 || watching.instants.len() < watching.window * width {
                    break;
                }
                let time_us = self.sensors[sensor].time_us(watching.first);
                self.run(0, time_us, |inference| inference.quantized(&info, &watching.instants[..watching.window * width]));
                watching.skip = watching.stride as u64;
            }
        }
        self.watching = Some(watching);
    }

    fn infer(&mut self, sequence: u16, request: u32, piece: &Piece<'_>) {
        let limit = self.inference.as_ref().map_or(0, |inference| inference.loaded().input_bytes as usize);
        let status = if self.inference.is_none() { Status::NoModel } else { self.input.take(piece, limit) };
        match status {
            Status::Done if piece.is_last() => {
                let input = std::mem::take(&mut self.input.bytes);
                self.run(request, 0, |_| input);
            }
            status => self.acknowledge(sequence, status, self.input.held()),
        }
    }

    /// Runs the model and says what comes of it.
    fn run(&mut self, request: u32, time_us: u64, input: impl FnOnce(&Inference) -> Vec<u8>) {
        let Some(inference) = &self.inference else { return };
        let (status, output, latency_us) = match inference.run(&input(inference)) {
            Ok((output, latency_us)) => (Status::Done, output, latency_us),
            Err(status) => (status, Vec::new(), 0),
        };
        if status == Status::Done {
            self.latencies.add(latency_us);
        }
        let total = output.len() as u32;
        let mut offset = 0;
        loop {
            let bytes = &output[offset..(offset + MAX_PAYLOAD - RESULT_HEAD).min(output.len())];
            let piece = Piece { total, offset: offset as u32, bytes };
            self.say(&Report::Result { request, status, latency_us, time_us, output: piece });
            offset += bytes.len();
            if piece.is_last() {
                return;
            }
        }
    }

    fn activate(&mut self, hash: [u8; 8]) -> Status {
        // It may be asked again because the answer was lost.
        let is_running = self.inference.as_ref().is_some_and(|inference| inference.loaded().hash == hash);
        if is_running && self.model.bytes.is_empty() {
            return Status::Done;
        }
        let file = std::mem::take(&mut self.model).bytes;
        match Inference::new(file, self.ram_bytes) {
            Ok(inference) if inference.loaded().hash == hash => {
                (self.inference, self.watching, self.latencies) = (Some(inference), None, Latencies::default());
                Status::Done
            }
            Ok(_) => Status::Hash,
            Err(status) => status,
        }
    }

    fn report_stats(&mut self, reset: bool) {
        let arena_bytes = self.inference.as_ref().map_or(0, |inference| inference.loaded().arena_bytes);
        let free_heap_bytes = (self.ram_bytes as u32).saturating_sub(arena_bytes);
        let LatencyFigures { count, mean_us, p50_us, p95_us, p99_us, max_us } = self.latencies.figures();
        let inferences = u32::try_from(count).unwrap_or(u32::MAX);
        let dropped = self.dropped;
        let stats = Stats { inferences, mean_us, p50_us, p95_us, p99_us, max_us, arena_bytes, free_heap_bytes, dropped };
        self.say(&Report::Stats(stats));
        if reset {
            (self.latencies, self.dropped) = (Latencies::default(), 0);
        }
    }
}

fn channels_of(info: &SensorInfo) -> Vec<Channel<'_>> {
    info.channels.iter().map(|channel| Channel { name: &channel.name, unit: &channel.unit, step: channel.step }).collect()
}

fn sensor_of<'a>(info: &SensorInfo, channels: &'a [Channel<'a>]) -> Sensor<'a> {
    Sensor {
        id: info.id,
        kind: match info.kind {
            Kind::Audio => SensorKind::Audio,
            Kind::Imu => SensorKind::Imu,
            Kind::Other => SensorKind::Other,
        },
        rate_mhz: (info.rate_hz * 1000.0).round() as u32,
        format: match info.encoding {
            Encoding::I16 => Format::I16,
            Encoding::F32 => Format::F32,
        },
        channels: List::new(channels),
    }
}
