//! The two containers of a whole Keras model: an HDF5 file, or a zip archive with an HDF5 file in it.
//!
//! | container | architecture | weights |
//! | --- | --- | --- |
//! | `.h5` (Keras 2 and 3) | attribute `model_config` | group `model_weights`, named after the layers |
//! | `.keras` (Keras 3, late 2) | member `config.json` | member `model.weights.h5`, named after the layers' classes |

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::super::error::Trouble;
use super::hdf5::{self, Folder};

/// The first bytes of a zip archive with anything in it.
pub(super) const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// Times the archive's length that a member may inflate to. Keras stores members as they are.
const MAX_INFLATION: u64 = 16;
/// What a member of even the smallest archive may inflate to.
const FREE_BYTES: u64 = 64 << 10;

/// A file taken apart, nothing of it understood yet.
pub(super) struct Archive {
    /// The architecture, as JSON.
    pub(super) config: String,
    /// The folder that holds the weights.
    pub(super) weights: Folder,
    /// How the weights are named.
    pub(super) naming: Naming,
    /// Written by Keras 2.
    pub(super) is_keras_2: bool,
}

/// How the weights of a layer are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `model_weights/<layer>/…`, listed in attribute `weight_names`.
    ByLayer,
    /// `layers/<class>_<count>/vars/<index>`.
    ByClass,
}

/// Takes a file apart.
///
/// # Errors
/// The container is damaged, or holds no whole Keras model.
pub(super) fn open(bytes: Cow<'_, [u8]>) -> Result<Archive, Trouble> {
    if bytes.starts_with(hdf5::SIGNATURE) { open_hdf5(bytes.into_owned()) } else { open_zip(&bytes) }
}

fn open_hdf5(bytes: Vec<u8>) -> Result<Archive, Trouble> {
    let root = hdf5::open(bytes)?;
    let mut texts = root.texts()?;
    let config = texts.remove("model_config").and_then(|mut texts| texts.pop());
    let version = texts.remove("keras_version").and_then(|mut texts| texts.pop());
    let Some(config) = config else { return Err(without_architecture(&root)) };
    let Some(_) = root.folder(H5_WEIGHTS)? else {
        return Err(unusable("it holds the architecture of a Keras model, but no weights (no group model_weights)"));
    };
    Ok(Archive { config, weights: root, naming: Naming::ByLayer, is_keras_2: is_keras_2(version.as_deref()) })
}

/// Where the weights lie in an HDF5 file.
pub(super) const H5_WEIGHTS: &str = "model_weights";

/// What an HDF5 file without an architecture is.
fn without_architecture(root: &Folder) -> Trouble {
    let is_weights = |root: &Folder| -> Result<bool, Trouble> {
        let listed = root.texts()?.keys().any(|name| name.starts_with("layer_names"));
        let folders = [H5_WEIGHTS, "layers", "_layer_checkpoint_dependencies"];
        Ok(listed || folders.iter().any(|name| matches!(root.folder(name), Ok(Some(_)))))
    };
    if is_weights(root).unwrap_or(false) {
        unusable("it is a weights file, as model.save_weights writes it, without the architecture of the model")
    } else {
        unusable("it is an HDF5 file without a Keras model (no attribute model_config)")
    }
}

fn open_zip(bytes: &[u8]) -> Result<Archive, Trouble> {
    let damaged = |error: zip::result::ZipError| Trouble::malformed("zip archive", error.to_string(), "an intact .keras file");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let limit = (bytes.len() as u64).saturating_mul(MAX_INFLATION).saturating_add(FREE_BYTES);
    let Some(config) = member(&mut archive, "config.json", limit)? else {
        return Err(unusable("it is a zip archive without a Keras model (no config.json)"));
    };
    let config = String::from_utf8(config)
        .map_err(|_| Trouble::malformed("config.json", "bytes that are no text", "the architecture as JSON"))?;
    let Some(weights) = member(&mut archive, "model.weights.h5", limit)? else {
        return Err(unusable("it holds the architecture of a Keras model, but no weights (no model.weights.h5)"));
    };
    let version = member(&mut archive, "metadata.json", limit)?.and_then(|metadata| {
        #[derive(serde::Deserialize)]
        struct Metadata {
            keras_version: String,
        }
        serde_json::from_slice::<Metadata>(&metadata).ok().map(|metadata| metadata.keras_version)
    });
    let weights = hdf5::open(weights)?;
    Ok(Archive { config, weights, naming: Naming::ByClass, is_keras_2: is_keras_2(version.as_deref()) })
}

/// Files of Keras 1 do not always say so.
fn is_keras_2(version: Option<&str>) -> bool {
    version.is_none_or(|version| version.starts_with("2.") || version.starts_with("1."))
}

/// The bytes of a member; `None` if the archive has none of this name. Nothing is ever written to disk.
fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Trouble> {
    let Some(index) = archive.index_for_name(name) else { return Ok(None) };
    let damaged = |error: String| Trouble::malformed(name, error, "an intact member of the archive");
    let file = archive.by_index(index).map_err(|error| damaged(error.to_string()))?;
    let declared = file.size();
    let too_much = |n: u64| damaged(format!("{n} bytes or more once inflated, over {limit}"));
    if declared > limit {
        return Err(too_much(declared));
    }
    // The declared length may lie: the reader is limited as well.
    let mut bytes = Vec::with_capacity(declared as usize);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(too_much(bytes.len() as u64));
    }
    Ok(Some(bytes))
}

/// Not a file that a model can be made of.
fn unusable(what: &str) -> Trouble {
    Trouble::Unsupported { place: "file".into(), what: what.into(), remedy: SAVE_WHOLE.into() }
}

/// How a model has to be saved.
pub(super) const SAVE_WHOLE: &str = "save the whole model with model.save(\"model.keras\")";
