//! How loud a recording is, and what is wrong with it: too quiet, clipped, off centre.

/// A sound whose loudest part is below this is too quiet, in dB of full scale.
const QUIET_DB: f32 = -30.0;
/// A value so close to full scale is clipped. Source: 16 bits end at 32,767 of 32,768.
const FULL: f32 = 32_766.0 / 32_768.0;
/// So many in a row are clipped, one alone is a peak.
const CLIPPED_RUN: usize = 3;
/// A mean beyond this is an offset, as a fraction of full scale.
const OFFSET: f32 = 0.01;

/// What some values of one channel are like; sound in full scale, anything else in its own unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The greatest magnitude.
    pub peak: f32,
    /// Root mean square.
    pub rms: f32,
    /// Mean.
    pub mean: f32,
    /// Values at full scale that stand beside others; means something for sound only.
    pub clipped: usize,
}

/// What may be wrong with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Its loudest part is too quiet.
    Quiet,
    /// It was too loud for its range.
    Clipped,
    /// Its mean is not 0.
    Offset,
    /// Instants are missing in it.
    Gap,
    /// All values of a channel are the same.
    Still,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Quiet, Self::Clipped, Self::Offset, Self::Gap, Self::Still];

    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Quiet => "too quiet",
            Self::Clipped => "clipped at full scale",
            Self::Offset => "offset over 1 %",
            Self::Gap => "with a gap",
            Self::Still => "a channel that never changes",
        }
    }
}

impl Level {
    /// Of these values; zeros of none.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Self {
        let (mut peak, mut sum, mut squares, mut n) = (0.0_f32, 0.0_f64, 0.0_f64, 0_usize);
        let (mut run, mut clipped) = (0, 0);
        for value in values {
            peak = peak.max(value.abs());
            sum += f64::from(value);
            squares += f64::from(value).powi(2);
            n += 1;
            run = if value.abs() >= FULL { run + 1 } else { 0 };
            clipped += match run {
                CLIPPED_RUN => CLIPPED_RUN,
                longer if longer > CLIPPED_RUN => 1,
                _ => 0,
            };
        }
        let n = n.max(1) as f64;
        Self { peak, rms: (squares / n).sqrt() as f32, mean: (sum / n) as f32, clipped }
    }

    /// The peak in dB of full scale; minus infinity for silence.
    pub fn peak_db(&self) -> f32 {
        decibels(self.peak)
    }
}

/// A fraction of full scale in dB.
pub fn decibels(share: f32) -> f32 {
    20.0 * share.log10()
}

/// What is wrong with `[instants, n_channels]`, but for gaps, which are not in the values. `is_sound` says that they are fractions of
/// full scale.
pub fn troubles(values: &[f32], n_channels: usize, is_sound: bool) -> Vec<Trouble> {
    let n_channels = n_channels.max(1);
    let mut found = Vec::new();
    for channel in 0..n_channels {
        let of = || values.iter().skip(channel).step_by(n_channels).copied();
        let level = Level::of(of());
        if is_sound {
            let checks = [
                (level.peak_db() < QUIET_DB, Trouble::Quiet),
                (level.clipped > 0, Trouble::Clipped),
                (level.mean.abs() > OFFSET, Trouble::Offset),
            ];
            found.extend(checks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, trouble)| trouble));
        }
        let first = of().next();
        if values.len() > n_channels && of().all(|value| Some(value) == first) {
            found.push(Trouble::Still);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_its_level() {
        let tone: Vec<f32> = (0..16_000).map(|i| 0.5 * (i as f32 * std::f32::consts::TAU / 16.0).sin()).collect();
        let level = Level::of(tone.iter().copied());
        assert!((level.peak_db() + 6.02).abs() < 0.01 && (level.rms - 0.5 / 2_f32.sqrt()).abs() < 1e-4);
        assert!(troubles(&tone, 1, true).is_empty());
        let quiet: Vec<f32> = tone.iter().map(|v| v * 0.01).collect();
        assert_eq!(troubles(&quiet, 1, true), [Trouble::Quiet]);
        assert!(troubles(&quiet, 1, false).is_empty(), "what is no sound has no full scale");
        let off: Vec<f32> = tone.iter().map(|v| v + 0.02).collect();
        assert_eq!(troubles(&off, 1, true), [Trouble::Offset]);
        let loud: Vec<f32> = tone.iter().map(|v| (4.0 * v).clamp(-1.0, 32_767.0 / 32_768.0)).collect();
        assert_eq!(troubles(&loud, 1, true), [Trouble::Clipped]);
    }

    #[test]
    fn clipping_needs_several_in_a_row_and_each_channel_is_looked_at() {
        assert_eq!(Level::of([0.0, 1.0, 0.0, 1.0]).clipped, 0);
        assert_eq!(Level::of([0.0, 1.0, 1.0, 1.0, 1.0]).clipped, 4);
        let values: Vec<f32> = (0..100).flat_map(|i| [i as f32, 3.0]).collect();
        assert_eq!(troubles(&values, 2, false), [Trouble::Still]);
        assert!(troubles(&[], 1, true).contains(&Trouble::Quiet));
    }
}
