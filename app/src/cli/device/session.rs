//! `tinsmith device session`: asks for words or gestures one after another, and puts the clips into a data set.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use serde_json::json;

use super::board::{InputOptions, parse_seconds};
use crate::capture::{Collection, Cutter, Link, MOST_CLIP_S, Order, Plan, RecordSettings, Start, StartOn, Station};
use crate::cli::messages::Messages;
use crate::cli::{Failure, interrupt, output};

/// How often it is looked what has happened.
const LOOK: Duration = Duration::from_millis(20);

/// Ask for words or gestures, cut a clip whenever one is heard or made, and put the clips into a data set
///
/// Everything that is measured meanwhile is recorded as well, in the folder recordings beside the clips. Ctrl-C ends the session;
/// what was recorded stays.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device session microphone --into words --label yes --label no --count 20
  tinsmith device session /dev/ttyUSB0 --into gestures --sensor imu --label wave --label rest --seconds 2 --threshold 1.5
  tinsmith device session microphone --into words --label up --start key")]
pub struct Session {
    #[command(flatten)]
    input: InputOptions,
    /// The data set; made if need be, clips are added to it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    into: PathBuf,
    /// What is to be said or done; may be given several times
    #[arg(long, required = true)]
    label: Vec<String>,
    /// How many clips of each label
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Ask for all of one label, then for the next; or for one of each in turn
    #[arg(long, value_enum, default_value = "one-by-one")]
    order: Ordered,
    /// The sensor, by name or id; the first if left out
    #[arg(long)]
    sensor: Option<String>,
    /// Length of a clip
    #[arg(long, default_value = "1", value_parser = parse_length)]
    seconds: f64,
    /// What begins a clip: sound or motion above the threshold, the Enter key, or a beat
    #[arg(long, value_enum, default_value = "level")]
    start: Begin,
    /// From where on it sounds, in dB of full scale (-38 if left out); from where on it moves, in the unit of the sensor (a tenth of
    /// gravity if left out)
    #[arg(long, allow_negative_numbers = true, value_parser = parse_threshold)]
    threshold: Option<f64>,
    /// Seconds from one clip to the next, for --start beat
    #[arg(long, default_value = "3", value_parser = parse_seconds)]
    every: f64,
    /// Who is recorded: splits can keep persons apart
    #[arg(long, default_value = "")]
    person: String,
    /// Record only this sensor, not the others along with it
    #[arg(long)]
    alone: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ordered {
    OneByOne,
    InTurn,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Begin {
    Level,
    Key,
    Beat,
}

fn parse_threshold(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|threshold: &f64| threshold.is_finite()).ok_or_else(|| "expected a number".to_owned())
}

fn parse_length(text: &str) -> Result<f64, String> {
    let is_short = |seconds: &f64| *seconds <= MOST_CLIP_S;
    parse_seconds(text).ok().filter(is_short).ok_or_else(|| format!("expected seconds, at most {MOST_CLIP_S}"))
}

impl Session {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        interrupt::catch();
        let collection = Arc::new(Collection::open(&self.into).map_err(|error| Failure::new(error.to_string()))?);
        let station = Station::open(self.input.input(), Arc::new(|| ()));
        let plan = loop {
            look(&station)?;
            if let Some(plan) = self.plan(&station)? {
                break plan;
            }
        };
        let before = collection.library().map_or(0, |library| library.items.len());
        station.begin(plan, Arc::clone(&collection));
        let told = self.follow(&station, messages);
        station.end();
        // Whatever ended it, what was recorded is brought to the disk.
        drop(station);
        told?;
        if let Some(trouble) = collection.flush() {
            return Err(Failure::new(format!("the clips are recorded, their index is not written: {trouble}")));
        }
        self.print(&collection, before)
    }

