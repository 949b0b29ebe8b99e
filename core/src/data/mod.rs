//! Samples, labels and splits, as they are fed to a model.

pub mod features;
pub mod wav;

use std::sync::Arc;

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

/// What a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Training.
    Train,
    /// Finding activation ranges.
    Calibration,
    /// Measuring accuracy.
    Test,
}

/// A set of samples of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// For people: the file's stem.
    pub name: String,
    /// Shape of one sample, without the batch axis.
    pub sample_shape: Vec<usize>,
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
    /// blake3 of the file it came from.
    pub hash: [u8; 32],
}
