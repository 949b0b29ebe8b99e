//! From the station's rings to the models.

use std::iter::once;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tinsmith_core::data::recording::SensorInfo;
use tinsmith_core::live::{Decider, FrontEnd, Live, LiveError, Runner, Sensor, Step, class_names, quiet_classes};

use super::setup::{Front, Settings, Setup, fitting};
use super::shown::{Choice, Point, Shown};
use crate::capture::{Link, Seen, Track};
use crate::timed_steps::timed_steps;

/// Models that are so many seconds behind are too slow: the newest is listened to next, and what lies between is left out.
const MOST_BEHIND_S: f64 = 2.0;
/// Seconds of what was measured before that are listened to at the beginning.
const LOOK_BACK_S: f64 = MOST_BEHIND_S;
/// Seconds that are taken at once, so that what is shown follows.
const MOST_AT_ONCE_S: f64 = 0.5;

/// Follows one sensor.
#[derive(Debug, Default)]
pub struct Follower {
    /// The models, once the input's sensors are known; or why there are none.
    live: Option<Result<Following, String>>,
    /// The input's sensors, of which one was chosen.
    sensors: Vec<SensorInfo>,
}

#[derive(Debug)]
struct Following {
    live: Live,
    sensor: SensorInfo,
    /// Number of the next instant in the sensor's ring.
    next: Option<u64>,
    /// It begins after a pause: what was measured before is not looked back on.
    is_anew: bool,
    /// Instants that went missing while it listened.
    missing: u64,
    /// Windows that were left out because the models are too slow.
    late: u64,
}

/// What was measured since.
struct News {
    /// Parts without a gap.
    parts: Vec<Part>,
    /// It is too much to be listened to.
    is_late: bool,
}

struct Part {
    /// The first instant's number in the ring, and the board's.
    in_ring: u64,
    first: u64,
    values: Vec<f32>,
}

impl Follower {
    /// It is decided like this from now on.
    pub fn decide(&mut self, settings: &Settings) {
        if let Some(Ok(following)) = &mut self.live {
            following.live.decider_mut().set(settings.decision);
        }
    }

    /// What is measured meanwhile is not listened to.
    pub fn leap(&mut self) {
        if let Some(Ok(following)) = &mut self.live {
            (following.next, following.is_anew) = (None, true);
            following.live.decider_mut().restart();
        }
    }

