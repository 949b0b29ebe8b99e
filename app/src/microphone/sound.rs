//! The sound system: which microphones there are, and opening one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig, StreamInstant,
    SupportedBufferSize, SupportedStreamConfig,
};

use super::track::{Chunk, Heard};
use super::{Channel, MicrophoneError, MicrophoneInfo, MicrophoneSettings};

/// Chunks that may wait for whoever takes them, some seconds; then sound is lost, and counted.
const CHUNKS: usize = 256;
/// Room of a chunk at first, in instants. A system that gives more at once makes it grow once.
const ROOM: usize = 4096;
/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(1);
/// Pieces that sound comes in; see [`in_pieces`].
const PIECES_A_SECOND: u32 = 20;
/// Devices of ALSA's plug-ins that are no microphones: converters, silence, and what leads to the same hardware by other names.
const NO_MICROPHONES: [&str; 14] = [
    "a52",
    "dsnoop",
    "front",
    "jack",
    "lavrate",
    "null",
    "oss",
    "samplerate",
    "speex",
    "speexrate",
    "surround",
    "upmix",
    "usbstream",
    "vdownmix",
];

/// The microphones that can be opened, the default one first. Opens each for a moment.
pub fn list() -> Vec<MicrophoneInfo> {
    keep_quiet();
    let host = cpal::default_host();
    let mut taken = HashSet::new();
    let mut microphones = Vec::new();
    for (device, is_default) in devices(&host) {
        let name = name_of(&device);
        if taken.contains(&name) {
            continue;
        }
        let Ok(configs) = device.supported_input_configs() else { continue };
        let spans = configs.map(|c| (c.min_sample_rate(), c.max_sample_rate(), c.channels()));
        let widest = spans.fold(None, |widest: Option<(u32, u32, u16, u16)>, (low, high, n)| {
            let (a, b, c, d) = widest.unwrap_or((low, high, n, n));
            Some((a.min(low), b.max(high), c.min(n), d.max(n)))
        });
        let Some((low, high, fewest, most)) = widest else { continue };
        taken.insert(name.clone());
        microphones.push(MicrophoneInfo { name, is_default, rates_hz: low..=high, channels: fewest..=most });
    }
    microphones
}

/// All devices that may be microphones, the default one first.
fn devices(host: &cpal::Host) -> Vec<(cpal::Device, bool)> {
    let default = host.default_input_device();
    let id_of = |device: &cpal::Device| device.id().ok();
    let default_id = default.as_ref().and_then(id_of);
    let is_other = |device: &cpal::Device| device.supports_input() && id_of(device) != default_id && !is_plug_in(device);
    let others = host.devices().into_iter().flatten().filter(is_other);
    default.into_iter().map(|device| (device, true)).chain(others.map(|device| (device, false))).collect()
}

fn is_plug_in(device: &cpal::Device) -> bool {
    let id = device.id().ok();
    id.is_some_and(|id| id.host().name() == "ALSA" && NO_MICROPHONES.contains(&id.id().split(':').next().unwrap_or_default()))
}

fn name_of(device: &cpal::Device) -> String {
    device.description().map_or_else(|_| "microphone".to_owned(), |described| described.name().to_owned())
}

/// The library of ALSA writes to the terminal whatever fails. On this thread it no longer does.
fn keep_quiet() {
    #[cfg(target_os = "linux")]
    if let Err(error) = alsa::Output::local_error_handler() {
        log::debug!("libasound writes what it likes: {error}");
    }
}

/// A microphone that is open.
pub struct Source {
    name: String,
    rate_hz: f64,
    chunks: Receiver<Chunk>,
    empty: SyncSender<Vec<f32>>,
    trouble: Arc<Trouble>,
    /// It is heard while this lives.
    stream: Option<cpal::Stream>,
}

/// What the sound system has told.
#[derive(Default)]
struct Trouble {
    /// How often it lost sound because it was not taken in time.
    overruns: AtomicU64,
    /// Why nothing comes any more.
    gone: OnceLock<String>,
}