    /// What is to be recorded, once it is known what there is to record with.
    fn plan(&self, station: &Station) -> Result<Option<Plan>, Failure> {
        let seen = station.seen();
        if seen.tracks.is_empty() {
            return Ok(None);
        }
        let is_it = |name: &str, id: u8, wanted: &str| name == wanted || id.to_string() == wanted;
        let sensors = &seen.board.sensors;
        let wanted = self.sensor.as_deref();
        let sensor = sensors.iter().find(|sensor| wanted.is_none_or(|wanted| is_it(&sensor.name, sensor.id, wanted)));
        let Some(sensor) = sensor else {
            let names: Vec<&str> = sensors.iter().map(|sensor| sensor.name.as_str()).collect();
            return Err(Failure::new(format!(
                "there is no sensor {}, there are {}",
                wanted.unwrap_or_default(),
                names.join(", ")
            )));
        };
        let settings = RecordSettings {
            wanted: self.count as usize,
            order: if matches!(self.order, Ordered::InTurn) { Order::InTurn } else { Order::OneByOne },
            seconds: self.seconds,
            start: match self.start {
                Begin::Level => StartOn::Level,
                Begin::Key => StartOn::Key,
                Begin::Beat => StartOn::Beat,
            },
            threshold_db: self.threshold.unwrap_or(RecordSettings::default().threshold_db).min(0.0),
            threshold: self.threshold,
            beat_s: self.every,
            person: self.person.clone(),
            all_sensors: !self.alone,
            ..RecordSettings::default()
        };
        // Labels that were given one by one may have commas in them.
        Ok(Some(Plan { labels: self.label.clone(), ..settings.plan(sensor) }))
    }

    /// Says what to say, until all clips are there or Ctrl-C.
    fn follow(&self, station: &Station, messages: Messages) -> Result<(), Failure> {
        let keys = matches!(self.start, Begin::Key).then(lines);
        let mut asked = String::new();
        loop {
            match look(station) {
                Err(_) if interrupt::requested() => {
                    interrupt::done();
                    return Ok(());
                }
                other => other?,
            }
            if keys.as_ref().is_some_and(|keys| keys.try_iter().count() > 0) {
                station.press();
            }
            let seen = station.seen();
            if let Some(trouble) = &seen.trouble {
                return Err(Failure::new(trouble.clone()));
            }
            let Some(cutter) = &seen.cutter else { continue };
            let Some(words) = prompt(cutter) else {
                // What was cut last is on the disk only once it was made.
                let made: usize = cutter.session.prompts().iter().map(|prompt| prompt.done).sum();
                if cutter.waiting.is_empty() && cutter.n_made == made && seen.recording_since.is_some() {
                    return Ok(());
                }
                continue;
            };
            if words != asked {
                messages.note(&words);
                asked = words;
            }
        }
    }

    fn print(&self, collection: &Collection, before: usize) -> Result<(), Failure> {
        let library = collection.library();
        let items = library.as_ref().map(|library| library.items.as_slice()).unwrap_or_default();
        let new = items.get(before..).unwrap_or_default();
        if self.json {
            let clips: Vec<_> =
                new.iter().map(|item| json!({ "file": item.file, "label": item.label, "instants": item.len() })).collect();
            return output::print_json(&json!({ "folder": self.into.display().to_string(), "clips": clips, "all": items.len() }));
        }
        output::print(&format!("{} clips in {}, {} of them new\n", items.len(), self.into.display(), new.len()))
    }
}

/// `say yes: 7 of 20`.
fn prompt(cutter: &Cutter) -> Option<String> {
    let now = cutter.session.now()?;
    let key = if cutter.plan.start == Start::Key { " (press Enter)" } else { "" };
    Some(format!("{}: {} of {}{key}", now.label, now.done + 1, now.wanted))
}

/// Waits a moment; what ends a session is an error.
fn look(station: &Station) -> Result<(), Failure> {
    std::thread::sleep(LOOK);
    if interrupt::requested() {
        return Err(Failure::new("interrupted"));
    }
    match &station.seen().link {
        Link::Failed(why) => Err(Failure::new(why.clone())),
        _ => Ok(()),
    }
}

/// A message for each line that is entered.
fn lines() -> Receiver<()> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines() {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}
