//! Features: what a network sees of a recording.
//!
//! ```text
//! Signal ─▶ stage ─▶ Signal ─▶ window stage ─▶ pieces ─▶ stage ─▶ pieces ─▶ …      Pipeline: the stages, a plain value
//! ```
//!
//! [`describe_stages`] is the one table of all stages. The convention of MFCC is TensorFlow's `tf.signal`, because that is what
//! keyword networks are trained with; TensorFlow Lite Micro's integer front end is there as well. Nothing here reads files or
//! knows a network.
//!
//! | file | what |
//! | --- | --- |
//! | `signal` | what goes in and comes out |
//! | `pipeline`, `presets` | stages in order |
//! | `front_end` | a pipeline with what it is fed |
//! | `stages/` | each stage: its settings, their table, what it does |
//! | `frames`, `spectrum`, `mel`, `cosine`, `mfcc` | from sound to cepstral coefficients |
//! | `micro_frontend` | tables of the integer front end, whose arithmetic is the runtime's |
//! | `butterworth` | filters in second-order sections |
//! | `axes`, `orientation` | which channels are which sensor; where a board points |

mod axes;
mod butterworth;
mod cosine;
mod frames;
mod front_end;
mod mel;
mod mfcc;
mod micro_frontend;
mod orientation;
mod pipeline;
mod presets;
mod signal;
mod spectrum;
mod stages;

pub use butterworth::{Band, Section, Sections};
pub use frames::Frames;
pub use front_end::FrontEnd;
pub use mel::{MelBand, MelScale};
pub use mfcc::{CosineScale, FeatureError, Logarithm, Mfcc, MfccConfig, fit_clip};
pub use micro_frontend::{MicroFrontend, MicroFrontendConfig};
pub use pipeline::{Pieces, Pipeline, PipelineError};
pub use presets::{Preset, preset, presets};
pub use signal::{Form, Signal};
pub use spectrum::{FrameSpectrum, Spectrum, Taper};
pub use stages::*;
