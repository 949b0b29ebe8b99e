//! Opening, saving and exporting. Runs on threads of its own; errors come back as text for people.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::library::INDEX;
use tinsmith_core::data::library::file::is_library;
use tinsmith_core::data::{self, DataSet};
use tinsmith_core::formats::{FormatError, ImportOptions, OpenExtent, Trouble};
use tinsmith_core::optimize::{Calibration, Candidate};
use tinsmith_core::preview::{Job, OpenError, OpenedProject, Source, Target, open_as, project_of};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::{Outside, Project, autosave_path, discard_autosave, recoverable};
use tinsmith_core::recipe::Recipe;

use super::words;
use crate::cli::export::write;
use crate::gui::dialogs::{Picker, Wanted};
use crate::gui::picture::{Content, Request};
use crate::gui::session::{SavedState, first_recipe};

/// What a file turned out to be.
#[derive(Debug)]
pub enum Opened {
    /// A model with the recipe that it starts with; the work on it that was never saved, if there is any.
    Model(Arc<Source>, Recipe, Option<Box<Project>>),
    /// Samples, with the stages that recordings were taken through.
    Data(Arc<DataSet>, Option<Pipeline>),
    /// A project with its model and data, and the recipe that the model would start with; the work on it that was never saved, if there
    /// is any.
    Project(Box<OpenedProject>, Recipe, Option<Box<Project>>),
    /// A model, or a project of one, that cannot be opened before these extents are said.
    Asks(Vec<AskedExtent>),
}

/// An extent that has to be said.
#[derive(Clone, Debug)]
pub struct AskedExtent {
    /// Which one.
    pub extent: OpenExtent,
    /// What was said of it when the model was at work last, if a project remembers.
    pub known: Option<usize>,
}

/// What to write.
#[derive(Clone, Debug)]
pub struct SaveRequest {
    /// The project's file; an autosave goes beside it.
    pub path: PathBuf,
    /// Model, data, recipe, board.
    pub job: Job,
    /// Where the data set is.
    pub data_path: Option<PathBuf>,
    /// The ranges to keep come from it.
    pub calibration: Option<Arc<Calibration>>,
    /// What the file said before: notes and variants are kept.
    pub before: Option<Arc<Project>>,
    /// What the window compares with to know what is unsaved.
    pub state: SavedState,
    /// Leave the project's own file alone and write beside it.
    pub is_autosave: bool,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Saved {
    /// As asked for.
    pub request: SaveRequest,
    /// What the file now says.
    pub project: Arc<Project>,
}

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// What it was made from.
    pub job: Job,
    /// What is exported.
    pub candidate: Arc<Candidate>,
    /// What the files are called.
    pub name: String,
    /// What to write.
    pub targets: Vec<Target>,
}

/// The samples that a path names: an `.npz` or `.npy` file, or the folder of a data set, which its index stands for as well.
pub fn samples_at(path: &Path) -> Option<PathBuf> {
    if path.file_name().is_some_and(|name| name == INDEX) {
        return path.parent().map(Path::to_owned);
    }
    let is_file = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz") || e.eq_ignore_ascii_case("npy"));
    (is_file || is_library(path)).then(|| path.to_owned())
}

/// Opens whatever lies at `path`; `import` is said of what a model leaves open, recordings go through `features`. A suffix decides
/// only between projects, data and models; each is then known by its bytes.
pub(super) fn open(path: &Path, outside: Outside, import: ImportOptions, features: Option<Pipeline>) -> Result<Opened, String> {
    if let Some(path) = samples_at(path) {
        let set = data::open_with(&path, features.as_ref(), &Cancel::new()).map_err(|e| e.to_string())?;
        return Ok(Opened::Data(Arc::new(set), features));
    }
    match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ron")) {
        true => open_project(path, outside, import),
        false => open_model(path, import),
    }
}

/// Samples of recordings, made anew because the stages have changed.
#[derive(Debug)]
pub struct Remade {
    /// Where the recordings are.
    pub path: PathBuf,
    /// The stages.
    pub features: Option<Pipeline>,
    /// The samples, or why there are none.
    pub set: Result<DataSet, String>,
}

impl Remade {
    /// Makes them; `None` if nobody wants them any more.
    pub(super) fn make(path: PathBuf, features: Option<Pipeline>, cancel: &Cancel) -> Option<Self> {
        let set = data::open_with(&path, features.as_ref(), cancel).map_err(|e| e.to_string());
        (!cancel.is_cancelled()).then_some(Self { path, features, set })
    }
}

