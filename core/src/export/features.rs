//! A feature pipeline as C99 for the device: tables, and plain code that takes one instant after the other.
//!
//! | file | what |
//! | --- | --- |
//! | `NAME_features.h` | sizes, the state, two functions |
//! | `NAME_features.c` | tables, constant and so in flash, and the code |
//!
//! The device cannot do everything: [`FeaturePlan`] says what it can. Arithmetic is single precision, as on the host but for
//! rounding; filters, which the host runs in double precision, keep their sections.

mod code;
mod plan;

pub use code::features_c;
pub use plan::{FeaturePlan, Step};

/// Why a pipeline cannot run on the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stage {number} ({name}) cannot run on the device: {trouble}")]
pub struct FeatureExportError {
    /// Which stage, from 1.
    pub number: usize,
    /// Its name.
    pub name: &'static str,
    /// Why, and what would do.
    pub trouble: String,
}
