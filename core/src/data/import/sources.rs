//! Which files a folder has, and what is said of each of them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder::Options;
use super::idx;
use super::labels::{LabelSource, LabelTable, Said, split_named};
use crate::data::recording::Clip;
use crate::data::{DataError, DataProblem};

/// Folders within folders, and files in all of them.
const MOST_FOLDERS_DEEP: usize = 16;
const MOST_FILES: usize = 2_000_000;

/// A file and its path from the source, with forward slashes.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub relative: String,
    pub path: PathBuf,
}

pub(super) fn only(path: &Path) -> Found {
    let relative = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Found { relative, path: path.to_owned() }
}

/// All files of a folder and those within it, by name. Hidden ones, texts for people and links to folders are left alone.
pub(super) fn listed(source: &Path) -> Result<Vec<Found>, DataProblem> {
    let mut files = Vec::new();
    let mut folders = vec![(source.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let relative = format!("{prefix}{name}");
            if name.starts_with('.') {
                continue;
            }
            // What a link leads to counts for files alone: links between folders may go round in circles.
            if entry.file_type()?.is_dir() {
                if depth < MOST_FOLDERS_DEEP {
                    folders.push((entry.path(), format!("{relative}/"), depth + 1));
                }
            } else if entry.path().is_file() && !is_for_people(&name) {
                files.push(Found { relative, path: entry.path() });
            }
            if files.len() > MOST_FILES {
                return Err(DataProblem::Unlike(format!("it has more than {MOST_FILES} files; import its folders one by one")));
            }
        }
    }
    files.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(files)
}

fn is_for_people(name: &str) -> bool {
    let name = name.to_lowercase();
    ["license", "licence", "readme", "copying", "notice"].iter().any(|start| name.starts_with(start))
        || [".md", ".py", ".html", ".pdf", ".ron", ".ini"].iter().any(|end| name.ends_with(end))
}

/// Where labels come from.
pub(super) struct Sources {
    table: Option<(PathBuf, LabelTable)>,
    by_folder: bool,
    /// Whether the outermost folders are splits.
    by_split: bool,
    /// Files that hold the labels of files of images beside them.
    of_labels: HashSet<String>,
}

impl Sources {
    pub fn new(source: &Path, files: &[Found], options: &Options) -> Result<Self, DataError> {
        let table = match &options.labels {
            LabelSource::Table(path) => Some((path.clone(), LabelTable::read(path)?)),
            LabelSource::Auto if source.is_dir() => {
                files.iter().filter(|file| is_named_labels(&file.relative)).find_map(|file| {
                    let table = LabelTable::read(&file.path).ok()?;
                    files.iter().any(|other| table.names(&other.relative)).then(|| (file.path.clone(), table))
                })
            }
            _ => None,
        };
        let tops: HashSet<&str> = files.iter().filter_map(|file| Some(file.relative.split_once('/')?.0)).collect();
        // A folder "train" among others may hold railways.
        let by_split = !tops.is_empty() && tops.iter().all(|top| split_named(top).is_some());
        let by_folder = match options.labels {
            LabelSource::Folder => true,
            LabelSource::Auto => table.is_none() && class_folders(files, by_split).len() > 1,
            _ => false,
        };
        let of_labels = files.iter().filter_map(|file| labels_beside(&file.relative)).collect();
        Ok(Self { table, by_folder, by_split, of_labels })
    }

    /// Whether a file is no sample, but says what the others are.
    pub fn is_table(&self, file: &Found) -> bool {
        let is_it = self.table.as_ref().is_some_and(|(path, _)| same(path, &file.path));
        is_it || self.of_labels.contains(&file.relative)
    }

    pub fn said_of(&self, file: &Found, options: &Options) -> Said {
        if let Some(said) = self.table.as_ref().and_then(|(_, table)| table.of(&file.relative)) {
            return said.clone();
        }
        if let LabelSource::Name(pattern) = &options.labels {
            return pattern.read(&file.relative).unwrap_or_default();
        }
        let split = file.relative.split('/').next().filter(|_| self.by_split).and_then(split_named);
        let label = class_folder(file, self.by_split).filter(|_| self.by_folder).map(str::to_owned);
        // What a recording was said to be while it was made stands in the clip beside it.
        let recorded = || Clip::read(&file.path.with_extension("ron")).ok()?.label;
        let label = if options.labels == LabelSource::Auto { recorded().or(label) } else { label };
        Said { label, split, group: None }
    }
}

/// The innermost folder that a file lies in, if that may be its class.
fn class_folder(file: &Found, by_split: bool) -> Option<&str> {
    let (folders, _) = file.relative.rsplit_once('/')?;
    let is_split = by_split && !folders.contains('/');
    (!is_split).then(|| folders.rsplit('/').next().unwrap_or(folders))
}

fn class_folders(files: &[Found], by_split: bool) -> HashSet<&str> {
    files.iter().filter_map(|file| class_folder(file, by_split)).collect()
}

fn same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().zip(b.canonicalize().ok()).is_some_and(|(a, b)| a == b)
}

/// The path of the file with the labels of a file of images: beside it, by its name.
fn labels_beside(relative: &str) -> Option<String> {
    let (folder, name) = relative.rsplit_once('/').map_or(("", relative), |(folder, name)| (folder, name));
    let labels = idx::labels_name(name)?;
    Some(if folder.is_empty() { labels } else { format!("{folder}/{labels}") })
}

fn is_named_labels(relative: &str) -> bool {
    let name = relative.rsplit('/').next().unwrap_or(relative).to_lowercase();
    name.contains("label") && [".csv", ".txt", ".tsv"].iter().any(|end| name.ends_with(end))
}
