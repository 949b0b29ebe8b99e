//! Files of other tools: bytes <-> [`Graph`]. One folder a format.
//!
//! A format is recognised by its bytes, never by the file's extension: the matchers in [`FORMATS`] are asked in order.
//!
//! Architecture invariant: nothing here optimizes or executes. Import is faithful: what cannot be run or exported is
//! still shown, with a note that says why. Every byte read is untrusted: whatever it holds, the answer is a graph or a
//! one-line error, and memory stays below a small multiple of the file's length.

mod budget;
mod error;
mod keras;
mod names;
mod notes;
mod onnx;
mod options;
pub mod tflite;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub use error::{FormatError, Trouble};
use options::OpenDims;
pub use options::{ImportOptions, OpenExtent};

use crate::graph::{Graph, check};

/// The most bytes that are read of a model file: far more than any microcontroller's flash.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// A model as read from a file.
#[derive(Clone, Debug)]
pub struct Import {
    /// The network, checked, with notes on what was found.
    pub graph: Graph,
    /// Name of the format, for people.
    pub format: &'static str,
}

/// A model file as opened: what the file is, and the graph in it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The network, checked, with notes on what was found.
    pub graph: Arc<Graph>,
    /// Name of the format, for people.
    pub format: &'static str,
    /// Length of the file.
    pub size_bytes: u64,
    /// Hash of the file's bytes.
    pub hash: blake3::Hash,
}

/// A file format: how it is recognised and read.
struct Format {
    name: &'static str,
    /// How names of such files end, without the dot.
    suffixes: &'static [&'static str],
    matches: fn(&[u8]) -> bool,
    import: fn(Source<'_>) -> Result<Graph, Trouble>,
}

/// What a format reads.
struct Source<'a> {
    /// The file. Given away: a format that needs it for long need not copy it.
    bytes: Cow<'a, [u8]>,
    /// Where the file lies, for formats whose files refer to others; nothing outside of it is read.
    folder: Option<&'a Path>,
    /// What is said of extents that the file leaves open.
    dims: OpenDims,
}

/// All formats, in the order in which they are asked.
const FORMATS: &[Format] = &[
    Format {
        name: tflite::NAME,
        suffixes: tflite::SUFFIXES,
        matches: tflite::matches,
        import: |source| tflite::import(&source.bytes),
    },
    Format {
        name: onnx::NAME,
        suffixes: onnx::SUFFIXES,
        matches: onnx::matches,
        import: |source| onnx::import(&source.bytes, source.folder, source.dims),
    },
    Format {
        name: keras::NAME,
        suffixes: keras::SUFFIXES,
        matches: keras::matches,
        import: |source| keras::import(source.bytes, source.dims),
    },
];

/// How the names of model files end, without the dot: for file dialogs. What a file is, its bytes say.
pub fn suffixes() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().flat_map(|format| format.suffixes).copied()
}

/// All formats for people: `TensorFlow Lite (.tflite), Keras (.keras, .h5)`.
fn known() -> String {
    let one = |format: &Format| {
        let suffixes: Vec<String> = format.suffixes.iter().map(|suffix| format!(".{suffix}")).collect();
        format!("{} ({})", format.name, suffixes.join(", "))
    };
    FORMATS.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Reads a model file, recognises its format and turns it into a graph named after the file.
///
/// # Errors
/// The file cannot be read, is larger than [`MAX_FILE_BYTES`], is of no known format, or is damaged.
pub fn open(path: &Path) -> Result<Opened, FormatError> {
    open_with(path, &ImportOptions::default())
}

/// [`open`], with what the file leaves open.
///
/// # Errors
/// As [`open`]; and where something is said that the file does not leave open.
pub fn open_with(path: &Path, options: &ImportOptions) -> Result<Opened, FormatError> {
    let file = path.display().to_string();
    let bytes = read_limited(path).map_err(|trouble| trouble.of(&file))?;
    let (size_bytes, hash) = (bytes.len() as u64, blake3::hash(&bytes));
    let Import { mut graph, format } = import_source(&file, bytes.into(), path.parent(), options)?;
    graph.name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Ok(Opened { graph: Arc::new(graph), format, size_bytes, hash })
}

/// Reads a model file, recognises its format and turns it into a graph named after the file.
///
/// # Errors
/// As [`open`].
pub fn import(path: &Path) -> Result<Import, FormatError> {
    let Opened { graph, format, .. } = open(path)?;
    Ok(Import { graph: Arc::unwrap_or_clone(graph), format })
}

/// Recognises the format of `bytes` and turns them into a graph. `file` is what errors call them.
///
/// # Errors
/// The bytes are of no known format or damaged.
pub fn import_bytes(file: &str, bytes: &[u8]) -> Result<Import, FormatError> {
    import_bytes_with(file, bytes, &ImportOptions::default())
}

/// [`import_bytes`], with what the file leaves open.
///
/// # Errors
/// As [`import_bytes`]; and where something is said that the file does not leave open.
pub fn import_bytes_with(file: &str, bytes: &[u8], options: &ImportOptions) -> Result<Import, FormatError> {
    import_source(file, bytes.into(), None, options)
}

fn import_source(
    file: &str,
    bytes: Cow<'_, [u8]>,
    folder: Option<&Path>,
    options: &ImportOptions,
) -> Result<Import, FormatError> {
    let of_file = |trouble: Trouble| trouble.of(file);
    let dims = OpenDims::new(options);
    let source = Source { bytes, folder, dims: dims.clone() };
    let Some(format) = FORMATS.iter().find(|format| (format.matches)(&source.bytes)) else {
        return Err(of_file(Trouble::UnknownFormat { found: describe(&source.bytes) }));
    };
    dims.check_values().map_err(of_file)?;
    let imported = (format.import)(source);
    dims.check_said().map_err(of_file)?;
    let mut graph = imported.map_err(of_file)?;
    dims.check_asked().map_err(of_file)?;
    check(&graph).map_err(|error| of_file(error.into()))?;
    notes::add(&mut graph);
    Ok(Import { graph, format: format.name })
}

fn read_limited(path: &Path) -> Result<Vec<u8>, Trouble> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a folder").into());
    }
    let too_large = |size_bytes| Trouble::TooLarge { size_bytes, limit_bytes: MAX_FILE_BYTES };
    if metadata.len() > MAX_FILE_BYTES {
        return Err(too_large(metadata.len()));
    }
    // The length may lie (a pipe, a file that grows): the reader is limited as well.
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// What bytes of no known format look like, so that the user sees what was picked by mistake.
fn describe(bytes: &[u8]) -> String {
    let kind = match bytes {
        [] => return "the file is empty".into(),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        _ if bytes.len() >= 8 && bytes[4..7] == *b"TFL" => "a TensorFlow Lite file of another version than 3",
        _ if bytes.len() < 16 => return format!("{} bytes are too few for a model", bytes.len()),
        _ if bytes.iter().take(256).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => "plain text",
        _ => "bytes of no known kind",
    };
    format!("it looks like {kind}")
}
