//! Samples, labels and splits, as they are fed to a model.
//!
//! [`open`] reads a file; [`feed`] turns its samples into what a model's input takes. Everything read is untrusted: whatever
//! it holds, the answer is a data set or a one-line error, and memory stays in proportion to the file.

pub mod align;
pub mod export;
pub mod features;
pub mod feed;
pub mod import;
pub mod level;
pub mod library;
pub mod lines;
pub mod npy;
pub mod npz;
pub mod recording;
pub mod resample;
pub mod segment;
mod signal;
pub mod wav;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use signal::{Axis, Signal, rate_of};

use crate::progress::{Cancel, Cancelled};
use features::{FrontEnd, Pipeline, PipelineError};

/// The most bytes that are read of a data file.
pub const MAX_FILE_BYTES: u64 = 2 << 30;

/// Values of samples, row-major, as they came.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Real numbers.
    F32(Arc<[f32]>),
    /// 8-bit integers; what they mean is said by [`DataSet::scale`] and [`DataSet::zero_point`].
    I8(Arc<[i8]>),
    /// Unsigned 8-bit integers; likewise.
    U8(Arc<[u8]>),
    /// 16-bit integers; likewise.
    I16(Arc<[i16]>),
}

impl Values {
    /// Number of values of all samples.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I16(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Split {
    /// Training.
    Train,
    /// Finding activation ranges.
    Calibration,
    /// Measuring accuracy.
    Test,
}

impl Split {
    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Calibration => "calibration",
            Self::Test => "test",
        }
    }

    /// The split with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Train, Self::Calibration, Self::Test].into_iter().find(|split| split.name() == name)
    }
}

/// Where samples have their channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// In front, as PyTorch has them: `[channels, height, width]`.
    Nchw,
    /// Last, as TensorFlow and microcontrollers have them: `[height, width, channels]`.
    Nhwc,
}

impl Layout {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "nchw",
            Self::Nhwc => "nhwc",
        }
    }

    /// The layout with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Nchw, Self::Nhwc].into_iter().find(|layout| layout.name() == name)
    }
}

/// A set of samples of one shape; for a model of several inputs, of one shape for each.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// For people: the file's stem.
    pub name: String,
    /// Name of the array that holds the values: `x`; of several `x0`, or the name of the model's input that it feeds.
    pub array: String,
    /// Shape of one sample, without the batch axis.
    pub sample_shape: Vec<usize>,
    /// Where the channels are; `None` where the shapes tell.
    pub layout: Option<Layout>,
    /// `[samples, sample_shape..]`.
    pub values: Values,
    /// Integer values: `real = (x - zero_point) * scale`. `None` for values that are real as they stand.
    pub scale: Option<f32>,
    /// See [`DataSet::scale`].
    pub zero_point: i32,
    /// Index of each sample's class; `None` without labels.
    pub labels: Option<Arc<[u32]>>,
    /// Names of the classes; may be empty.
    pub label_names: Vec<String>,
    /// What each sample is for; `None` if the set is not split.
    pub splits: Option<Arc<[Split]>>,
    /// What made the samples of recordings; `None` where they are as they came.
    pub front_end: Option<Arc<FrontEnd>>,
    /// blake3 of the file it came from, or of the recordings: the same whatever features are made of them.
    pub hash: [u8; 32],
    /// What a model's other inputs take, sample by sample: sets of as many samples, which have array, shape, layout, values and scale,
    /// and nothing else. Empty for a model of one input.
    pub more: Vec<DataSet>,
}

impl DataSet {
    /// A set without labels, splits and scale.
    fn plain(name: String, sample_shape: Vec<usize>, values: Values, hash: [u8; 32]) -> Self {
        Self {
            name,
            array: "x".to_owned(),
            sample_shape,
            layout: None,
            values,
            scale: None,
            zero_point: 0,
            labels: None,
            label_names: Vec::new(),
            splits: None,
            front_end: None,
            hash,
            more: Vec::new(),
        }
    }

    /// A single sample of real numbers, its channels last.
    pub fn sample(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { layout: Some(Layout::Nhwc), ..Self::plain(String::new(), shape, Values::F32(values.into()), [0; 32]) }
    }

    /// The same samples, said to have their channels there: those of every input.
    #[must_use]
    pub fn laid_out(self, layout: Option<Layout>) -> Self {
        let more = self.more.into_iter().map(|set| set.laid_out(layout)).collect();
        Self { layout, more, ..self }
    }

