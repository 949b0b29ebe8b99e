//! `tinsmith device simulate`: a board without hardware.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum, ValueHint};
use tinsmith_core::measure::device::Device as Profile;

use super::board::{model_file, parse_seconds};
use super::parse_device;
use crate::cli::messages::Messages;
use crate::cli::model::ModelOptions;
use crate::cli::{Failure, interrupt, output};
use crate::device::Way;
use crate::device::simulate::{BoardSettings, Fault, SensorSettings, Simulator, SimulatorSettings, Source, Speed};

/// Simulate a board: a virtual serial port that behaves as the board does, until Ctrl-C
///
/// Its name is printed, and listed by tinsmith device ports. Without a source it hears tones and makes gestures.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device simulate --board esp32
  tinsmith device simulate --board esp32-s3 --synthetic gestures --model firmware/int8.tin
  tinsmith device simulate --board esp32 --wav speech.wav --fault drop --fault unplug
  tinsmith device simulate --board esp32-c3 --imu walk.csv --plain")]
pub struct Simulate {
    /// The board; see tinsmith device list
    #[arg(long, value_name = "ID", value_parser = parse_device)]
    board: Arc<Profile>,
    /// What its microphone hears, over and over
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    wav: Option<PathBuf>,
    /// What its motion sensor measures, over and over: a table of numbers; a column of times gives the rate, else it is 200 Hz
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    imu: Option<PathBuf>,
    /// Something made up instead; may be given twice
    #[arg(long, value_enum)]
    synthetic: Vec<Synthetic>,
    /// Print plain lines of numbers, as any sketch does, instead of frames
    #[arg(long)]
    plain: bool,
    /// What goes wrong: drop, corrupt, stall, unplug, restart, garbage or slow; may be given several times
    #[arg(long, value_name = "FAULT", value_parser = parse_fault)]
    fault: Vec<Fault>,
    /// How many of its seconds pass in one of ours, or max: as fast as whoever listens takes it
    #[arg(long, value_name = "X", default_value = "1", value_parser = parse_speed)]
    speed: Speed,
    /// A model that it runs: a compact one (.tin), or an integer model of any other format
    #[arg(long, value_hint = ValueHint::FilePath)]
    model: Option<PathBuf>,
    #[command(flatten)]
    options: ModelOptions,
    /// Which of many ways things go wrong in; the same again for the same number
    #[arg(long, default_value = "1")]
    seed: u64,
    /// End after so long
    #[arg(long, value_parser = parse_seconds)]
    seconds: Option<f64>,
}

/// What can be made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Synthetic {
    /// Rest and gestures in turn, on a motion sensor of six axes at 200 Hz
    Gestures,
    /// Tones of 440 Hz and 1 kHz in turn, on a microphone at 16 kHz
    Tones,
}

fn parse_fault(name: &str) -> Result<Fault, String> {
    Fault::named(name).ok_or_else(|| format!("expected one of {}", Fault::ALL.map(Fault::name).join(", ")))
}

fn parse_speed(text: &str) -> Result<Speed, String> {
    let times = || text.parse().ok().filter(|times: &f64| (0.001..=1000.0).contains(times)).map(Speed::Times);
    let speed = if text == "max" { Some(Speed::Max) } else { times() };
    speed.ok_or_else(|| "expected max or a number such as 1 or 0.5".to_owned())
}

impl Simulate {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        interrupt::catch();
        let simulator = Simulator::start(self.settings()?)?;
        output::print(&format!("{}\n", simulator.port().display()))?;
        messages.note("the board runs until Ctrl-C");
        let began = Instant::now();
        while !interrupt::requested() && self.seconds.is_none_or(|seconds| began.elapsed().as_secs_f64() < seconds) {
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn settings(&self) -> Result<SimulatorSettings, Failure> {
        let model = self.model.as_deref().map(|path| model_file(path, &self.options)).transpose()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
        let board = BoardSettings {
            id: self.board.id.clone(),
            name: self.board.name.clone(),
            number: now ^ u64::from(std::process::id()) << 48,
            flash_bytes: self.board.flash_bytes as usize,
            ram_bytes: self.board.ram_bytes as usize,
            sensors: self.sensors()?,
            model: model.and_then(|model| Some(model.forms().first()?.1.to_vec())),
        };
        let way = if self.plain { Way::Lines } else { Way::Frames };
        Ok(SimulatorSettings { board, way, speed: self.speed, faults: self.fault.clone(), seed: self.seed })
    }

    fn sensors(&self) -> Result<Vec<SensorSettings>, Failure> {
        let is_open = self.wav.is_none() && self.imu.is_none() && self.synthetic.is_empty();
        let wants = |synthetic| is_open || self.synthetic.contains(&synthetic);
        let sound = match &self.wav {
            Some(path) => Some(Source::sound(path)?),
            None => wants(Synthetic::Tones).then(Source::tones),
        };
        let motion = match &self.imu {
            Some(path) => Some(Source::motion(path)?),
            None => wants(Synthetic::Gestures).then(Source::gestures),
        };
        Ok([sound, motion].into_iter().flatten().map(|(info, source)| SensorSettings { info, source }).collect())
    }
}