    /// Listens to what was measured since. The steps, or nothing while the input has not said what it measures; or why it cannot.
    /// `seen` gives what can be seen of the station.
    pub fn follow<'a>(
        &mut self,
        seen: impl Fn() -> MutexGuard<'a, Seen>,
        setup: &Setup,
        shown: &Mutex<Shown>,
    ) -> Result<Option<Vec<Step>>, String> {
        self.meet(seen(), shown);
        if self.live.is_none() && !self.sensors.is_empty() {
            self.live = Some(begin(setup, &self.sensors, shown));
        }
        match &mut self.live {
            Some(Ok(following)) => following.follow(seen(), shown),
            Some(Err(why)) => Err(why.clone()),
            None => Ok(None),
        }
    }

    /// Another board may be behind the same input, or the same measure something else: it is chosen anew then.
    fn meet(&mut self, seen: MutexGuard<'_, Seen>, shown: &Mutex<Shown>) {
        let is_behind = matches!(&self.live, Some(Ok(following)) if following.is_ahead_of(&seen));
        if self.sensors == seen.board.sensors && !is_behind {
            return;
        }
        self.sensors.clone_from(&seen.board.sensors);
        // Who paints holds what is shown, and may be waiting for this.
        drop(seen);
        if self.live.take().is_some() {
            shown.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

/// Chooses sensor and front end, and makes the models ready.
fn begin(setup: &Setup, sensors: &[SensorInfo], shown: &Mutex<Shown>) -> Result<Following, String> {
    let ready = || Ok((Runner::new(&setup.candidate.graph)?, Runner::new(&setup.source.graph)?));
    let (candidate, baseline) = ready().map_err(|error: LiveError| error.to_string())?;
    let front = |sensor: &SensorInfo, front: Front| {
        FrontEnd::new(front.pipeline(setup.features.as_ref()), Sensor::of(sensor), candidate.input(), setup.settings.stride_ms)
    };
    let choices: Vec<Choice> = sensors
        .iter()
        .map(|sensor| {
            let fronts = fitting(setup.features.as_ref(), &Sensor::of(sensor), candidate.input());
            Choice { sensor: sensor.id, name: sensor.name.clone(), fronts }
        })
        .collect();
    let chosen = choose(sensors, &choices, &setup.settings);
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    (shown.choices, shown.chosen) = (choices, chosen.as_ref().ok().map(|(sensor, front)| (sensor.id, *front)));
    let (sensor, chosen) = chosen?;
    let front = front(sensor, chosen).map_err(|error| error.to_string())?;
    let named = setup.data.as_ref().map_or(&[][..], |set| &set.label_names);
    let labels = class_names(candidate.n_classes(), named);
    let quiet = quiet_classes(&labels);
    shown.window_s = front.len() as f64 / sensor.rate_hz;
    (shown.labels, shown.quiet, shown.reading) = (labels, quiet.clone(), candidate.reading());
    drop(shown);
    let decider = Decider::new(setup.settings.decision, quiet);
    let live = Live::new(front, candidate, Some(baseline), decider);
    Ok(Following { live, sensor: sensor.clone(), next: None, is_anew: false, missing: 0, late: 0 })
}

/// What the user chose where that fits, else the first that fits: what was chosen of one input may be none of the next.
fn choose<'a>(sensors: &'a [SensorInfo], choices: &[Choice], settings: &Settings) -> Result<(&'a SensorInfo, Front), String> {
    let front = |choice: &Choice| {
        let chosen = choice.fronts.iter().find(|front| **front == settings.front);
        chosen.or(choice.fronts.first()).copied()
    };
    let mut fitting = sensors.iter().zip(choices).filter_map(|(sensor, choice)| Some((sensor, front(choice)?)));
    let wanted = fitting.clone().find(|(sensor, _)| Some(sensor.id) == settings.sensor);
    wanted.or_else(|| fitting.next()).ok_or_else(|| {
        let of = |sensor: &SensorInfo| format!("{} ({} channels at {} Hz)", sensor.name, sensor.channels.len(), sensor.rate_hz);
        let names: Vec<String> = sensors.iter().map(of).collect();
        format!(
            "No window of {} becomes what the model's input takes, as it is or by a preset. tinsmith live takes other features.",
            names.join(" or ")
        )
    })
}

/// The board's number of an instant of the ring: with all that were missing before it, whether anybody listened or not.
fn number(track: &Track, instant: u64) -> u64 {
    let later: u64 = track.gaps.iter().filter(|gap| gap.at > instant).map(|gap| gap.missing).sum();
    instant + track.missing.saturating_sub(later)
}

impl Following {
    /// Whether it has listened to what the sensor has not measured: the sensor is numbered anew.
    fn is_ahead_of(&self, seen: &Seen) -> bool {
        let end = seen.track(self.sensor.id).map(|track| track.ring.end());
        self.next.zip(end).is_some_and(|(next, end)| next > end)
    }

    fn follow(&mut self, seen: MutexGuard<'_, Seen>, shown: &Mutex<Shown>) -> Result<Option<Vec<Step>>, String> {
        if let Link::Failed(why) = &seen.link {
            return Err(why.clone());
        }
        let news = seen.track(self.sensor.id).map(|track| self.news(track));
        // The station's thread waits while this is held: what was copied is worked on without it.
        drop(seen);
        let Some(news) = news else { return Ok(None) };
        let mut steps = Vec::new();
        self.take(news, shown, &mut steps).map_err(|error| error.to_string())?;
        Ok(Some(steps))
    }

    fn take(&mut self, news: News, shown: &Mutex<Shown>, steps: &mut Vec<Step>) -> Result<(), LiveError> {
        for Part { in_ring, first, values } in news.parts {
            let missing = first.saturating_sub(self.live.front().position());
            self.missing = self.missing.saturating_add(missing);
            self.live.gap(missing);
            let n_channels = self.sensor.channels.len().max(1);
            let channel = values.iter().step_by(n_channels).copied();
            let told = match news.is_late {
                true => {
                    self.late += self.live.pass(&values);
                    Vec::new()
                }
                false => timed_steps(&mut self.live, &values)?,
            };
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.outline.push(first, self.sensor.rate_hz, channel);
            self.show(&told, first.saturating_sub(in_ring), &mut shown);
            steps.extend(told.into_iter().map(|(step, _)| step));
        }
        Ok(())
    }

    /// What the ring has that was not listened to yet: so much that what is shown follows, or all if that is too much.
    fn news(&mut self, track: &Track) -> News {
        let ring = &track.ring;
        let instants = |seconds: f64| (seconds * self.sensor.rate_hz).ceil() as u64;
        let from = match self.next {
            // What the ring no longer has is missing like any other.
            Some(next) => next.max(ring.first()),
            None => {
                let look_back = if self.is_anew { 0 } else { instants(LOOK_BACK_S) };
                let from = ring.end().saturating_sub(look_back).max(ring.first());
                self.live.front_mut().begin_at(number(track, from));
                from
            }
        };
        let is_late = ring.end().saturating_sub(from) > instants(MOST_BEHIND_S);
        let end = if is_late { ring.end() } else { ring.end().min(from + instants(MOST_AT_ONCE_S)) };
        self.next = Some(end);
        let gaps = track.gaps.iter().map(|gap| gap.at).filter(|&at| at > from && at < end);
        let cuts: Vec<u64> = once(from).chain(gaps).chain(once(end)).collect();
        let part = |from, to| Part { in_ring: from, first: number(track, from), values: ring.values(from, to) };
        let parts = cuts.windows(2).map(|cut| part(cut[0], cut[1])).collect();
        News { parts, is_late }
    }

    /// Puts steps, each with its microseconds, and what was counted where they are seen. The ring's numbers are so much less than the
    /// board's.
    fn show(&self, told: &[(Step, u32)], less: u64, shown: &mut Shown) {
        shown.now_s = self.live.front().position() as f64 / self.sensor.rate_hz;
        for (step, us) in told {
            shown.latencies.add(*us);
            let decision = &step.decision;
            let baseline = decision.baseline.clone().unwrap_or_default();
            let point = Point { time_s: step.time_s, mean: decision.mean.clone(), baseline, since_s: decision.since_s };
            let begins = step.first.saturating_sub(less);
            let window = (self.sensor.id, (begins, begins + self.live.front().len() as u64));
            shown.add(point, decision.event.clone(), window);
        }
        (shown.counts, shown.steps) = (self.live.decider().counts(), self.live.steps());
        (shown.missing, shown.late) = ((self.missing, self.live.front().skipped()), self.late);
    }
}
