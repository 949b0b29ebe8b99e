//! Whole Keras models: `.keras` (Keras 3, late Keras 2) and `.h5` (Keras 2 and 3).
//!
//! | file | what |
//! | --- | --- |
//! | `archive` | the container taken apart: architecture (JSON) and weights (HDF5) |
//! | `hdf5` | HDF5 as folders, texts and numbers; the only module that knows the crate for it |
//! | `config` | the architecture as typed values |
//! | `weights` | which arrays belong to which layer |
//! | `network` | layers in an order in which they can run; models within models |
//! | `builder` | the graph as it grows |
//! | `layers/` | each family of layers as nodes |
//!
//! Code in a file (Lambda, custom layers) is never run: such layers are refused by name.

mod archive;
mod builder;
mod config;
mod hdf5;
mod layers;
mod network;
#[cfg(test)]
mod tests;
mod weights;

use std::borrow::Cow;

use super::budget::Budget;
use super::error::Trouble;
use super::options::OpenDims;
use crate::graph::Graph;

/// Name of the format, for people.
pub(super) const NAME: &str = "Keras";

/// How the files' names end.
pub(super) const SUFFIXES: &[&str] = &["keras", "h5"];

/// Whether the bytes are one of the two containers.
pub(super) fn matches(bytes: &[u8]) -> bool {
    bytes.starts_with(archive::ZIP_SIGNATURE) || bytes.starts_with(hdf5::SIGNATURE)
}

/// Turns the bytes of a file into a graph; `dims` are the extents that it leaves open.
///
/// # Errors
/// [`Trouble`]: the file is damaged, is no whole model, or has a layer that cannot be imported.
pub(super) fn import(bytes: Cow<'_, [u8]>, dims: OpenDims) -> Result<Graph, Trouble> {
    let budget = Budget::for_file(&bytes);
    let archive = archive::open(bytes)?;
    let model: config::Described<'_> = config::parse("architecture", &archive.config, "a model with its layers")?;
    let mut builder = builder::Builder::new(budget, dims, archive.is_keras_2);
    network::build(&mut builder, &archive, &model)?;
    Ok(builder.graph)
}
