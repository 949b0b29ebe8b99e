//! From instants to features: windows on a grid, each through the same stages as a recording of its length.

use crate::data::features::{Pipeline, PipelineError, Signal, Stage, StageProblem, preset, presets};
use crate::data::recording::{ChannelInfo, SensorInfo};
use crate::data::{Axis, DataSet, feed};
use crate::live::LiveError;
use crate::progress::Cancel;
use crate::tensor::Tensor;

/// Windows and strides are no longer: three minutes of sound at 48 kHz.
const MAX_INSTANTS: usize = 1 << 23;
/// Where no stage says how long a window is, lengths up to this are tried: a minute of sound at 16 kHz.
const MAX_SEARCHED: usize = 1 << 20;

/// What a sensor measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Instants a second.
    pub rate_hz: f64,
    /// Its channels, at least one.
    pub channels: Vec<Axis>,
}

impl Sensor {
    /// A sensor of a board.
    pub fn of(info: &SensorInfo) -> Self {
        let axis = |channel: &ChannelInfo| Axis::new(&channel.name, &channel.unit);
        Self { rate_hz: info.rate_hz, channels: info.channels.iter().map(axis).collect() }
    }
}

/// Consecutive instants.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The first of them.
    pub first: u64,
    /// `[time, channels]`.
    pub values: Vec<f32>,
}

/// Cuts what a sensor measures into windows of the model's length. They begin at instant 0 and each stride after it, wherever
/// the stream itself begins: the same instants give the same windows.
#[derive(Clone, Debug)]
pub struct FrontEnd {
    pipeline: Pipeline,
    sensor: Sensor,
    len: usize,
    stride: usize,
    /// Instants from `first` on, without a gap.
    held: Vec<f32>,
    first: u64,
    /// Where the next window begins; never before `first`.
    next: u64,
    /// Windows that were left out because instants of theirs are missing.
    skipped: u64,
}

impl FrontEnd {
    /// Windows of as many instants of `sensor` as `pipeline` makes one sample for `input` of, each `stride_ms`. Without stages a
    /// window itself is the sample.
    ///
    /// A clip or window stage says the length; else it is the least length whose features are as many as the input takes.
    ///
    /// # Errors
    /// [`LiveError::Misfit`] says what comes out, what the input takes and which presets would fit; [`LiveError::Pipeline`] names a
    /// stage.
    pub fn new(pipeline: Pipeline, sensor: Sensor, input: &Tensor, stride_ms: f64) -> Result<Self, LiveError> {
        if !(sensor.rate_hz.is_finite() && sensor.rate_hz > 0.0) || sensor.channels.is_empty() {
            return Err(LiveError::Misfit("it is not known how fast the sensor measures; say it with --rate HZ".to_owned()));
        }
        Self::fitted(pipeline, sensor.clone(), input, stride_ms).map_err(|error| match error {
            LiveError::Misfit(trouble) => LiveError::Misfit(match fitting_presets(&sensor, input).join(", ") {
                fitting if fitting.is_empty() => trouble,
                fitting => format!("{trouble}; presets that fit: {fitting}"),
            }),
            other => other,
        })
    }

    fn fitted(pipeline: Pipeline, sensor: Sensor, input: &Tensor, stride_ms: f64) -> Result<Self, LiveError> {
        let stride = instants_in(stride_ms, sensor.rate_hz);
        let mut front = Self { pipeline, sensor, len: 0, stride, held: Vec::new(), first: 0, next: 0, skipped: 0 };
        front.len = match front.stated_len() {
            Some(len) => len,
            None => front.least_len(input.n_elements())?,
        };
        let sample = front.features_of_zeros(front.len)?;
        let misfit = || {
            let wanted = input.shape.get(1..).unwrap_or_default();
            let seconds = front.len as f64 / front.sensor.rate_hz;
            LiveError::Misfit(format!(
                "{seconds:.3} s of the sensor become {:?}, and the model's input takes {wanted:?}",
                sample.sample_shape
            ))
        };
        feed::check_shape(&sample, input).map_err(|_| misfit())?;
        // A data set may hold flat samples, but of a stream it is known which axis is time: that is no map.
        let n_axes = |shape: &[usize]| shape.iter().filter(|&&extent| extent != 1).count();
        if n_axes(&sample.sample_shape) < n_axes(&input.shape).min(2) {
            return Err(misfit());
        }
        Ok(front)
    }

    /// The length that a stage asks for.
    fn stated_len(&self) -> Option<usize> {
        let stated_ms = self.pipeline.stages.iter().find_map(|stage| match stage {
            Stage::Clip(clip) => Some(clip.length_ms),
            Stage::Window(window) => Some(window.length_ms),
            _ => None,
        });
        stated_ms.map(|ms| instants_in(ms, self.sensor.rate_hz))
    }