fn open_model(path: &Path, import: ImportOptions) -> Result<Opened, String> {
    let project = project_beside(path);
    let source = match Source::open_with(path, import) {
        Err(FormatError { trouble: Trouble::Open(extents), .. }) => return Ok(asks(extents, &project)),
        opened => opened.map_err(words::of_model)?,
    };
    let first = first_recipe(&source.graph);
    Ok(Opened::Model(Arc::new(source), first, recoverable(&project).map(Box::new)))
}

fn open_project(path: &Path, outside: Outside, import: ImportOptions) -> Result<Opened, String> {
    let project = Project::read(path).map_err(|e| e.to_string())?;
    let kept = project.import.clone();
    let mut said = project;
    if !import.is_empty() {
        said.import.dims.extend(import.dims);
        // They are those of another graph.
        said.calibration = None;
    }
    let mut opened = match open_as(said, path, outside) {
        Err(OpenError::Model(FormatError { trouble: Trouble::Open(extents), .. })) => return Ok(asks(extents, path)),
        opened => opened.map_err(words::of_project)?,
    };
    // What was said just now is not in the file before it is saved.
    opened.project.import = kept;
    let first = first_recipe(&opened.job.source.graph);
    Ok(Opened::Project(Box::new(opened), first, recoverable(path).map(Box::new)))
}

/// What has to be said, with what the project or its autosaved copy remembers.
fn asks(extents: Vec<OpenExtent>, project: &Path) -> Opened {
    let remembered = recoverable(project).or_else(|| Project::read(project).ok()).map(|project| project.import.dims);
    let known = |extent: &OpenExtent| remembered.as_ref()?.get(&extent.name).copied();
    Opened::Asks(extents.into_iter().map(|extent| AskedExtent { known: known(&extent), extent }).collect())
}

pub(super) fn save(request: SaveRequest) -> Result<Saved, String> {
    let SaveRequest { path, job, data_path, calibration, before, is_autosave, .. } = &request;
    let mut project = project_of(path, job, data_path.as_deref(), calibration.as_deref(), before.as_deref());
    project.variants.clone_from(&request.state.edit.variants);
    project.features.clone_from(&request.state.edit.features);
    // Renaming over a file takes no notice of its permissions, so they are asked for here.
    if !is_autosave && std::fs::metadata(path).is_ok_and(|m| m.permissions().readonly()) {
        return Err(format!("{} is read-only: save the project under another name", path.display()));
    }
    let target = if *is_autosave { autosave_path(path) } else { path.clone() };
    project.write(&target).map_err(|e| e.to_string())?;
    if !is_autosave {
        // An autosave that stays is older than the project and never offered.
        let _ = discard_autosave(path);
    }
    Ok(Saved { request, project: Arc::new(project) })
}

pub(super) fn export(folder: PathBuf, request: &ExportRequest) -> Result<(PathBuf, Vec<String>), String> {
    let ExportRequest { job, candidate, name, targets } = request;
    let written = write(job, &candidate.graph, name, targets, &folder).map_err(|e| e.message().to_owned())?;
    let name_of = |path: &PathBuf| path.strip_prefix(&folder).unwrap_or(path).display().to_string();
    let names = written.iter().map(name_of).collect();
    Ok((folder, names))
}

/// The project file that a model without one would get.
pub fn project_beside(model: &Path) -> PathBuf {
    model.with_extension("ron")
}

/// The sample project, if it lies where a checkout or an installation has it.
pub fn sample_project() -> Option<PathBuf> {
    let beside_program = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|p| p.join("projects")));
    let in_checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(|p| p.join("projects"));
    let folders = [Some(PathBuf::from("projects")), beside_program, in_checkout];
    folders.into_iter().flatten().map(|folder| folder.join("keyword.ron")).find(|path| path.is_file())
}

/// Writes a picture where it was asked for, or where the user says; `None` if nothing was picked.
pub fn save_picture(request: &Request, content: Content, picker: &Picker) -> Option<Result<PathBuf, String>> {
    let path = request.to.clone().or_else(|| picker(&Wanted::SavePicture(request.file_name())))?;
    let written = content.encode().and_then(|bytes| std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display())));
    Some(written.map(|()| path))
}
