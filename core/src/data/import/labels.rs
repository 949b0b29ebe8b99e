//! What files are said to be: by the folder they lie in, by a pattern of their names, or by a table.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::library::file::stem_of;
use crate::data::{DataError, DataProblem, Split, read_limited};

/// Where labels come from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum LabelSource {
    /// A table beside the files if there is one, else what a recording was said to be when it was made, else the folders if there are
    /// several.
    #[default]
    Auto,
    /// The folder that a file lies in.
    Folder,
    /// The file's path.
    Name(Pattern),
    /// A table: CSV with columns `file`, `label` and, as they may be, `split` and `speaker`, `person`, `group` or `subject`.
    Table(PathBuf),
}

/// What is said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Said {
    /// Its class.
    pub label: Option<String>,
    /// What it is for.
    pub split: Option<Split>,
    /// Of whom it was recorded.
    pub group: Option<String>,
}

impl Said {
    /// What is said here, and where that is silent what `other` says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { label: self.label.or(other.label), split: self.split.or(other.split), group: self.group.or(other.group) }
    }
}

/// A pattern of paths such as `{label}_{group}_{*}` or `{split}/{label}/{*}`: names in braces stand for as little text as fits,
/// everything else for itself. It is held against the end of a path without its extension, as many folders deep as it has
/// slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    depth: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Label,
    Split,
    Group,
    Any,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// In a line: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        const NAMES: &str = "{label}, {group}, {split} or {*}";
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('{') {
                let (name, after) = inner.split_once('}').ok_or_else(|| format!("a brace is not closed, expected {NAMES}"))?;
                if parts.last().is_some_and(|part| !matches!(part, Part::Text(_))) {
                    return Err("two braces stand side by side, expected text between them".into());
                }
                parts.push(match name {
                    "label" => Part::Label,
                    "split" => Part::Split,
                    "group" | "person" | "recording" => Part::Group,
                    "*" => Part::Any,
                    other => return Err(format!("{{{other}}} is not known, expected {NAMES}")),
                });
                rest = after;
            } else {
                let end = rest.find('{').unwrap_or(rest.len());
                parts.push(Part::Text(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        if !parts.contains(&Part::Label) && !parts.contains(&Part::Group) && !parts.contains(&Part::Split) {
            return Err(format!("it names nothing, expected {NAMES} among its text"));
        }
        Ok(Self { depth: text.matches('/').count() + 1, parts })
    }

    /// What a path with forward slashes says; `None` if it is not of this pattern.
    pub fn read(&self, path: &str) -> Option<Said> {
        let stem = stem_of(path);
        let from = stem.rmatch_indices('/').nth(self.depth - 1).map_or(0, |(at, _)| at + 1);
        let mut rest = &stem[from..];
        let mut said = Said::default();
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            if let Part::Text(text) = part {
                rest = rest.strip_prefix(text.as_str())?;
                continue;
            }
            let end = match parts.peek() {
                // At least one character.
                Some(Part::Text(text)) => {
                    rest.char_indices().skip(1).map(|(at, _)| at).find(|&at| rest[at..].starts_with(text.as_str()))?
                }
                _ => rest.len(),
            };
            let value = &rest[..end];
            if value.is_empty() || value.contains('/') {
                return None;
            }
            match part {
                Part::Label => said.label = Some(value.to_owned()),
                Part::Split => said.split = split_named(value),
                Part::Group => said.group = Some(value.to_owned()),
                Part::Any | Part::Text(_) => {}
            }
            rest = &rest[end..];
        }
        rest.is_empty().then_some(said)
    }
}

