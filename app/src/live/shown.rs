//! What can be seen of the live demo at any time. Bounded, however long it runs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tinsmith_core::data::segment::Span;
use tinsmith_core::live::{Counts, Event, Latencies, Reading};
use tinsmith_runtime::link::Status;

use super::setup::Front;
use super::suggest::Suggested;
use crate::capture::Stretch;

/// Seconds that are kept of probabilities and signal.
pub const SHOWN_S: f64 = 30.0;
/// Columns of the signal in a second.
const COLUMNS_A_SECOND: f64 = 50.0;
/// Events that are kept; older ones are only counted.
const MOST_EVENTS: usize = 500;

/// How the demo is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    /// The input has not said yet what it measures.
    #[default]
    Waiting,
    /// It listens.
    Listening,
    /// It does not, for the time being.
    Paused,
    /// It cannot; why, and what to do.
    Failed(String),
}

/// A sensor, and what the models may see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its id.
    pub sensor: u8,
    /// Its name.
    pub name: String,
    /// What fits the model's input, the first one taken where nobody chooses.
    pub fronts: Vec<Front>,
}

/// What came of one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When it ended, in seconds of the sensor.
    pub time_s: f64,
    /// The candidate's mean.
    pub mean: Vec<f32>,
    /// The baseline's.
    pub baseline: Vec<f32>,
    /// How long the class on top has been there, in seconds.
    pub since_s: f64,
}

/// An event, and when it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What was heard.
    pub event: Event,
    /// When, since the demo began.
    pub after: Duration,
    /// What the window took on the board, if it ran there.
    pub board_us: Option<u32>,
    /// The window, by the numbers of the ring of this sensor.
    pub window: (u8, Span),
}

/// Least and greatest value of the sensor's first channel, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// When a column begins, in seconds of the sensor, and its values.
    pub columns: VecDeque<(f64, f32, f32)>,
}

impl Outline {
    /// Takes the values of one channel from the instant `first` on.
    pub(super) fn push(&mut self, first: u64, rate_hz: f64, values: impl Iterator<Item = f32>) {
        for (instant, value) in (first..).zip(values) {
            // By the number of the instant: however it comes, it is in the same column.
            let begins = (instant as f64 * COLUMNS_A_SECOND / rate_hz).floor() / COLUMNS_A_SECOND;
            match self.columns.back_mut().filter(|column| column.0 == begins) {
                Some((_, low, high)) => (*low, *high) = (low.min(value), high.max(value)),
                None => self.columns.push_back((begins, value, value)),
            }
        }
        let over = self.columns.len().saturating_sub((SHOWN_S * COLUMNS_A_SECOND) as usize);
        self.columns.drain(..over);
    }

    /// Seconds of a column.
    pub const COLUMN_S: f64 = 1.0 / COLUMNS_A_SECOND;
}

/// How a check with test samples goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Outputs that were the studio's own.
    pub same: u64,
    /// Samples that were answered.
    pub done: u64,
    /// Samples in all.
    pub total: u64,
}

/// The model on the board.
#[derive(Clone, Debug, Default)]
pub struct OnBoard {
    /// A model is on its way, since when.
    pub loading: Option<Instant>,
    /// What runs there: the beginning of its hash; and whether it is this candidate.
    pub runs: Option<([u8; 8], bool)>,
    /// How long the last load took, and when it was.
    pub loaded: Option<(Duration, Instant)>,
    /// Why the last load failed.
    pub refused: Option<Status>,
    /// The check with test samples.
    pub check: Option<Checked>,
    /// Windows whose outputs were the studio's own, and windows that ran.
    pub windows: (u64, u64),
    /// Windows that came while the board was busy.
    pub left_out: u64,
    /// How long its runs took.
    pub latencies: Latencies,
    /// What could not be done, and why.
    pub trouble: Option<String>,
}

