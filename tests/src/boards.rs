//! Simulated boards for tests: what they measure is known, so everything recorded can be held against it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tinsmith::device::simulate::{BoardSettings, Fault, SensorSettings, Simulator, SimulatorSettings, Source, Speed};
use tinsmith::device::{Connection, ConnectionSettings, Event, Request, Way};
use tinsmith_core::data::recording::{ClipSummary, Kind, RecorderSettings, Recording};

use crate::{binary, root};

/// How long a test waits for something that comes at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// A board with a microphone and a motion sensor.
pub fn board(id: &str, number: u64) -> BoardSettings {
    let sensors = [Source::tones(), Source::gestures()].map(|(info, source)| SensorSettings { info, source });
    BoardSettings {
        id: id.to_owned(),
        name: "Board".to_owned(),
        number,
        flash_bytes: 4 << 20,
        ram_bytes: 512 << 10,
        sensors: sensors.into(),
        model: None,
    }
}

/// The same as a simulation.
pub fn simulation(id: &str, way: Way, speed: Speed, faults: &[Fault]) -> SimulatorSettings {
    SimulatorSettings { board: board(id, 7), way, speed, faults: faults.to_vec(), seed: 1 }
}

/// Opens a board, and says who it is.
///
/// # Panics
/// Nobody is there.
pub fn connect(simulator: &Simulator) -> Connection {
    connect_to(simulator.port())
}

/// The same by the path of a port.
///
/// # Panics
/// Nobody is there.
pub fn connect_to(port: &Path) -> Connection {
    let port = port.display().to_string();
    let connection = Connection::open(ConnectionSettings {
        patience: Duration::from_secs(20),
        silence: Duration::from_secs(4),
        ..ConnectionSettings::new(port)
    });
    wait(&connection, |event| matches!(event, Event::Connected { .. }).then_some(()));
    connection
}

/// Waits for an event.
///
/// # Panics
/// It does not come, or the connection fails.
pub fn wait<T>(connection: &Connection, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    loop {
        let event = connection.wait(PATIENCE).expect("something happens");
        assert!(!matches!(event, Event::Failed(_) | Event::RecordingFailed(_)), "{event:?}");
        if let Some(found) = wanted(&event) {
            return found;
        }
    }
}

/// Records all sensors of a board for some seconds of its own time. Clips, and how often the board went away.
pub fn record(connection: &Connection, folder: &Path, seconds: f64) -> (Vec<ClipSummary>, usize) {
    let settings = RecorderSettings { folder: folder.to_owned(), seconds: Some(seconds), ..RecorderSettings::default() };
    connection.ask(Request::Record(settings));
    let mut away = 0;
    let clips = wait(connection, |event| {
        away += usize::from(matches!(event, Event::Disconnected));
        if let Event::Recorded(clips) = event { Some(clips.clone()) } else { None }
    });
    (clips, away)
}

/// Holds every instant against what the sensor measured at that time, and every gap against the clock.
///
/// # Panics
/// Something is not as it was measured, or is missing and not in a gap.
pub fn check(recording: &Recording, what: &str) {
    let (_, source) = if recording.clip.sensor.kind == Kind::Audio { Source::tones() } else { Source::gestures() };
    check_source(recording, &source, what);
}

/// The same for what another board measures.
///
/// # Panics
/// Something is not as it was measured, or is missing and not in a gap.
pub fn check_source(recording: &Recording, source: &Source, what: &str) {
    let clip = &recording.clip;
    let info = &clip.sensor;
    let (rate_hz, n_channels) = (info.rate_hz, info.channels.len());
    let mut index = None;
    let mut gaps = clip.gaps.iter().peekable();
    let mut bytes = Vec::new();
    for i in 0..clip.instants {
        let time_us = recording.times_us.get(i as usize).map_or_else(|| clip.time_us(i), |time_us| Some(*time_us as f64));
        let time_us = time_us.expect("times are stored");
        // The first time says where the recording begins; from then on only gaps move it.
        let mut due: u64 = index.map_or((time_us * rate_hz / 1e6).round() as u64, |index| index + 1);
        while let Some(gap) = gaps.next_if(|gap| gap.at == i) {
            due += gap.missing;
        }
        index = Some(due);
        let measured_us = due as f64 * 1e6 / rate_hz;
        assert!((time_us - measured_us).abs() < 1000.0, "{what}: instant {i} is at {time_us}, was measured at {measured_us}");
        bytes.clear();
        source.write(due, info.instant_bytes(), &mut bytes);
        for (channel, step) in info.encoding.values(&bytes).enumerate() {
            let stored = recording.values[i as usize * n_channels + channel];
            let measured = step * info.channels[channel].step;
            assert_eq!(stored, measured, "{what}: instant {i}, channel {channel}");
        }
    }
    assert_eq!(clip.missing, clip.gaps.iter().map(|gap| gap.missing).sum::<u64>());
}

/// A simulated board that is a process of its own, and its port.
pub struct BoardProcess {
    process: Child,
    /// Its port.
    pub port: String,
}

impl BoardProcess {
    /// Starts an ESP32 with these options; it ends after five minutes.
    ///
    /// # Panics
    /// It does not start.
    pub fn start(options: &[&str]) -> Self {
        let mut process = Command::new(binary())
            .args(["device", "simulate", "--board", "esp32", "--seconds", "300"])
            .args(options)
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut port = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut port).expect("its port is printed");
        Self { process, port: port.trim().to_owned() }
    }
}

impl Drop for BoardProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
