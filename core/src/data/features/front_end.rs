//! A pipeline with what goes in and comes out: all that its code on a device and its costs follow from.

use serde::Serialize;

use super::pipeline::Pipeline;

/// What made the samples of a data set of recordings. Rate and channels are the recordings', so that a teammate, whose project
/// refers to the same recordings, gets the same code and figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrontEnd {
    /// The stages.
    pub pipeline: Pipeline,
    /// Instants a second of what comes in.
    pub rate_hz: f64,
    /// Numbers of an instant.
    pub n_channels: usize,
    /// Numbers that are made for one input of a model.
    pub n_values: usize,
}
