//! Time stamps of many instants in few numbers: straight lines that pass all of them within a tolerance.

/// How far a stored time may be from the one that was measured, until there are many.
const TOLERANCE_US: f64 = 200.0;
/// After every so many points the tolerance doubles: a clock that jitters without end takes no memory without end.
const POINTS_TO_DOUBLE: usize = 4096;

/// A piecewise linear clock. Points are kept where no straight line from the last one passes all that came since ("swinging
/// door", Bristol 1990), so a clock that is steadily fast or slow takes two.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    points: Vec<(u64, f64)>,
    newest: Option<(u64, f64)>,
    /// The slopes, in microseconds an instant, of lines that pass.
    slopes: (f64, f64),
}

impl Anchors {
    /// Instant `index` was at `time_us`. Indices grow.
    pub fn push(&mut self, index: u64, time_us: f64) {
        let point = (index, time_us);
        match (self.points.last(), self.newest) {
            (None, _) => self.keep(point),
            (Some(&anchor), newest) => {
                let slopes = self.narrowed(anchor, point);
                if slopes.0 <= slopes.1 {
                    self.slopes = slopes;
                } else if let Some(newest) = newest {
                    self.keep(newest);
                    self.slopes = self.narrowed(newest, point);
                }
            }
        }
        self.newest = Some(point);
    }

    /// A new beginning: no line goes from what was to this point.
    pub fn jump(&mut self, index: u64, time_us: f64) {
        if let Some(newest) = self.newest.filter(|newest| self.points.last() != Some(newest)) {
            self.points.push(newest);
        }
        self.keep((index, time_us));
        self.newest = Some((index, time_us));
    }

    /// Index and time of the points, the newest included.
    pub fn points(&self) -> Vec<(u64, u64)> {
        let newest = self.newest.filter(|newest| self.points.last() != Some(newest));
        self.points.iter().copied().chain(newest).map(|(index, time_us)| (index, time_us.round().max(0.0) as u64)).collect()
    }

    fn keep(&mut self, point: (u64, f64)) {
        self.points.push(point);
        self.slopes = (f64::NEG_INFINITY, f64::INFINITY);
    }

    fn narrowed(&self, anchor: (u64, f64), point: (u64, f64)) -> (f64, f64) {
        let tolerance_us = TOLERANCE_US * f64::exp2((self.points.len() / POINTS_TO_DOUBLE) as f64);
        let instants = (point.0 - anchor.0).max(1) as f64;
        let slope = |time_us: f64| (time_us - anchor.1) / instants;
        (self.slopes.0.max(slope(point.1 - tolerance_us)), self.slopes.1.min(slope(point.1 + tolerance_us)))
    }
}