    /// What each input takes: this set, and [`DataSet::more`].
    pub fn arrays(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.more)
    }

    /// Values of one sample.
    pub fn sample_len(&self) -> usize {
        self.sample_shape.iter().product()
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.values.len().checked_div(self.sample_len()).unwrap_or(0)
    }

    /// What tells the values of these samples from all others, on every machine: their file, or the recordings and the stages that
    /// made features of them.
    pub fn samples_hash(&self) -> [u8; 32] {
        let Some(front_end) = &self.front_end else { return self.hash };
        let stages = front_end.pipeline.to_ron();
        *blake3::Hasher::new().update(&self.hash).update(stages.as_bytes()).finalize().as_bytes()
    }

    /// What tells these samples from all others: their values, and where their channels are said to be.
    pub(crate) fn key(&self) -> [u8; 32] {
        let layout = self.layout.map_or("", Layout::name);
        *blake3::Hasher::new().update(&self.samples_hash()).update(layout.as_bytes()).finalize().as_bytes()
    }

    /// Indices of the samples of one split; all samples for `None`.
    ///
    /// # Errors
    /// [`DataProblem::NoSuchSplit`] if the set is not split, or has no such samples.
    pub fn samples_of(&self, split: Option<Split>) -> Result<Vec<usize>, DataProblem> {
        let all = 0..self.n_samples();
        let Some(split) = split else { return Ok(all.collect()) };
        let splits = self.splits.as_deref().unwrap_or_default();
        let samples: Vec<usize> = all.filter(|&i| splits.get(i) == Some(&split)).collect();
        if samples.is_empty() {
            let has: Vec<&str> = [Split::Train, Split::Calibration, Split::Test]
                .into_iter()
                .filter(|split| splits.contains(split))
                .map(Split::name)
                .collect();
            return Err(DataProblem::NoSuchSplit { split: split.name(), has: has.join(", ") });
        }
        Ok(samples)
    }
}

/// Why a file is no data set.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct DataError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: DataProblem,
}

/// What is wrong with a data set, or with feeding it to a model.
#[derive(Debug, thiserror::Error)]
pub enum DataProblem {
    /// The file could not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file is larger than is read.
    #[error("{size_bytes} bytes, expected at most {limit}; take fewer samples")]
    TooLarge {
        /// Size of the file.
        size_bytes: u64,
        /// The most bytes that are read of such a file.
        limit: u64,
    },
    /// The bytes contradict another format.
    #[error("not a sound {format}: {trouble}")]
    Broken {
        /// What they should be: `PNG file`.
        format: &'static str,
        /// Where and why they are not.
        trouble: String,
    },
    /// A newer program wrote it.
    #[error("written by a newer Tinsmith (version {found}, this program knows up to {known}); update Tinsmith")]
    Newer {
        /// Its version.
        found: u32,
        /// The highest that is known.
        known: u32,
    },
    /// A line of a text is not what it should be.
    #[error("line {line}: {trouble}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        trouble: String,
    },
    /// Samples do not go together, or do not do for what was asked.
    #[error("{0}")]
    Unlike(String),
    /// The file is of no kind that is read.
    #[error("{0}")]
    UnknownFormat(String),
    /// The bytes contradict the format.
    #[error("not a sound array: {0}")]
    Malformed(String),
    /// The bytes are no recording of sound.
    #[error(transparent)]
    Sound(#[from] wav::WavProblem),
    /// An array of an archive is missing, or does not fit the others.
    #[error("array \"{array}\" {trouble}")]
    Array {
        /// Name of the array: `x`, `x1`, `y`, `split`.
        array: String,
        /// What is wrong with it.
        trouble: String,
    },
    /// No sample is of the split that was asked for.
    #[error("no {split} samples; {}", if has.is_empty() { "the set is not split".to_owned() } else { format!("it has {has}") })]
    NoSuchSplit {
        /// What was asked for.
        split: &'static str,
        /// What there is.
        has: String,
    },
    /// A sample has another shape than the model's input.
    #[error("its samples have shape {sample:?}, the model's input takes {input:?}")]
    Shape {
        /// Shape of a sample.
        sample: Vec<usize>,
        /// Shape of the input, without the batch axis.
        input: Vec<usize>,
    },
    /// Its shape does not tell where a sample has its channels.
    #[error(
        "its samples of shape {sample:?} may have the channels of the model's input {input:?} in front or last; say which with \
         --layout nchw or --layout nhwc"
    )]
    Layout {
        /// Shape of a sample.
        sample: Vec<usize>,
        /// Shape of the input, without the batch axis.
        input: Vec<usize>,
    },
    /// The model's input is of a type, or of a number, that a data set cannot feed.
    #[error("{0}")]
    Input(String),
    /// A stage of the features cannot take a recording.
    #[error(transparent)]
    Features(Box<PipelineError>),
    /// Nobody wants the result any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<PipelineError> for DataProblem {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Features(Box::new(other)),
        }
    }
}

