//! `tinsmith data import`: files of any format become a data set in a folder.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::json;
use tinsmith_core::data::import::labels::{LabelSource, Pattern};
use tinsmith_core::data::import::raw::Element;
use tinsmith_core::data::import::text::Noise;
use tinsmith_core::data::import::{self, Options, Raw};
use tinsmith_core::data::library::{Kind, Window};
use tinsmith_core::progress::Cancel;

use super::info::{counts_json, counts_text};
use crate::cli::messages::{Messages, timed};
use crate::cli::paths::existing;
use crate::cli::{Failure, output};

/// Make a data set of a file or a folder: WAV, FLAC, MP3, CSV, serial logs, images, NPZ, NPY, IDX, Edge Impulse JSON and CBOR, headerless numbers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data import assets/samples/keyword/keyword.npz --out keyword
  tinsmith data import assets/samples/keyword/keyword.npz --out other --kind tensor --json")]
pub struct Import {
    /// The file or folder; its content decides, not its name
    source: PathBuf,
    /// Where to make the data set
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Take only what is sound, series, image or tensor; what the first file is if left out
    #[arg(long, value_parser = parse_kind)]
    kind: Option<Kind>,
    /// Where labels come from: auto, from-folder, from-name=PATTERN such as {label}_{group}_{*}, or table=FILE; auto is a table of labels beside the files, else what a recording was labelled when it was made, else the folders
    #[arg(long, value_name = "FROM", value_parser = parse_labels, default_value = "auto")]
    labels: LabelSource,
    /// The classes in the order of the model's outputs; by number or alphabet if left out
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    classes: Vec<String>,
    /// Files are headerless numbers: the shape of a sample
    #[arg(long, value_name = "N,…", value_delimiter = ',', requires = "dtype")]
    shape: Option<Vec<usize>>,
    /// Their type, little-endian: int8, uint8, int16 or float32
    #[arg(long, value_name = "TYPE", value_parser = parse_element, requires = "shape")]
    dtype: Option<Element>,
    /// Instants a second of recordings that do not tell
    #[arg(long, value_name = "HZ", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Lines of text without numbers: skip or refuse; skipped in logs and refused in tables if left out
    #[arg(long, value_name = "skip|refuse", value_parser = parse_noise)]
    noise: Option<Noise>,
    /// Recordings become samples of this many instants
    #[arg(long, value_name = "INSTANTS", value_parser = clap::value_parser!(u64).range(1..))]
    window: Option<u64>,
    /// From one such sample to the next; as long as the window if left out
    #[arg(long, value_name = "INSTANTS", value_parser = clap::value_parser!(u64).range(1..), requires = "window")]
    stride: Option<u64>,
    /// Fill recordings that are shorter than the window with zeros
    #[arg(long, requires = "window")]
    pad: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_kind(name: &str) -> Result<Kind, String> {
    Kind::named(name).ok_or_else(|| format!("expected {}", Kind::ALL.map(Kind::name).join(", ")))
}

fn parse_element(name: &str) -> Result<Element, String> {
    Element::named(name).ok_or_else(|| format!("expected {}", Element::ALL.map(Element::name).join(", ")))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "expected instants a second, more than 0".to_owned())
}

fn parse_noise(name: &str) -> Result<Noise, String> {
    match name {
        "skip" => Ok(Noise::Skip),
        "refuse" => Ok(Noise::Refuse),
        _ => Err("expected skip or refuse".to_owned()),
    }
}

fn parse_labels(text: &str) -> Result<LabelSource, String> {
    match text.split_once('=') {
        None if text == "auto" => Ok(LabelSource::Auto),
        None if text == "from-folder" => Ok(LabelSource::Folder),
        Some(("from-name", pattern)) => Ok(LabelSource::Name(Pattern::parse(pattern)?)),
        Some(("table", file)) if !file.is_empty() => Ok(LabelSource::Table(file.into())),
        _ => Err("expected auto, from-folder, from-name=PATTERN or table=FILE".to_owned()),
    }
}

impl Import {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        existing(&self.source)?;
        let options = Options {
            kind: self.kind,
            labels: self.labels,
            class_names: self.classes,
            raw: self.shape.zip(self.dtype).map(|(shape, element)| Raw { shape, element }),
            noise: self.noise.unwrap_or_default(),
            rate_hz: self.rate,
            window: self.window.map(|length| Window { length, stride: self.stride.unwrap_or(length), pad: self.pad }),
        };
        let progress = messages.progress();
        let mut tell = |done, total| progress.show("importing", done, total);
        let work = || import::import(&self.source, &self.out, &options, &Cancel::new(), &mut tell);
        let imported = timed(format_args!("imported {}", self.source.display()), work)?;
        drop(progress);
        let library = &imported.library;
        let refused: Vec<String> = imported.refused.iter().map(ToString::to_string).collect();
        imported.notes.iter().for_each(|note| messages.note(note));
        refused.iter().for_each(|refusal| messages.note(&format!("left out {refusal}")));
        if self.json {
            let mut report = counts_json(library);
            report["data"] = json!(self.out);
            report["refused"] = json!(refused);
            report["notes"] = json!(imported.notes);
            return output::print_json(&report);
        }
        output::print(&format!("{}{}\n", counts_text(library), self.out.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_or_explained() {
        assert_eq!(parse_labels("auto"), Ok(LabelSource::Auto));
        assert_eq!(parse_labels("table=a=b.csv"), Ok(LabelSource::Table("a=b.csv".into())));
        assert!(parse_labels("from-name={label}").is_ok());
        for wrong in ["table", "table=", "from-name=x", "folder"] {
            assert!(parse_labels(wrong).is_err(), "{wrong}");
        }
        assert!(parse_rate("0").is_err() && parse_rate("nan").is_err() && parse_rate("119.5").is_ok());
    }
}
