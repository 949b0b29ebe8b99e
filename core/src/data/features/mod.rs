//! Features: what a network sees of a recording.
//!
//! The convention is TensorFlow's `tf.signal`, because that is what keyword networks are trained with; [`Mfcc`] has the
//! whole chain. Nothing here reads files or knows a network.

mod cosine;
mod mel;
mod mfcc;
mod spectrum;

pub use mfcc::{CosineScale, FeatureError, Mfcc, MfccConfig, fit_clip};
pub use spectrum::Spectrum;