    /// The least length that has at least `wanted` features, where longer windows have more.
    fn least_len(&self, wanted: usize) -> Result<usize, LiveError> {
        let (mut low, mut high) = (0, wanted.div_ceil(self.sensor.channels.len()).clamp(1, MAX_SEARCHED));
        loop {
            let (made, twice) = (self.n_features(high)?, self.n_features(2 * high)?);
            if made > 0 && made == twice {
                return Err(LiveError::Misfit("how long a window is, is not said; add a clip or a window stage".to_owned()));
            }
            if made >= wanted {
                break;
            }
            if high >= MAX_SEARCHED {
                let trouble = format!("{high} instants of the sensor become {made} values, and the model's input takes {wanted}");
                return Err(LiveError::Misfit(trouble));
            }
            (low, high) = (high, 2 * high);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.n_features(middle)? >= wanted { high = middle } else { low = middle }
        }
        Ok(high)
    }

    /// Values that a window becomes; one that is too short for a stage becomes none.
    fn n_features(&self, len: usize) -> Result<usize, LiveError> {
        match self.features_of_zeros(len) {
            Ok(sample) => Ok(sample.values.len()),
            Err(LiveError::Pipeline(PipelineError::Stage { problem: StageProblem::TooShort(_), .. })) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn features_of_zeros(&self, len: usize) -> Result<DataSet, LiveError> {
        self.features(&vec![0.0; len * self.sensor.channels.len()])
    }

    /// What the models see of a window, as a sample.
    ///
    /// # Errors
    /// [`LiveError::Pipeline`]; [`LiveError::Misfit`] unless the stages make one piece of it.
    pub fn features(&self, window: &[f32]) -> Result<DataSet, LiveError> {
        let signal = Signal::series(self.sensor.rate_hz, self.sensor.channels.clone(), window.to_vec());
        let pieces = self.pipeline.features(&signal, &Cancel::new())?;
        match <[Signal; 1]>::try_from(pieces) {
            Ok([piece]) => Ok(DataSet::sample(piece.shape(), piece.values)),
            Err(pieces) => Err(LiveError::Misfit(format!("the stages make {} pieces of a window, expected one", pieces.len()))),
        }
    }

    /// Instants of a window.
    #[allow(clippy::len_without_is_empty, reason = "a window is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Instants from one window to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// What comes in.
    pub fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// Windows that were left out because instants of theirs are missing.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The number of the instant that comes next.
    pub fn position(&self) -> u64 {
        self.first + (self.held.len() / self.sensor.channels.len()) as u64
    }

    /// The next instant has this number: a stream begins there, or goes on there. What is held is dropped.
    pub fn begin_at(&mut self, instant: u64) {
        self.held.clear();
        self.first = instant;
        self.next = instant.next_multiple_of(self.stride as u64);
    }

    /// So many instants are missing. How many windows that leaves out.
    pub fn gap(&mut self, missing: u64) -> u64 {
        if missing == 0 {
            return 0;
        }
        let next = self.next;
        self.begin_at(self.position().saturating_add(missing));
        // One that would begin behind the gap is not spanned by it.
        let left_out = self.next.saturating_sub(next) / self.stride as u64;
        self.skipped = self.skipped.saturating_add(left_out);
        left_out
    }

    /// Takes the next instants, `[time, channels]`, and hands out each window that they complete. Half an instant at the end is left out.
    pub fn push(&mut self, instants: &[f32], mut each: impl FnMut(Window)) {
        let width = self.sensor.channels.len();
        for instant in instants.chunks_exact(width) {
            self.held.extend(instant);
            if self.position() == self.next + self.len as u64 {
                let values = self.held[(self.next - self.first) as usize * width..].to_vec();
                each(Window { first: self.next, values });
                self.next += self.stride as u64;
            }
        }
        // What no window needs any more.
        let done = self.next.min(self.position()) - self.first;
        self.held.drain(..done as usize * width);
        self.first += done;
    }
}

/// Instants in some time, at least one.
fn instants_in(ms: f64, rate_hz: f64) -> usize {
    ((ms * rate_hz / 1e3).round() as usize).clamp(1, MAX_INSTANTS)
}

/// Names of the presets whose features of `sensor` fit `input`.
pub fn fitting_presets(sensor: &Sensor, input: &Tensor) -> Vec<&'static str> {
    let fits = |name: &&str| {
        let fitted = |pipeline| FrontEnd::fitted(pipeline, sensor.clone(), input, 1.0).is_ok();
        preset(name).is_ok_and(fitted)
    };
    presets().iter().map(|preset| preset.name).filter(fits).collect()
}
