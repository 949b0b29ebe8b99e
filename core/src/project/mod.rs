//! The project file: a model by reference, what to do to it, and everything that a teammate needs to see the same figures.
//!
//! RON, human-readable, in a stable order, the version first. References are relative to the project's file and carry the
//! content's hash. Calibrated ranges are kept as exact single precision, because float sums differ in the last bit from one
//! processor to the next. Reading never changes a file; writing replaces it whole or not at all ([`file`]).
//!
//! Features are the stages alone. What they are fed, rate and channels, is what the recordings of the data set say, to which the
//! project refers: nothing is said twice, and a teammate gets the same figures and the same code for the device. The reference's
//! hash is that of the recordings, so that stages may be edited by hand; calibrated ranges carry the hash of what the stages make
//! of them, and are found anew once a stage changes.
//!
//! A project is untrusted input: what it refers to has to lie in its own folder, or below the nearest folder above it that
//! holds `.git` or `.tinsmith`, unless the user picked it ([`Outside`]).

pub mod file;
mod reference;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use reference::{FileReference, Outside};

use crate::data::Layout;
use crate::data::features::Pipeline;
use crate::formats::ImportOptions;
use crate::optimize::CalibratedRanges;
use crate::recipe::Recipe;

/// The version that this program writes.
pub const VERSION: u32 = 1;

/// The most bytes that are read of a project: recipe, ranges of thousands of tensors and notes fit many times.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// What a project file holds, in the order in which it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// The model as it came.
    pub model: FileReference,
    /// What the model's file leaves open.
    #[serde(default, skip_serializing_if = "ImportOptions::is_empty")]
    pub import: ImportOptions,
    /// The data set.
    #[serde(default)]
    pub data: Option<FileReference>,
    /// Where its samples have their channels, if their shape does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// What becomes of each recording, or window of one, before the model sees it. Samples that are no recordings stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Pipeline>,
    /// Id of the board: `esp32-s3`.
    #[serde(default)]
    pub device: Option<String>,
    /// What to do to the model.
    #[serde(default)]
    pub recipe: Recipe,
    /// Whatever people want to remember.
    #[serde(default)]
    pub notes: String,
    /// Candidates that were set aside.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Ranges that calibration found.
    #[serde(default)]
    pub calibration: Option<StoredCalibration>,
}

/// A candidate that was set aside to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// For people.
    pub name: String,
    /// How it is made.
    pub recipe: Recipe,
    /// What was measured then.
    #[serde(default)]
    pub figures: VariantFigures,
}

/// Figures of a variant; `None` where nothing was measured.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VariantFigures {
    /// Length of the exported file.
    pub size_bytes: Option<u64>,
    /// The least arena that works on a 32-bit microcontroller.
    pub arena_bytes: Option<u64>,
    /// Multiply-accumulates.
    pub macs: Option<u64>,
    /// Microseconds of one inference, estimated.
    pub latency_us: Option<f64>,
    /// Microjoules of one inference, estimated.
    pub energy_uj: Option<f64>,
    /// Fraction of test samples with the right label.
    pub top1: Option<f64>,
    /// Fraction of test samples on which it agrees with the float model.
    pub agreement: Option<f64>,
}

/// Calibrated ranges and the data they come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredCalibration {
    /// The data's [`samples_hash`](crate::data::DataSet::samples_hash), in hexadecimal digits.
    pub data: String,
    /// The ranges.
    pub ranges: CalibratedRanges,
}

/// Why a project cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {trouble}")]
pub struct ProjectError {
    /// The project's file.
    pub file: String,
    /// What is wrong.
    #[source]
    pub trouble: Box<ProjectTrouble>,
}