impl DataProblem {
    /// The error about a file.
    pub fn of(self, file: &Path) -> DataError {
        DataError { file: file.display().to_string(), problem: self }
    }
}

/// Reads a data set: a folder with an index (see [`library`]), an `.npz` archive (see [`npz`]) or a bare `.npy` array of samples.
/// The bytes decide, not the name.
///
/// # Errors
/// [`DataError`] names the file and the trouble.
pub fn open(path: &Path) -> Result<DataSet, DataError> {
    open_with(path, None, &Cancel::new())
}

/// [`open`], with the samples of recordings as `features` make them. Samples that are no recordings stay as they are: whoever made
/// them has made their features.
///
/// # Errors
/// [`DataError`] names the file, and the stage that cannot take it; [`DataProblem::Cancelled`] soon after `cancel` is raised.
pub fn open_with(path: &Path, features: Option<&Pipeline>, cancel: &Cancel) -> Result<DataSet, DataError> {
    if library::file::is_library(path) {
        return library::tensors::open(path, features, cancel);
    }
    read(path).map_err(|problem| problem.of(path))
}

fn read(path: &Path) -> Result<DataSet, DataProblem> {
    if path.is_dir() {
        return Err(DataProblem::UnknownFormat("it is a folder without a dataset.ron; make a data set of it with tinsmith data import, or choose an .npz or .npy file".into()));
    }
    let bytes = read_limited(path)?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    read_bytes(name, &bytes)
}

/// Reads the bytes of an archive or an array.
fn read_bytes(name: String, bytes: &[u8]) -> Result<DataSet, DataProblem> {
    let hash = *blake3::hash(bytes).as_bytes();
    match bytes {
        [b'P', b'K', ..] => npz::read(name, bytes, hash),
        [0x93, ..] => {
            let (values, sample_shape) = samples_from("x", npy::read(bytes)?, None)?;
            Ok(DataSet::plain(name, sample_shape, values, hash))
        }
        [] => Err(DataProblem::UnknownFormat("the file is empty".into())),
        _ => Err(DataProblem::UnknownFormat("neither an .npz archive nor an .npy array".into())),
    }
}

/// The bytes of a data file.
///
/// # Errors
/// [`DataProblem::TooLarge`] beyond [`MAX_FILE_BYTES`]; [`DataProblem::Io`].
pub fn read_limited(path: &Path) -> Result<Vec<u8>, DataProblem> {
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    if size_bytes > MAX_FILE_BYTES {
        return Err(DataProblem::TooLarge { size_bytes, limit: MAX_FILE_BYTES });
    }
    let mut bytes = Vec::with_capacity(size_bytes as usize);
    // The length may lie (a pipe, a file that grows): the reader is limited as well.
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Splits an array `[samples, shape..]` into values and the shape of one sample. Integers of 8 and 16 bits are kept as they
/// are. Wider ones become real numbers, by `quantization` (scale, zero point) if there is one. Errors call the array by its name.
fn samples_from(name: &str, array: npy::Array, quantization: Option<(f32, i32)>) -> Result<(Values, Vec<usize>), DataProblem> {
    use npy::Elements;
    let of_x = |trouble: String| DataProblem::Array { array: name.into(), trouble };
    let Some((&n_samples, sample_shape)) = array.shape.split_first() else {
        return Err(of_x("is a single number, expected [samples, …]".into()));
    };
    if n_samples == 0 || sample_shape.contains(&0) {
        return Err(of_x(format!("has shape {:?}, which holds no samples", array.shape)));
    }
    let values = match array.elements {
        Elements::F32(v) => Values::F32(v.into()),
        Elements::I8(v) => Values::I8(v.into()),
        Elements::U8(v) => Values::U8(v.into()),
        Elements::I16(v) => Values::I16(v.into()),
        other => {
            let (scale, zero_point) = quantization.map_or((1.0, 0.0), |(s, z)| (f64::from(s), f64::from(z)));
            let reals = other.to_f64().ok_or_else(|| of_x(format!("holds {}, expected numbers", other.type_name())))?;
            Values::F32(reals.iter().map(|x| ((x - zero_point) * scale) as f32).collect())
        }
    };
    Ok((values, sample_shape.to_vec()))
}
