//! Another rate, as instants arrive: what a pipeline of features and a microphone share.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler as _, SincInterpolationParameters};
use thiserror::Error;

/// Instants that are worked on at once.
const CHUNK: usize = 1024;
/// Beyond it the filter, and the time it takes, would be out of proportion.
const MAX_RATIO: f64 = 256.0;

/// Why a signal does not come at another rate.
#[derive(Debug, Error)]
pub enum ResampleProblem {
    /// The rates are too far apart.
    #[error("rate is {new_hz} Hz and {old_hz} Hz come in, expected at most {MAX_RATIO} times more or less")]
    TooFar {
        /// What comes in.
        old_hz: f64,
        /// What was to come out.
        new_hz: f64,
    },
    /// The library refuses.
    #[error("rate: {0}")]
    Refused(String),
}

impl ResampleProblem {
    fn refused(error: impl std::fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Makes instants of one rate of those of another, by band-limited interpolation: nothing above half the lower rate stays. The
/// first new instant is the first old one.
pub struct Resampler {
    ratio: f64,
    width: usize,
    /// Nothing to do where the rates are the same.
    filter: Option<Filter>,
    /// Old instants that came, and new ones that were made.
    came: u64,
    made: u64,
}

struct Filter {
    resampler: Async<f32>,
    /// Zeros in front of the first instant, and new instants that they and the filter make: see [`on_time`].
    front: usize,
    late: usize,
    /// New instants still to be left out.
    early: usize,
    /// Old values that are less than a chunk.
    waiting: Vec<f32>,
    /// New values of a chunk.
    chunk: Vec<f32>,
}

impl Resampler {
    /// From `old_hz` to `new_hz`, each instant of `width` values.
    ///
    /// # Errors
    /// The rates are too far apart, or are none.
    pub fn new(old_hz: f64, new_hz: f64, width: usize) -> Result<Self, ResampleProblem> {
        let ratio = new_hz / old_hz;
        if !(1.0 / MAX_RATIO..=MAX_RATIO).contains(&ratio) {
            return Err(ResampleProblem::TooFar { old_hz, new_hz });
        }
        let filter = if old_hz == new_hz { None } else { Some(Filter::new(ratio, width)?) };
        Ok(Self { ratio, width, filter, came: 0, made: 0 })
    }

    /// Takes `[instants, width]` and appends what can be told by now. That is late by half a filter and a part of a chunk.
    ///
    /// # Errors
    /// The library refuses.
    pub fn push(&mut self, values: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleProblem> {
        let before = out.len();
        match &mut self.filter {
            None => out.extend(values),
            Some(filter) => filter.push(values, self.width, out)?,
        }
        self.came += (values.len() / self.width) as u64;
        self.made += ((out.len() - before) / self.width) as u64;
        Ok(())
    }

    /// Appends what is still due of the instants so far. What is pushed next is a new signal.
    ///
    /// # Errors
    /// The library refuses.
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleProblem> {
        let (came, made) = (std::mem::take(&mut self.came), std::mem::take(&mut self.made));
        let Some(filter) = &mut self.filter else { return Ok(()) };
        // The filter is late, so what was made is never more than what is due.
        let due = (came as f64 * self.ratio).round() as u64;
        let end = out.len() + due.saturating_sub(made) as usize * self.width;
        let zeros = vec![0.0; CHUNK * self.width];
        while out.len() < end {
            filter.push(&zeros, self.width, out)?;
        }
        out.truncate(end);
        filter.restart(self.width);
        Ok(())
    }
}

impl Filter {
    fn new(ratio: f64, width: usize) -> Result<Self, ResampleProblem> {
        let parameters = parameters(ratio);
        let (front, late) = on_time(parameters.sinc_len, parameters.oversampling_factor, ratio);
        let resampler = Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, width, FixedAsync::Input);
        let resampler = resampler.map_err(ResampleProblem::refused)?;
        let chunk = vec![0.0; resampler.output_frames_max() * width];
        let mut filter = Self { resampler, front, late, early: 0, waiting: Vec::new(), chunk };
        filter.restart(width);
        Ok(filter)
    }

    fn restart(&mut self, width: usize) {
        self.resampler.reset();
        self.waiting.clear();
        self.waiting.resize(self.front * width, 0.0);
        self.early = self.resampler.output_delay() + self.late;
    }

    fn push(&mut self, values: &[f32], width: usize, out: &mut Vec<f32>) -> Result<(), ResampleProblem> {
        self.waiting.extend(values);
        let mut done = 0;
        while self.waiting.len() - done >= CHUNK * width {
            let rows = self.chunk.len() / width;
            let old = InterleavedSlice::new(&self.waiting[done..], width, CHUNK).map_err(ResampleProblem::refused)?;
            let mut new = InterleavedSlice::new_mut(&mut self.chunk, width, rows).map_err(ResampleProblem::refused)?;
            let (n_old, n_new) = self.resampler.process_into_buffer(&old, &mut new, None).map_err(ResampleProblem::refused)?;
            let early = self.early.min(n_new);
            self.early -= early;
            out.extend(&self.chunk[early * width..n_new * width]);
            done += n_old * width;
        }
        self.waiting.drain(..done);
        Ok(())
    }
}

/// The filter spans as many new instants downwards as old ones upwards: what it lets through ends below half the lower rate. Its table
/// stays as large, with instants that are right to 1/512 of an instant of the lower rate.
fn parameters(ratio: f64) -> SincInterpolationParameters {
    const SPAN: f64 = 256.0;
    const PARTS: f64 = 512.0;
    /// What the interpolation between entries of the table needs.
    const LEAST_PARTS: usize = 8;
    let lower = ratio.min(1.0);
    SincInterpolationParameters {
        sinc_len: ((SPAN / lower).ceil() as usize).next_multiple_of(8),
        oversampling_factor: ((PARTS * lower).ceil() as usize).max(LEAST_PARTS),
        ..SincInterpolationParameters::default()
    }
}

/// Zeros to put in front, and new instants to drop, so that the first new instant is the first old one.
///
/// The resampler's first instant lies half a filter before the first old one, but for one new instant and one piece of its table,
/// and it drops whole new instants alone: what is left over would shift the sound by up to half a new instant.
fn on_time(sinc_len: usize, pieces: usize, ratio: f64) -> (usize, usize) {
    const TRIED: usize = 1024;
    let half = (sinc_len / 2) as f64;
    let dropped = (half * ratio).floor();
    let least = (2.0 / ratio).ceil() as usize + 1;
    let late = |front: usize| (half + front as f64 - 1.0 / pieces as f64) * ratio - 1.0 - dropped;
    let uneven = |front: usize| (late(front) - late(front).round()).abs();
    let front = (least..least + TRIED).min_by(|&a, &b| uneven(a).total_cmp(&uneven(b))).unwrap_or(least);
    (front, late(front).round().max(0.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_what_the_whole_makes() {
        let wave: Vec<f32> = (0..20_000).map(|i| (f64::from(i) * 0.05).sin() as f32).collect();
        for (old_hz, new_hz) in [(48_000.0, 16_000.0), (44_100.0, 16_000.0), (8_000.0, 16_000.0), (16_000.0, 16_000.0)] {
            let make = |piece: usize, resampler: &mut Resampler| {
                let mut made = Vec::new();
                wave.chunks(piece).for_each(|piece| resampler.push(piece, &mut made).unwrap());
                resampler.finish(&mut made).unwrap();
                made
            };
            let mut resampler = Resampler::new(old_hz, new_hz, 1).unwrap();
            let whole = make(wave.len(), &mut resampler);
            assert_eq!(whole.len(), (20_000.0 * new_hz / old_hz).round() as usize, "{old_hz} to {new_hz}");
            // Also where it is used again, as behind a gap.
            assert!(make(480, &mut resampler) == whole, "{old_hz} to {new_hz}");
            assert!(make(7, &mut resampler) == whole, "{old_hz} to {new_hz}");
        }
    }
}
