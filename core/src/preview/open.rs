//! From a project's file to a job, and back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Job, Source, StoredRanges};
use crate::data::{self, DataError};
use crate::formats::FormatError;
use crate::measure::device::{device, devices};
use crate::optimize::Calibration;
use crate::progress::Cancel;
use crate::project::{FileReference, Outside, Project, ProjectError, ProjectTrouble, StoredCalibration};

/// A project with everything it refers to.
#[derive(Clone, Debug)]
pub struct OpenedProject {
    /// What its file says.
    pub project: Project,
    /// What figures are made from.
    pub job: Job,
    /// Where the data set is.
    pub data_path: Option<PathBuf>,
}

/// Why a project cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The project itself, or a reference of it.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Its model.
    #[error(transparent)]
    Model(#[from] FormatError),
    /// Its data set.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Opens a project's file with its model, data, board and stored ranges.
///
/// # Errors
/// [`OpenError`]: the project cannot be read, refers to what is missing, outside or changed, or names an unknown board.
pub fn open_project(path: &Path, outside: Outside) -> Result<OpenedProject, OpenError> {
    open_as(Project::read(path)?, path, outside)
}

/// Opens what a project that was read from `path`, and perhaps changed since, refers to.
///
/// # Errors
/// As [`open_project`].
pub fn open_as(project: Project, path: &Path, outside: Outside) -> Result<OpenedProject, OpenError> {
    let trouble = |trouble: ProjectTrouble| trouble.of(path);
    let model = project.model.resolve(path, "model", outside).map_err(trouble)?;
    let source = Source::open_with(&model, project.import.clone())?;
    let remedy = "open the model itself to start afresh, or put the old file back";
    project.model.check("model", &source.hash, remedy).map_err(trouble)?;

    let data_path = match &project.data {
        Some(reference) => Some(reference.resolve(path, "data set", outside).map_err(trouble)?),
        None => None,
    };
    let open_data = |path: &Path| data::open_with(path, project.features.as_ref(), &Cancel::new());
    let data = data_path.as_deref().map(open_data).transpose()?.map(|data| data.laid_out(project.layout));
    if let (Some(reference), Some(data)) = (&project.data, &data) {
        let remedy = "choose the data set again to accept it, or put the old file back";
        reference.check("data set", &data.hash, remedy).map_err(trouble)?;
    }
    let ranges = project.calibration.as_ref().map(stored_ranges).transpose().map_err(trouble)?;
    let board = match &project.device {
        Some(id) => device(id).ok_or_else(|| {
            let known: Vec<&str> = devices().iter().map(|device| device.id.as_str()).collect();
            trouble(ProjectTrouble::Syntax(format!("no board \"{id}\", only {}", known.join(", "))))
        })?,
        None => devices()[0].clone(),
    };
    let job = Job {
        source: Arc::new(source),
        data: data.map(Arc::new),
        ranges: ranges.map(Arc::new),
        recipe: project.recipe.clone(),
        device: board,
    };
    Ok(OpenedProject { project, job, data_path })
}

fn stored_ranges(stored: &StoredCalibration) -> Result<StoredRanges, ProjectTrouble> {
    let hash = blake3::Hash::from_hex(&stored.data)
        .map_err(|_| ProjectTrouble::Syntax(format!("calibration: \"{}\" is no blake3 hash", stored.data)))?;
    stored.ranges.check().map_err(|error| ProjectTrouble::Syntax(error.to_string()))?;
    Ok(StoredRanges { data: *hash.as_bytes(), ranges: stored.ranges.clone() })
}

/// What a project at `path` says once it is saved: `before` (notes, variants, features) with the job as it is now and the ranges of its
/// calibration.
pub fn project_of(
    path: &Path,
    job: &Job,
    data_path: Option<&Path>,
    calibration: Option<&Calibration>,
    before: Option<&Project>,
) -> Project {
    let model = FileReference::new(path, &job.source.path, &job.source.hash);
    let mut project = Project::new(model, job.recipe.clone());
    project.import.clone_from(&job.source.import);
    project.layout = job.data.as_ref().and_then(|data| data.layout);
    project.device = Some(job.device.id.clone());
    let data = job.data.as_deref().zip(data_path);
    project.data = data.map(|(data, data_path)| FileReference::new(path, data_path, &data.hash));
    project.calibration =
        job.data.as_deref().zip(calibration).zip(job.recipe.quantize()).map(|((data, calibration), settings)| {
            let hash = blake3::Hash::from_bytes(data.samples_hash()).to_hex().to_string();
            StoredCalibration { data: hash, ranges: calibration.ranges_for(settings) }
        });
    if let Some(before) = before {
        project.notes.clone_from(&before.notes);
        project.variants.clone_from(&before.variants);
        project.features.clone_from(&before.features);
    }
    project
}
