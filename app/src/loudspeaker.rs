//! Plays a sound on the default loudspeaker. A thread owns the stream: nobody waits for the sound system.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

/// A sound that is being played, until this is dropped.
#[derive(Debug)]
pub struct Playing {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How much was played, in thousandths.
    played: AtomicU32,
    is_over: AtomicBool,
    stop: AtomicBool,
    failure: OnceLock<String>,
}

/// One channel of sound in full scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mono {
    /// Instants a second.
    pub rate_hz: f64,
    /// The instants.
    pub values: Vec<f32>,
}

impl Playing {
    /// Plays what `read` reads, on a thread of its own; `told` is called when it is over.
    pub fn start(read: impl FnOnce() -> Result<Mono, String> + Send + 'static, told: impl FnOnce() + Send + 'static) -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            let played = read().and_then(|sound| sound::play(&sound, &shared));
            if let Err(failure) = played {
                let _ = shared.failure.set(failure);
            }
            shared.is_over.store(true, Ordering::Release);
            told();
        });
        Self { state }
    }

    /// How much was played, from 0 to 1.
    pub fn progress(&self) -> f32 {
        self.state.played.load(Ordering::Relaxed) as f32 / 1000.0
    }

    /// Whether it has come to its end.
    pub fn is_over(&self) -> bool {
        self.state.is_over.load(Ordering::Acquire)
    }

    /// Why it cannot be heard.
    pub fn failure(&self) -> Option<&str> {
        self.state.failure.get().map(String::as_str)
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(not(feature = "audio"))]
mod sound {
    use super::{Mono, State};

    pub fn play(_: &Mono, _: &State) -> Result<(), String> {
        Err("this build plays no sound; build it with the feature audio".to_owned())
    }
}

#[cfg(feature = "audio")]
mod sound {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
    use cpal::{ErrorKind, FromSample, SampleFormat, SizedSample};
    use tinsmith_core::data::resample::Resampler;

    use super::{Mono, State};

    /// How often it is looked whether the sound is to stop.
    const LOOK: Duration = Duration::from_millis(20);
    /// What was handed to the system is heard a little later.
    const TAIL: Duration = Duration::from_millis(200);

    /// Plays until the end, or until it is to stop.
    pub fn play(sound: &Mono, state: &State) -> Result<(), String> {
        let none =
            || "there is no loudspeaker; plug one in, and see that the sound server (PipeWire, PulseAudio) runs".to_owned();
        let device = cpal::default_host().default_output_device().ok_or_else(none)?;
        let refused = |error: cpal::Error| format!("the loudspeaker does not open: {error}");
        let config = device.default_output_config().map_err(refused)?;
        let values = Arc::new(at_rate(sound, f64::from(config.sample_rate()))?);
        let at = Arc::new(AtomicUsize::new(0));
        let gone = Arc::new(OnceLock::new());
        let heard = Heard { values: &values, at: &at, gone: &gone };
        let stream = match config.sample_format() {
            SampleFormat::I16 => stream_as::<i16>(&device, &config, &heard),
            SampleFormat::I32 => stream_as::<i32>(&device, &config, &heard),
            SampleFormat::U8 => stream_as::<u8>(&device, &config, &heard),
            SampleFormat::F32 => stream_as::<f32>(&device, &config, &heard),
            other => return Err(format!("the loudspeaker takes samples as {other}; choose another in the system's settings")),
        }
        .map_err(refused)?;
        stream.play().map_err(refused)?;
        while at.load(Ordering::Relaxed) < values.len() {
            if state.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if let Some(why) = gone.get() {
                return Err(format!("the loudspeaker went away: {why}"));
            }
            let share = at.load(Ordering::Relaxed) as f64 / values.len().max(1) as f64;
            state.played.store((share * 1000.0) as u32, Ordering::Relaxed);
            std::thread::sleep(LOOK);
        }
        std::thread::sleep(TAIL);
        Ok(())
    }

    fn at_rate(sound: &Mono, rate_hz: f64) -> Result<Vec<f32>, String> {
        if (sound.rate_hz - rate_hz).abs() < 0.5 {
            return Ok(sound.values.clone());
        }
        let mut out = Vec::new();
        let mut resampler = Resampler::new(sound.rate_hz, rate_hz, 1).map_err(|problem| problem.to_string())?;
        let pushed = resampler.push(&sound.values, &mut out).and_then(|()| resampler.finish(&mut out));
        pushed.map_err(|problem| problem.to_string())?;
        Ok(out)
    }

    /// What the stream shares with whoever waits for it.
    struct Heard<'a> {
        values: &'a Arc<Vec<f32>>,
        /// Instants that were taken.
        at: &'a Arc<AtomicUsize>,
        /// Why none are taken any more.
        gone: &'a Arc<OnceLock<String>>,
    }

    fn stream_as<T: SizedSample + FromSample<f32>>(
        device: &cpal::Device,
        config: &cpal::SupportedStreamConfig,
        heard: &Heard<'_>,
    ) -> Result<cpal::Stream, cpal::Error> {
        let (values, at, gone) = (Arc::clone(heard.values), Arc::clone(heard.at), Arc::clone(heard.gone));
        let n_channels = usize::from(config.channels()).max(1);
        let fill = move |out: &mut [T], _: &cpal::OutputCallbackInfo| {
            let from = at.fetch_add(out.len() / n_channels, Ordering::Relaxed);
            for (instant, frame) in (from..).zip(out.chunks_mut(n_channels)) {
                frame.fill(T::from_sample_(values.get(instant).copied().unwrap_or(0.0)));
            }
        };
        let fail = move |error: cpal::Error| match error.kind() {
            ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => log::debug!("loudspeaker: {error}"),
            // The first reason is the one that counts.
            _ => drop(gone.set(error.to_string())),
        };
        device.build_output_stream(config.config(), fill, fail, None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_cannot_be_read_is_said_and_ends_it() {
        let (told, over) = std::sync::mpsc::channel();
        let playing = Playing::start(|| Err("no such clip".to_owned()), move || told.send(()).unwrap());
        over.recv_timeout(Duration::from_secs(60)).unwrap();
        let began = Instant::now();
        while !playing.is_over() && began.elapsed() < Duration::from_secs(10) {}
        assert_eq!(playing.failure(), Some("no such clip"));
    }
}
