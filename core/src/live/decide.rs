//! When a class was heard: the mean of the newest steps, a threshold, and a time in which nothing is said again.

use std::collections::VecDeque;

use serde::Serialize;

use crate::measure::accuracy::class_of;

/// Events that are remembered; older ones are only counted.
const REMEMBERED: usize = 1000;

/// The probability that is enough unless somebody says otherwise.
pub const USUAL_THRESHOLD: f32 = 0.6;

/// How it is decided that a class was heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DecisionSettings {
    /// Steps whose mean is taken, at least one.
    pub average: usize,
    /// The mean that a class must reach: a probability, or the distance of an autoencoder. If absent, [`USUAL_THRESHOLD`]; a
    /// distance has no usual one, and nothing is told before somebody says it.
    pub threshold: Option<f32>,
    /// After an event nothing is heard for so long, and the same class only after it has been away for so long. Milliseconds.
    pub hold_off_ms: f64,
    /// Steps in a row whose mean says so, at least one.
    pub least: usize,
}

impl Default for DecisionSettings {
    fn default() -> Self {
        Self { average: 3, threshold: None, hold_off_ms: 500.0, least: 1 }
    }
}

impl DecisionSettings {
    /// What a mean of so many values must reach; a single value is a distance.
    pub fn limit(&self, n_values: usize) -> f32 {
        self.threshold.unwrap_or(if n_values == 1 { f32::INFINITY } else { USUAL_THRESHOLD })
    }
}

/// A class was heard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Counted from 0.
    pub number: u64,
    /// The step that made it clear, counted from 0.
    pub step: u64,
    /// When that window ended, in seconds.
    pub time_s: f64,
    /// Which class.
    pub class: usize,
    /// Its mean probability, or the mean distance.
    pub probability: f32,
    /// What the baseline's mean says: its class and the probability of that.
    pub baseline: Option<(usize, f32)>,
    /// The baseline says another class or, of distances, is below the threshold.
    pub differs: bool,
}

/// What one step amounts to.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The candidate's mean over the newest steps.
    pub mean: Vec<f32>,
    /// The baseline's.
    pub baseline: Option<Vec<f32>>,
    /// How long the mean has had the same class on top, in seconds.
    pub since_s: f64,
    /// An event, if this is one.
    pub event: Option<Event>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Steps.
    pub steps: u64,
    /// Events.
    pub events: u64,
    /// Events whose class the baseline names as well.
    pub same: u64,
    /// Times that a class was on top and did not reach the threshold, nor stay for long enough.
    pub below: u64,
    /// Times that a class reached it and was held off.
    pub held_off: u64,
}

/// The largest of some values, the first of several equal ones: which, and its value.
pub fn top(values: &[f32]) -> (usize, f32) {
    let class = if values.len() > 1 { class_of(values) } else { 0 };
    (class, values.get(class).copied().unwrap_or(0.0))
}

/// Whether two models say the same: the same class or, of distances, both or none of them at least the threshold.
pub(super) fn agree(a: &[f32], b: &[f32], threshold: f32) -> bool {
    match (a, b) {
        ([a], [b]) => (*a >= threshold) == (*b >= threshold),
        _ => top(a).0 == top(b).0,
    }
}

/// Which classes stand for nothing in particular, by their names: silence, what is unknown, background.
pub fn quiet_classes(names: &[String]) -> Vec<bool> {
    names.iter().map(|name| is_quiet(name)).collect()
}

/// What the classes of a model are called, as far as its data set names them: that may hold fewer than the model tells apart. Names that
/// are more than the classes are those of something else; without any, the one value of an autoencoder is `anomaly`.
pub fn class_names(n_classes: usize, of_data: &[String]) -> Vec<String> {
    let named = if of_data.len() <= n_classes { of_data } else { &[] };
    let name = |class: usize| match named.get(class) {
        Some(name) => name.clone(),
        None if n_classes == 1 => "anomaly".to_owned(),
        None => format!("class {class}"),
    };
    (0..n_classes).map(name).collect()
}

/// Whether a class stands for nothing in particular.
pub(super) fn is_quiet(name: &str) -> bool {
    const QUIET: [&str; 9] = ["silence", "unknown", "background", "noise", "negative", "nothing", "none", "idle", "other"];
    QUIET.contains(&plain(name).as_str())
}