/// A split by any of its usual names.
pub fn split_named(name: &str) -> Option<Split> {
    match name.trim().to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        // What nets are not trained on shows their ranges.
        "calibration" | "validation" | "val" | "dev" => Some(Split::Calibration),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

/// What a table says of files, by their names.
#[derive(Clone, Debug, Default)]
pub struct LabelTable(HashMap<String, Said>);

impl LabelTable {
    /// Reads a table: with headings, or without them a file's name first and its label last.
    ///
    /// # Errors
    /// [`DataError`] names the file and the line.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        read_limited(path).and_then(|bytes| Self::parse(&bytes)).map_err(|problem| problem.of(path))
    }

    /// Parses a table.
    ///
    /// # Errors
    /// [`DataProblem::Line`]; [`DataProblem::Broken`] for one without rows, or without a column of labels.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataProblem> {
        const FILES: &[&str] = &["file", "filename", "file_name", "path", "name", "clip", "image", "audio"];
        const LABELS: &[&str] = &["label", "class", "category", "target", "y"];
        const SPLITS: &[&str] = &["split", "set", "subset"];
        const GROUPS: &[&str] = &["group", "person", "speaker", "subject", "user", "session", "recording"];
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(bytes);
        let mut records = reader.records().map(|record| record.map_err(|error| of_csv(&error)));
        let first = records.next().ok_or_else(|| broken("it is empty"))??;
        let column = |names: &[&str]| first.iter().position(|head| names.contains(&head.to_lowercase().as_str()));
        let file = column(FILES);
        let rows: Box<dyn Iterator<Item = _>> = match file {
            Some(_) => Box::new(records),
            None => Box::new(std::iter::once(Ok(first.clone())).chain(records)),
        };
        let (file, label, split, group) = match file {
            Some(file) => (file, column(LABELS), column(SPLITS), column(GROUPS)),
            None if first.len() > 1 => (0, Some(first.len() - 1), None, None),
            None => return Err(broken("it has one column, expected at least a file's name and its label")),
        };
        let mut table = HashMap::new();
        for row in rows {
            let row = row?;
            let cell = |column: Option<usize>| column.and_then(|c| row.get(c)).filter(|text| !text.is_empty()).map(str::to_owned);
            let Some(name) = cell(Some(file)) else { continue };
            let said = Said { label: cell(label), split: cell(split).and_then(|name| split_named(&name)), group: cell(group) };
            table.insert(name.replace('\\', "/"), said);
        }
        if table.is_empty() {
            return Err(broken("it names no files"));
        }
        Ok(Self(table))
    }

    /// What is said of a file at this path, or of one with its name.
    pub fn of(&self, path: &str) -> Option<&Said> {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.0.get(path).or_else(|| self.0.get(name))
    }

    /// Whether it speaks of this file.
    pub fn names(&self, path: &str) -> bool {
        self.of(path).is_some()
    }
}

fn of_csv(error: &csv::Error) -> DataProblem {
    let line = error.position().map_or(0, |position| position.line() as usize);
    let trouble = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("it has {len} fields, expected {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "it is no text".to_owned(),
        _ => error.to_string(),
    };
    DataProblem::Line { line, trouble }
}

fn broken(trouble: &str) -> DataProblem {
    DataProblem::Broken { format: "table of labels", trouble: trouble.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(label: &str, split: Option<Split>, group: Option<&str>) -> Said {
        Said { label: (!label.is_empty()).then(|| label.to_owned()), split, group: group.map(str::to_owned) }
    }

    #[test]
    fn patterns_take_as_little_as_fits() {
        let read = |pattern: &str, path: &str| Pattern::parse(pattern).unwrap().read(path);
        assert_eq!(read("{label}_{group}_{*}", "a/7_george_3.wav"), Some(said("7", None, Some("george"))));
        assert_eq!(read("{*}_{label}_{group}", "output_ring_hyw.txt"), Some(said("ring", None, Some("hyw"))));
        assert_eq!(read("{split}/{label}/{*}", "x/testing/yes/1.wav"), Some(said("yes", Some(Split::Test), None)));
        assert_eq!(read("{label}.{*}", "yes.no.1.json"), Some(said("yes", None, None)));
        assert_eq!(read("{label}_{*}", "plain.wav"), None);
        assert_eq!(read("{label}_{*}", "_1.wav"), None);
        for wrong in ["plain", "{label", "{label}{group}", "{colour}", "{*}"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tables_have_headings_or_names_first_and_labels_last() {
        let table =
            LabelTable::parse(b"file,label,speaker,take,split\na/1.wav,yes,ann,3,test\n2.wav,\"no, never\",,,\n").unwrap();
        assert_eq!(table.of("a/1.wav"), Some(&said("yes", Some(Split::Test), Some("ann"))));
        assert_eq!(table.of("b/2.wav"), Some(&said("no, never", None, None)));
        assert_eq!(table.of("1.wav"), None);
        let bare = LabelTable::parse(b"1.bin,12,7\n2.bin,12,2\n").unwrap();
        assert_eq!(bare.of("1.bin"), Some(&said("7", None, None)));
        for (text, words) in [("", "empty"), ("one\n", "one column"), ("file,label\n", "no files"), ("a,b\nc\n", "line 2")] {
            let error = LabelTable::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