/// Everything there is to see.
#[derive(Debug)]
pub struct Shown {
    /// How it is.
    pub state: State,
    /// Sensors that fit the model.
    pub choices: Vec<Choice>,
    /// The sensor that is listened to, and what the models see of it.
    pub chosen: Option<(u8, Front)>,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Classes that make no events.
    pub quiet: Vec<bool>,
    /// How the candidate's output is read.
    pub reading: Reading,
    /// Instants of a window in seconds.
    pub window_s: f64,
    /// The newest steps.
    pub points: VecDeque<Point>,
    /// What was measured.
    pub outline: Outline,
    /// The end of what was measured, in seconds of the sensor.
    pub now_s: f64,
    /// The newest events, oldest first.
    pub events: VecDeque<Heard>,
    /// What was counted.
    pub counts: Counts,
    /// Steps, and in how many of them the models agree.
    pub steps: (u64, u64),
    /// Instants that are missing, and windows that were left out for it.
    pub missing: (u64, u64),
    /// Windows that were left out because the models here are slower than the sensor.
    pub late: u64,
    /// How long a step takes here.
    pub latencies: Latencies,
    /// Of an autoencoder: the greatest distance so far.
    pub most: f32,
    /// Of an autoencoder: a threshold, or why there is none.
    pub suggested: Option<Suggested>,
    /// When it began.
    pub began: Instant,
    /// The model on the board.
    pub board: OnBoard,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            state: State::default(),
            choices: Vec::new(),
            chosen: None,
            labels: Vec::new(),
            quiet: Vec::new(),
            reading: Reading::Softmax,
            window_s: 0.0,
            points: VecDeque::new(),
            outline: Outline::default(),
            now_s: 0.0,
            events: VecDeque::new(),
            counts: Counts::default(),
            steps: (0, 0),
            missing: (0, 0),
            late: 0,
            latencies: Latencies::default(),
            most: 0.0,
            suggested: None,
            began: Instant::now(),
            board: OnBoard::default(),
        }
    }
}

impl Shown {
    /// What a class is called.
    pub fn label(&self, class: usize) -> &str {
        self.labels.get(class).map_or("?", String::as_str)
    }

    /// What an event was heard in, to make a clip of it.
    pub fn stretch(&self, heard: &Heard) -> Stretch {
        let (sensor, span) = heard.window;
        Stretch { sensor, span, label: self.label(heard.event.class).to_owned() }
    }

    /// Begins anew; what is known of the board stays.
    pub(super) fn clear(&mut self) {
        *self = Self {
            state: std::mem::take(&mut self.state),
            choices: std::mem::take(&mut self.choices),
            chosen: self.chosen.take(),
            labels: std::mem::take(&mut self.labels),
            quiet: std::mem::take(&mut self.quiet),
            reading: self.reading,
            window_s: self.window_s,
            suggested: self.suggested.take(),
            board: std::mem::take(&mut self.board),
            ..Self::default()
        };
    }

    /// Takes a step, and the event that it heard in this window; forgets what is too old to be shown.
    pub(super) fn add(&mut self, point: Point, event: Option<Event>, window: (u8, Span)) {
        if let [distance] = point.mean[..] {
            self.most = self.most.max(distance);
        }
        let oldest_s = point.time_s - SHOWN_S;
        self.points.push_back(point);
        while self.points.front().is_some_and(|point| point.time_s < oldest_s) {
            self.points.pop_front();
        }
        let after = self.began.elapsed();
        self.events.extend(event.map(|event| Heard { event, after, board_us: None, window }));
        self.events.drain(..self.events.len().saturating_sub(MOST_EVENTS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_columns_of_a_fiftieth_second_however_it_comes() {
        let values: Vec<f32> = (0..1000).map(|i| (i % 7) as f32).collect();
        let mut whole = Outline::default();
        whole.push(0, 1000.0, values.iter().copied());
        assert_eq!(whole.columns.len(), 50);
        assert_eq!(whole.columns[0], (0.0, 0.0, 6.0));
        let mut parts = Outline::default();
        values.chunks(33).enumerate().for_each(|(i, part)| parts.push(i as u64 * 33, 1000.0, part.iter().copied()));
        assert_eq!(parts, whole);
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let mut shown = Shown::default();
        for step in 0..2000 {
            let event =
                Event { number: step, step, time_s: step as f64, class: 0, probability: 1.0, baseline: None, differs: false };
            let point = Point { time_s: step as f64 * 0.1, mean: vec![1.0, 0.0], baseline: Vec::new(), since_s: 0.0 };
            shown.add(point, Some(event), (0, (step, step + 1)));
        }
        assert!(shown.points.len() <= 301 && shown.events.len() == MOST_EVENTS, "{}", shown.points.len());
    }
}