/// A name without what only adorns it: `_silence_` is `silence`.
pub(super) fn plain(name: &str) -> String {
    name.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// The newest of what one model said.
#[derive(Clone, Debug, Default)]
struct Recent(VecDeque<Vec<f32>>);

impl Recent {
    /// The mean of the newest `n`, this one among them.
    fn mean(&mut self, values: &[f32], n: usize) -> Vec<f32> {
        self.0.push_back(values.to_vec());
        self.0.drain(..self.0.len().saturating_sub(n.max(1)));
        // Summed anew each time: the mean does not depend on what came before.
        let sum = |class: usize| self.0.iter().map(|values| values.get(class).copied().unwrap_or(0.0)).sum::<f32>();
        (0..values.len()).map(|class| sum(class) / self.0.len() as f32).collect()
    }
}

/// A class that is on top.
#[derive(Clone, Copy, Debug)]
struct Episode {
    class: usize,
    began_s: f64,
    /// Steps in a row that reached the threshold.
    reached: usize,
    /// It was reported, or goes on with what was.
    is_told: bool,
    /// It would have been reported, had another not been shortly before.
    is_held_off: bool,
}

/// Makes events of what models say, step by step.
#[derive(Clone, Debug)]
pub struct Decider {
    settings: DecisionSettings,
    /// Classes that make no events.
    quiet: Vec<bool>,
    candidate: Recent,
    baseline: Recent,
    episode: Option<Episode>,
    last_event_s: f64,
    /// When each class was told or went on being there last.
    heard_s: Vec<f64>,
    events: VecDeque<Event>,
    counts: Counts,
}

impl Decider {
    /// Nothing was heard yet. `quiet` says of each class whether it makes no events; classes beyond its end make some.
    pub fn new(settings: DecisionSettings, quiet: Vec<bool>) -> Self {
        Self {
            settings,
            quiet,
            candidate: Recent::default(),
            baseline: Recent::default(),
            episode: None,
            last_event_s: f64::NEG_INFINITY,
            heard_s: Vec::new(),
            events: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// Takes what the models said of the window that ended at `time_s`. Times do not go back.
    pub fn step(&mut self, time_s: f64, candidate: &[f32], baseline: Option<&[f32]>) -> Decision {
        let mean = self.candidate.mean(candidate, self.settings.average);
        let baseline = baseline.map(|values| self.baseline.mean(values, self.settings.average));
        let (class, probability) = top(&mean);
        if self.episode.is_none_or(|episode| episode.class != class) {
            self.end_episode();
            self.episode = Some(self.begin_episode(class, time_s));
        }
        let is_reached = probability >= self.settings.limit(mean.len());
        let event = self.is_event(time_s, is_reached).then(|| self.report(time_s, &mean, baseline.as_deref()));
        self.counts.steps += 1;
        let since_s = self.episode.map_or(0.0, |episode| time_s - episode.began_s);
        Decision { mean, baseline, since_s, event }
    }

    fn begin_episode(&mut self, class: usize, time_s: f64) -> Episode {
        if self.heard_s.len() <= class {
            self.heard_s.resize(class + 1, f64::NEG_INFINITY);
        }
        // One that was away only for a moment goes on.
        let is_told = time_s - self.heard_s[class] < self.hold_off_s();
        Episode { class, began_s: time_s, reached: 0, is_told, is_held_off: false }
    }

    /// Whether the class on top is to be reported now.
    fn is_event(&mut self, time_s: f64, is_reached: bool) -> bool {
        let (least, hold_off_s) = (self.settings.least.max(1), self.hold_off_s());
        let Some(episode) = &mut self.episode else { return false };
        if !is_reached || self.quiet.get(episode.class) == Some(&true) {
            // What falls below the threshold for as long as the hold-off may be heard again.
            episode.reached = 0;
            episode.is_told &= time_s - self.heard_s[episode.class] < hold_off_s;
            return false;
        }
        episode.reached += 1;
        if episode.is_told {
            self.heard_s[episode.class] = time_s;
            return false;
        }
        let is_enough = episode.reached >= least;
        episode.is_held_off = is_enough && time_s - self.last_event_s < hold_off_s;
        is_enough && !episode.is_held_off
    }

    fn report(&mut self, time_s: f64, mean: &[f32], baseline: Option<&[f32]>) -> Event {
        let (class, probability) = top(mean);
        if let Some(episode) = &mut self.episode {
            episode.is_told = true;
        }
        (self.last_event_s, self.heard_s[class]) = (time_s, time_s);
        let differs = baseline.is_some_and(|baseline| !agree(mean, baseline, self.settings.limit(mean.len())));
        let (number, step) = (self.counts.events, self.counts.steps);
        let event = Event { number, step, time_s, class, probability, baseline: baseline.map(top), differs };
        self.counts.events += 1;
        self.counts.same += u64::from(baseline.is_some() && !differs);
        self.events.push_back(event.clone());
        self.events.drain(..self.events.len().saturating_sub(REMEMBERED));
        event
    }

    /// Counts what was on top and was not reported.
    fn end_episode(&mut self) {
        let ended = self.episode.take().filter(|episode| !episode.is_told && self.quiet.get(episode.class) != Some(&true));
        if let Some(episode) = ended {
            let count = if episode.is_held_off { &mut self.counts.held_off } else { &mut self.counts.below };
            *count += 1;
        }
    }

    fn hold_off_s(&self) -> f64 {
        self.settings.hold_off_ms / 1e3
    }

    /// Means begin anew, as after a gap.
    pub fn restart(&mut self) {
        (self.candidate, self.baseline) = (Recent::default(), Recent::default());
        self.end_episode();
    }

    /// How it is decided from now on.
    pub fn set(&mut self, settings: DecisionSettings) {
        self.settings = settings;
    }

    /// How it is decided.
    pub fn settings(&self) -> DecisionSettings {
        self.settings
    }

    /// The newest events, at most 1,000, oldest first.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &Event> {
        self.events.iter()
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