impl Source {
    /// Opens the microphone that the settings name, and begins to listen.
    pub fn open(settings: &MicrophoneSettings) -> Result<Self, MicrophoneError> {
        keep_quiet();
        let device = find(settings.name.as_deref())?;
        let name = name_of(&device);
        let refused = |error: cpal::Error| refused(settings, &name, &error);
        let config = config(&device, &name, settings.channel, refused)?;
        let trouble = Arc::new(Trouble::default());
        let (full, chunks) = sync_channel(CHUNKS);
        let (empty, spare) = sync_channel(CHUNKS);
        for _ in 0..CHUNKS {
            // There is room for all of them.
            let _ = empty.try_send(Vec::with_capacity(ROOM));
        }
        let rate_hz = f64::from(config.sample_rate());
        let n_channels = usize::from(config.channels());
        let (channel, told) = (settings.channel, trouble.clone());
        let listener = Listener { channel, n_channels, rate_hz, full, spare, lost: 0, overruns: 0, due: None, trouble: told };
        let stream = listen(&device, &config, listener).map_err(refused)?;
        stream.play().map_err(refused)?;
        Ok(Self { name, rate_hz, chunks, empty, trouble, stream: Some(stream) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Instants a second, Hz, as the microphone gives them.
    pub fn rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// What is heard within `patience`.
    pub fn wait(&self, patience: Duration) -> Heard {
        match self.chunks.recv_timeout(patience) {
            Ok(chunk) => Heard::Chunk(chunk),
            Err(error) => match self.trouble.gone.get() {
                Some(reason) => Heard::Gone(reason.clone()),
                None if error == RecvTimeoutError::Disconnected => Heard::Gone("the sound system has ended it".to_owned()),
                None => Heard::Nothing,
            },
        }
    }

    /// Gives a chunk back, to be filled again.
    pub fn done(&self, chunk: Chunk) {
        // A listener that has ended needs none.
        let _ = self.empty.try_send(chunk.values);
    }
}

impl Drop for Source {
    /// Closes it. Where the sound system hangs, as libpulse does when its server was killed, it hangs alone.
    fn drop(&mut self) {
        let (closing, closed) = sync_channel::<()>(0);
        let stream = self.stream.take();
        thread::spawn(move || {
            drop(stream);
            drop(closing);
        });
        // Nothing is ever sent: the wait ends when it is closed.
        if closed.recv_timeout(CLOSE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("{}: the sound system does not let go of it", self.name);
        }
    }
}

fn find(name: Option<&str>) -> Result<cpal::Device, MicrophoneError> {
    let host = cpal::default_host();
    let Some(name) = name else {
        let none = || MicrophoneError::Absent { reason: "the system names none".to_owned() };
        return host.default_input_device().ok_or_else(none);
    };
    let is_it = |device: &cpal::Device| name_of(device) == name || device.id().is_ok_and(|id| id.id() == name);
    let found = devices(&host).into_iter().map(|(device, _)| device).find(is_it);
    found.ok_or_else(|| {
        let known = list().into_iter().map(|microphone| microphone.name).collect();
        MicrophoneError::Unknown { name: name.to_owned(), known }
    })
}

fn refused(settings: &MicrophoneSettings, name: &str, error: &cpal::Error) -> MicrophoneError {
    let (name, reason) = (name.to_owned(), reason(error));
    match error.kind() {
        ErrorKind::DeviceBusy => MicrophoneError::Busy { name },
        ErrorKind::PermissionDenied => MicrophoneError::Permission { name },
        _ if settings.name.is_none() => MicrophoneError::Absent { reason },
        _ => MicrophoneError::Open { name, reason },
    }
}

/// What the system says, of which the first sentence stands in another.
fn reason(error: &cpal::Error) -> String {
    let text = error.to_string();
    text.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// The microphone's own rate, with as many channels as are needed.
fn config(
    device: &cpal::Device,
    name: &str,
    channel: Channel,
    refused: impl Fn(cpal::Error) -> MicrophoneError,
) -> Result<SupportedStreamConfig, MicrophoneError> {
    let usual = device.default_input_config().map_err(&refused)?;
    let Channel::Only(index) = channel else { return Ok(usual) };
    if index < usual.channels() {
        return Ok(usual);
    }
    let all: Vec<_> = device.supported_input_configs().map_err(refused)?.collect();
    let at_rate = all.iter().filter_map(|range| range.try_with_sample_rate(usual.sample_rate()));
    let wide = at_rate.filter(|config| config.channels() > index && config.sample_format() == usual.sample_format());
    wide.min_by_key(SupportedStreamConfig::channels).ok_or_else(|| MicrophoneError::Channel {
        name: name.to_owned(),
        channel: u32::from(index) + 1,
        has: all.iter().map(|range| range.channels()).max().unwrap_or(0),
    })
}

/// What the sound system calls with what it hears. It never waits and, once its chunks are large enough, needs no memory.
struct Listener {
    channel: Channel,
    n_channels: usize,
    rate_hz: f64,
    full: SyncSender<Chunk>,
    spare: Receiver<Vec<f32>>,
    /// Instants lost since the last chunk.
    lost: u64,
    /// Overruns so far that are in `lost`.
    overruns: u64,
    /// When the next instant is due.
    due: Option<StreamInstant>,
    trouble: Arc<Trouble>,
}

impl Listener {
    fn hear<T: Copy>(&mut self, values: &[T], captured: StreamInstant, real: impl Fn(T) -> f32) {
        let n = values.len() / self.n_channels.max(1);
        let overruns = self.trouble.overruns.load(Ordering::Relaxed);
        if overruns != self.overruns {
            self.overruns = overruns;
            // The system says that sound was lost; how much only its clock can tell.
            let away = self.due.map_or(Duration::ZERO, |due| captured.saturating_duration_since(due));
            self.lost += ((away.as_secs_f64() * self.rate_hz).round() as u64).max(1);
        }
        self.due = captured.checked_add(Duration::from_secs_f64(n as f64 / self.rate_hz));
        let Ok(mut chunk) = self.spare.try_recv() else {
            self.lost += n as u64;
            return;
        };
        chunk.clear();
        chunk.extend(mixed(values, self.n_channels, self.channel, real));
        // There are no more chunks than there is room for; whoever listened may have gone.
        let _ = self.full.try_send(Chunk { lost: std::mem::take(&mut self.lost), values: chunk });
    }
}

/// One value of each `n_channels`.
fn mixed<T: Copy>(values: &[T], n_channels: usize, channel: Channel, real: impl Fn(T) -> f32) -> impl Iterator<Item = f32> {
    values.chunks_exact(n_channels.max(1)).map(move |instant| match channel {
        Channel::Mean => instant.iter().map(|value| real(*value)).sum::<f32>() / instant.len() as f32,
        Channel::Only(channel) => instant.get(usize::from(channel)).map_or(0.0, |value| real(*value)),
    })
}

/// Opens the stream, whatever form its samples have.
fn listen(device: &cpal::Device, config: &SupportedStreamConfig, listener: Listener) -> Result<cpal::Stream, cpal::Error> {
    match config.sample_format() {
        SampleFormat::I8 => listen_as::<i8>(device, config, listener),
        SampleFormat::I16 => listen_as::<i16>(device, config, listener),
        SampleFormat::I24 => listen_as::<cpal::I24>(device, config, listener),
        SampleFormat::I32 => listen_as::<i32>(device, config, listener),
        SampleFormat::U8 => listen_as::<u8>(device, config, listener),
        SampleFormat::U16 => listen_as::<u16>(device, config, listener),
        SampleFormat::U24 => listen_as::<cpal::U24>(device, config, listener),
        SampleFormat::U32 => listen_as::<u32>(device, config, listener),
        SampleFormat::F32 => listen_as::<f32>(device, config, listener),
        SampleFormat::F64 => listen_as::<f64>(device, config, listener),
        other => Err(cpal::Error::with_message(ErrorKind::UnsupportedConfig, format!("its samples are {other}"))),
    }
}

fn listen_as<T>(
    device: &cpal::Device,
    config: &SupportedStreamConfig,
    mut listener: Listener,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let trouble = listener.trouble.clone();
    let hear = move |values: &[T], info: &InputCallbackInfo| {
        listener.hear(values, info.timestamp().capture, <f32 as FromSample<T>>::from_sample_);
    };
    let fail = move |error: cpal::Error| match error.kind() {
        ErrorKind::Xrun => {
            trouble.overruns.fetch_add(1, Ordering::Relaxed);
        }
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => log::debug!("microphone: {error}"),
        // The first reason is the one that counts.
        _ => drop(trouble.gone.set(reason(&error))),
    };
    device.build_input_stream(in_pieces(config), hear, fail, None)
}

/// With ALSA, pieces that are neither so long that what is heard is late (a sound server takes two seconds) nor so short that this
/// computer misses some (hardware takes 10 ms, and there is room for two pieces). Other systems choose well.
fn in_pieces(config: &SupportedStreamConfig) -> StreamConfig {
    let mut pieces = config.config();
    if let (true, SupportedBufferSize::Range { min, max }) = (cfg!(target_os = "linux"), config.buffer_size()) {
        pieces.buffer_size = BufferSize::Fixed((config.sample_rate() / PIECES_A_SECOND).clamp(*min, *max));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener of two channels, its trouble, and both ends of its chunks.
    fn listener(n_chunks: usize) -> (Listener, Arc<Trouble>, Receiver<Chunk>, SyncSender<Vec<f32>>) {
        let trouble = Arc::new(Trouble::default());
        let (full, chunks) = sync_channel(n_chunks);
        let (empty, spare) = sync_channel(n_chunks);
        (0..n_chunks).for_each(|_| empty.try_send(Vec::new()).unwrap());
        let told = trouble.clone();
        let (n_channels, rate_hz, channel) = (2, 1000.0, Channel::Mean);
        let listener = Listener { channel, n_channels, rate_hz, full, spare, lost: 0, overruns: 0, due: None, trouble: told };
        (listener, trouble, chunks, empty)
    }

    #[test]
    fn what_nobody_takes_is_lost_and_counted_where_it_was() {
        let (mut listener, _, chunks, empty) = listener(2);
        let real = |value: i16| f32::from(value);
        for i in 0..5_i16 {
            listener.hear(&[i, i + 2, 10, 20], StreamInstant::from_millis(2 * i as u64), real);
        }
        let first = chunks.try_recv().unwrap();
        assert_eq!((first.lost, &first.values[..]), (0, &[1.0, 15.0][..]));
        empty.try_send(first.values).unwrap();
        listener.hear(&[7, 7, 8, 8], StreamInstant::from_millis(10), real);
        let rest: Vec<(u64, Vec<f32>)> = chunks.try_iter().map(|chunk| (chunk.lost, chunk.values)).collect();
        assert_eq!(rest, [(0, vec![2.0, 15.0]), (6, vec![7.0, 8.0])]);
    }

    #[test]
    fn an_overrun_is_as_long_as_the_clock_says() {
        let (mut listener, trouble, chunks, _) = listener(8);
        let mut hear = |ms| listener.hear(&[0_i16; 20], StreamInstant::from_millis(ms), f32::from);
        hear(100);
        // The next is due at 110. Without word of an overrun the clock is only late.
        hear(113);
        trouble.overruns.fetch_add(1, Ordering::Relaxed);
        hear(163);
        trouble.overruns.fetch_add(1, Ordering::Relaxed);
        hear(100);
        let lost: Vec<u64> = chunks.try_iter().map(|chunk| chunk.lost).collect();
        assert_eq!(lost, [0, 0, 40, 1]);
    }

    #[test]
    fn one_channel_is_heard_alone() {
        let values = [1_i8, 2, 3, 4, 5, 6];
        let heard = |channel| mixed(&values, 3, channel, f32::from).collect::<Vec<f32>>();
        assert_eq!((heard(Channel::Mean), heard(Channel::Only(2))), (vec![2.0, 5.0], vec![3.0, 6.0]));
    }
}
