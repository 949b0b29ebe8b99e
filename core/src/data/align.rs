//! Several sensors that ran side by side, brought to one time: audio and motion for one model.
//!
//! Each sensor has its own rate and its own clock's jitter; what they share are times. A window is so many milliseconds of all of
//! them, and each gives as many instants as its rate makes of it.

pub mod sessions;

use super::library::tensors::check_size;
use super::{DataProblem, Signal};

/// A recording and when it began.
#[derive(Clone, Copy, Debug)]
pub struct Track<'a> {
    /// What was recorded; with times or a rate.
    pub signal: &'a Signal,
    /// Milliseconds on the common clock of its time 0, or of its first instant if it has no times.
    pub start_ms: f64,
}

/// Milliseconds on the common clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The first.
    pub start_ms: f64,
    /// The last.
    pub end_ms: f64,
}

impl Track<'_> {
    /// When an instant was, on the common clock.
    fn time_ms(&self, instant: usize) -> f64 {
        self.start_ms + self.signal.time_ms(instant).unwrap_or(0.0)
    }

    fn rate_hz(&self, which: usize) -> Result<f64, DataProblem> {
        let rate = self.signal.rate_hz.filter(|rate| rate.is_finite() && *rate > 0.0 && self.signal.n_instants() > 0);
        rate.ok_or_else(|| DataProblem::Unlike(format!("recording {which} has no instants or no rate; it cannot be aligned")))
    }

    /// The values at a time within the recording, on the straight line between the instants beside it.
    fn at(&self, time_ms: f64, values: &mut Vec<f32>) {
        let signal = self.signal;
        let n_axes = signal.axes.len();
        let last = signal.n_instants() - 1;
        let position = match (&signal.times_ms, signal.rate_hz) {
            (Some(times), _) => {
                let time = time_ms - self.start_ms;
                let after = times.partition_point(|t| *t <= time).clamp(1, last.max(1)).min(last);
                let before = after.saturating_sub(1);
                let step = times[after] - times[before];
                before as f64 + if step > 0.0 { ((time - times[before]) / step).clamp(0.0, 1.0) } else { 0.0 }
            }
            (None, rate) => (time_ms - self.start_ms) * rate.unwrap_or(0.0) / 1000.0,
        };
        // Times are sums of steps: an instant's own time may miss it by a billionth.
        let nearest = position.round();
        let position = if (position - nearest).abs() < 1e-6 { nearest } else { position };
        let position = position.clamp(0.0, last as f64);
        let before = position.floor() as usize;
        let after = (before + 1).min(last);
        let part = position - before as f64;
        values.extend((0..n_axes).map(|axis| {
            let (a, b) = (signal.values[before * n_axes + axis], signal.values[after * n_axes + axis]);
            if part == 0.0 { a } else { (f64::from(a) + (f64::from(b) - f64::from(a)) * part) as f32 }
        }));
    }
}