/// What is wrong with a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectTrouble {
    /// It could not be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is larger than any project.
    #[error("{size_bytes} bytes, expected at most {MAX_FILE_BYTES}: this is no project")]
    TooLarge {
        /// Its size.
        size_bytes: u64,
    },
    /// It is no project file, or a damaged one.
    #[error("not a project: {0}")]
    Syntax(String),
    /// A newer program wrote it.
    #[error("written by a newer Tinsmith (project version {found}, this program knows up to {VERSION}); update Tinsmith")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// What it refers to lies elsewhere, and nobody picked it.
    #[error(
        "refers to \"{path}\", which lies outside the project's folder; move the file next to the project, or choose it yourself"
    )]
    Outside {
        /// What it refers to.
        path: String,
    },
    /// What it refers to is not there.
    #[error("its {what} \"{path}\" is missing; put the file back or choose another")]
    Missing {
        /// `model` or `data set`.
        what: &'static str,
        /// What it refers to.
        path: String,
    },
    /// What it refers to was changed after the project was saved.
    #[error("its {what} \"{path}\" has changed since the project was saved (blake3 {found}, expected {expected}); {remedy}")]
    Changed {
        /// `model` or `data set`.
        what: &'static str,
        /// What it refers to.
        path: String,
        /// Hash of the file as it is.
        found: String,
        /// Hash of the file as it was.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl ProjectTrouble {
    /// The error about a project's file.
    pub fn of(self, file: &Path) -> ProjectError {
        ProjectError { file: file.display().to_string(), trouble: Box::new(self) }
    }
}

impl Project {
    /// A project about a model.
    pub fn new(model: FileReference, recipe: Recipe) -> Self {
        Self {
            version: VERSION,
            model,
            import: ImportOptions::default(),
            data: None,
            layout: None,
            features: None,
            device: None,
            recipe,
            notes: String::new(),
            variants: Vec::new(),
            calibration: None,
        }
    }

    /// Reads a project file.
    ///
    /// # Errors
    /// [`ProjectTrouble::Io`], [`ProjectTrouble::TooLarge`], [`ProjectTrouble::Syntax`], [`ProjectTrouble::Newer`].
    pub fn read(path: &Path) -> Result<Self, ProjectError> {
        let text = file::read_text(path, MAX_FILE_BYTES).map_err(|trouble| trouble.of(path))?;
        Self::from_ron(&text).map_err(|trouble| trouble.of(path))
    }

    /// Parses a project.
    ///
    /// # Errors
    /// [`ProjectTrouble::Newer`] before anything else of it is looked at; [`ProjectTrouble::Syntax`] with line and column.
    pub fn from_ron(text: &str) -> Result<Self, ProjectTrouble> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let syntax = |error: ron::error::SpannedError| ProjectTrouble::Syntax(error.to_string());
        let Versioned { version } = ron::from_str(text).map_err(syntax)?;
        if version > VERSION {
            return Err(ProjectTrouble::Newer { found: version });
        }
        ron::from_str(text).map_err(syntax)
    }

    /// The text of the project's file. Equal projects give equal text.
    ///
    /// # Errors
    /// [`ProjectTrouble::Syntax`] if a value cannot be written, which no project should hold.
    pub fn to_ron(&self) -> Result<String, ProjectTrouble> {
        let style = ron::ser::PrettyConfig::new().extensions(ron::extensions::Extensions::IMPLICIT_SOME).new_line("\n");
        let text = ron::ser::to_string_pretty(self, style).map_err(|error| ProjectTrouble::Syntax(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Writes the project's file, whole or not at all.
    ///
    /// # Errors
    /// [`ProjectTrouble::Io`].
    pub fn write(&self, path: &Path) -> Result<(), ProjectError> {
        let text = self.to_ron().map_err(|trouble| trouble.of(path))?;
        file::write_atomically(path, text.as_bytes()).map_err(|error| ProjectTrouble::Io(error).of(path))
    }
}

/// Where work on a project is kept until it is saved: beside the project, hidden.
pub fn autosave_path(project: &Path) -> PathBuf {
    let name = project.file_name().map_or_else(|| "project.ron".into(), |name| name.to_string_lossy());
    project.with_file_name(format!(".{name}.autosave"))
}

/// Work that was never saved: an autosave that is newer than the project (or without one) and can be read. The window offers
/// it after a crash.
pub fn recoverable(project: &Path) -> Option<Project> {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let autosave = autosave_path(project);
    let autosaved = modified(&autosave)?;
    if modified(project).is_some_and(|saved| saved >= autosaved) {
        return None;
    }
    Project::read(&autosave).ok().filter(|kept| Project::read(project).ok().as_ref() != Some(kept))
}

/// Forgets the autosave: the project was saved, or the user does not want it.
///
/// # Errors
/// The file is there and cannot be removed.
pub fn discard_autosave(project: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(autosave_path(project)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