/// The time during which all recordings ran; `None` if there is none.
///
/// # Errors
/// [`DataProblem::Unlike`]: a recording without instants, or without a rate.
pub fn common(tracks: &[Track<'_>]) -> Result<Option<Span>, DataProblem> {
    let mut span = Span { start_ms: f64::NEG_INFINITY, end_ms: f64::INFINITY };
    for (which, track) in tracks.iter().enumerate() {
        // The last instant lasts as long as any other.
        let step_ms = 1000.0 / track.rate_hz(which)?;
        span.start_ms = span.start_ms.max(track.time_ms(0));
        span.end_ms = span.end_ms.min(track.time_ms(track.signal.n_instants() - 1) + step_ms);
    }
    Ok((!tracks.is_empty() && span.start_ms < span.end_ms).then_some(span))
}

/// When windows of `length_ms` begin, one every `stride_ms`, of the time `within` that all recordings share.
///
/// # Errors
/// [`DataProblem::Unlike`]: as [`common`]; lengths that are not above 0; more windows than there are instants.
pub fn starts(tracks: &[Track<'_>], within: Span, length_ms: f64, stride_ms: f64) -> Result<Vec<f64>, DataProblem> {
    let is_length = |ms: f64| ms.is_finite() && ms > 0.0;
    if !is_length(length_ms) || !is_length(stride_ms) {
        return Err(DataProblem::Unlike(format!("a window of {length_ms} ms every {stride_ms} ms, expected more than 0")));
    }
    let Some(span) = common(tracks)? else { return Ok(Vec::new()) };
    let start_ms = span.start_ms.max(within.start_ms);
    // A window that ends with the recordings is whole, whatever rounding says.
    let room_ms = span.end_ms.min(within.end_ms) - start_ms - length_ms + 1e-6;
    if room_ms < 0.0 {
        return Ok(Vec::new());
    }
    let n_windows = ((room_ms / stride_ms).floor() as usize).saturating_add(1);
    let n_instants: usize = tracks.iter().map(|track| track.signal.n_instants()).sum();
    if n_windows > n_instants {
        let trouble = format!("{n_windows} windows of {n_instants} instants; take a longer stride than {stride_ms} ms");
        return Err(DataProblem::Unlike(trouble));
    }
    Ok((0..n_windows).map(|index| start_ms + index as f64 * stride_ms).collect())
}

/// The window that begins at `start_ms`, as one piece of every recording, at its own rate and without times. Instants that were lost
/// or came late are made up on the line between their neighbours.
///
/// # Errors
/// [`DataProblem::Unlike`]: a recording without instants, or without a rate; a window longer than all recordings, or of more values than fit.
pub fn window(tracks: &[Track<'_>], start_ms: f64, length_ms: f64) -> Result<Vec<Signal>, DataProblem> {
    let piece = |(which, track): (usize, &Track<'_>)| piece(track, track.rate_hz(which)?, start_ms, length_ms);
    tracks.iter().enumerate().map(piece).collect()
}

fn piece(track: &Track<'_>, rate_hz: f64, start_ms: f64, length_ms: f64) -> Result<Signal, DataProblem> {
    let n = (length_ms * rate_hz / 1000.0).round() as usize;
    // Instants of a gap count as if they were there.
    if n == 0 || length_ms > 1000.0 / rate_hz + track.time_ms(track.signal.n_instants() - 1) - track.time_ms(0) + 1.0 {
        let trouble =
            format!("a window of {length_ms} ms holds {n} instants at {rate_hz} Hz, expected some, and not more than there are");
        return Err(DataProblem::Unlike(trouble));
    }
    check_size((n as u64).saturating_mul(track.signal.axes.len() as u64))?;
    let mut values = Vec::with_capacity(n.min(track.signal.n_instants()) * track.signal.axes.len());
    (0..n).for_each(|i| track.at(start_ms + i as f64 * 1000.0 / rate_hz, &mut values));
    Ok(Signal { rate_hz: Some(rate_hz), axes: track.signal.axes.clone(), times_ms: None, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Axis;

    /// A signal whose value is its own time on the common clock, in milliseconds.
    fn clock(rate_hz: f64, n: usize, start_ms: f64) -> Signal {
        let values = (0..n).map(|i| (start_ms + i as f64 * 1000.0 / rate_hz) as f32).collect();
        Signal { rate_hz: Some(rate_hz), axes: Axis::unnamed(1), times_ms: None, values }
    }

    /// Windows of all the time that recordings share.
    fn windows(tracks: &[Track<'_>], length_ms: f64, stride_ms: f64) -> Result<Vec<Vec<Signal>>, DataProblem> {
        let always = Span { start_ms: f64::NEG_INFINITY, end_ms: f64::INFINITY };
        let starts = starts(tracks, always, length_ms, stride_ms)?;
        starts.into_iter().map(|start_ms| window(tracks, start_ms, length_ms)).collect()
    }

    #[test]
    fn sound_and_motion_share_their_time() {
        let (sound, motion) = (clock(16_000.0, 32_000, 100.0), clock(200.0, 500, 0.0));
        let tracks = [Track { signal: &sound, start_ms: 100.0 }, Track { signal: &motion, start_ms: 0.0 }];
        assert_eq!(common(&tracks).unwrap(), Some(Span { start_ms: 100.0, end_ms: 2100.0 }));
        let windows = windows(&tracks, 1000.0, 500.0).unwrap();
        let within = |start_ms, end_ms| starts(&tracks, Span { start_ms, end_ms }, 1000.0, 500.0).unwrap();
        assert_eq!((within(0.0, 1600.0), within(700.0, 1700.0)), (vec![100.0, 600.0], vec![700.0]));
        assert_eq!(windows.len(), 3);
        for (window, start) in windows.iter().zip([100.0_f32, 600.0, 1100.0]) {
            assert_eq!((window[0].n_instants(), window[1].n_instants()), (16_000, 200));
            for signal in window {
                assert_eq!(signal.values[0], start);
                let step = 1000.0 / signal.rate_hz.unwrap() as f32;
                let right = |(i, x): (usize, &f32)| (x - start - i as f32 * step).abs() < 1e-2;
                assert!(signal.values.iter().enumerate().all(right));
            }
        }
    }

    #[test]
    fn a_gap_and_a_late_instant_do_not_shift_what_follows() {
        // Instants at 0, 5, 10, then nothing until 40, one that is 2 ms late, and on.
        let times = vec![0.0, 5.0, 10.0, 40.0, 47.0, 50.0, 55.0, 60.0];
        let values = times.iter().map(|t| *t as f32).collect();
        let signal = Signal { rate_hz: Some(200.0), axes: Axis::unnamed(1), times_ms: Some(times), values };
        let made = windows(&[Track { signal: &signal, start_ms: 7.0 }], 60.0, 60.0).unwrap();
        let expected: Vec<f32> = (0..12).map(|i| i as f32 * 5.0).collect();
        assert_eq!(made[0][0].values, expected);
    }

    #[test]
    fn what_never_ran_together_has_no_windows() {
        let signal = clock(100.0, 10, 0.0);
        let apart = [Track { signal: &signal, start_ms: 0.0 }, Track { signal: &signal, start_ms: 100.0 }];
        assert_eq!(common(&apart).unwrap(), None);
        assert!(windows(&apart, 10.0, 10.0).unwrap().is_empty());
        assert!(windows(&apart[..1], 101.0, 1.0).unwrap().is_empty());
        assert_eq!(windows(&apart[..1], 100.0, 1.0).unwrap().len(), 1);
        let silent = Signal { rate_hz: None, ..signal.clone() };
        assert!(common(&[Track { signal: &silent, start_ms: 0.0 }]).is_err());
        assert!(windows(&apart[..1], 1.0, 1e-9).unwrap_err().to_string().contains("longer stride"));
        assert!(windows(&apart[..1], f64::NAN, 1.0).is_err());
    }
}
