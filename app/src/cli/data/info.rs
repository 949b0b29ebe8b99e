//! `tinsmith data info`: what a data set holds, and what makes it worth less than it seems.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tinsmith_core::data::library::check::Finding;
use tinsmith_core::data::library::file::is_library;
use tinsmith_core::data::library::{Library, Window};
use tinsmith_core::data::{self, DataSet, Split};
use tinsmith_core::progress::Cancel;

use super::open;
use crate::cli::paths::existing;
use crate::cli::{Failure, output, units};

/// Show what a data set holds: classes, splits, groups; and leaks, doubles and classes that are short of samples
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data info keyword
  tinsmith data info keyword --doubles --json
  tinsmith data info assets/samples/keyword/keyword.npz")]
pub struct Info {
    /// A data set: a folder, or an .npz or .npy file
    data: PathBuf,
    /// Look for equal and nearly equal samples as well, which reads all of them
    #[arg(long)]
    doubles: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Info {
    pub fn run(self) -> Result<(), Failure> {
        existing(&self.data)?;
        if !is_library(&self.data) && !self.data.is_dir() {
            return self.of_file(&data::open(&self.data)?);
        }
        let library = open(&self.data)?;
        let mut findings = library.findings();
        if self.doubles {
            findings.extend(library.doubles(&self.data, &Cancel::new())?);
        }
        if self.json {
            let mut report = counts_json(&library);
            report["data"] = json!(self.data);
            report["findings"] = json!(findings.iter().map(ToString::to_string).collect::<Vec<_>>());
            return output::print_json(&report);
        }
        output::print(&format!("{}{}", counts_text(&library), findings_text(&findings)))
    }

    /// Of an archive the same figures, as far as it has them.
    fn of_file(&self, set: &DataSet) -> Result<(), Failure> {
        let classes = class_counts(set);
        if self.json {
            let classes: Vec<Value> = classes.iter().map(|(name, n)| json!({ "label": name, "items": n })).collect();
            return output::print_json(&json!({
                "data": self.data,
                "kind": "tensor",
                "items": set.n_samples(),
                "samples": set.n_samples(),
                "shape": set.sample_shape,
                "inputs": set.arrays().map(|input| json!({ "array": input.array, "shape": input.sample_shape })).collect::<Vec<_>>(),
                "classes": classes,
                "splits": splits_of(set),
            }));
        }
        let shapes: Vec<String> = set.arrays().map(|input| format!("{:?}", input.sample_shape)).collect();
        let mut text = format!("{} tensors of shape {}\n", units::count(set.n_samples() as u64), shapes.join(" and "));
        if let Value::Object(splits) = splits_of(set) {
            let splits: Vec<String> = splits.iter().map(|(name, n)| format!("{n} {name}")).collect();
            text.push_str(&format!("{}\n", splits.join(", ")));
        }
        let rows: Vec<Vec<String>> = classes.into_iter().map(|(name, n)| vec![name, units::count(n as u64)]).collect();
        text.push_str(&output::table(&["class", "samples"], &[false, true], &rows));
        output::print(&text)
    }
}

/// How many samples each class has, by its name.
pub fn class_counts(set: &DataSet) -> Vec<(String, usize)> {
    let labels = set.labels.as_deref().unwrap_or_default();
    let highest = labels.iter().max().map_or(0, |&class| class as usize + 1);
    let name = |class: usize| set.label_names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let mut counts = vec![0; highest.max(set.label_names.len())];
    labels.iter().for_each(|&class| counts[class as usize] += 1);
    counts.into_iter().enumerate().map(|(class, n)| (name(class), n)).collect()
}

/// How many samples each split has; nothing if the set is not split.
pub fn splits_of(set: &DataSet) -> Value {
    let Some(splits) = set.splits.as_deref() else { return Value::Null };
    let n_of = |split: Split| splits.iter().filter(|s| **s == split).count();
    json!({ "train": n_of(Split::Train), "calibration": n_of(Split::Calibration), "test": n_of(Split::Test) })
}

/// What a data set holds, for scripts.
pub fn counts_json(library: &Library) -> Value {
    let class = |class: &data::library::filter::ClassCount| {
        let [none, train, calibration, test] = class.items;
        json!({
            "label": class.label, "items": class.total(), "instants": class.instants,
            "unsplit": none, "train": train, "calibration": calibration, "test": test,
        })
    };
    json!({
        "name": library.name,
        "kind": library.kind.name(),
        "items": library.items.len(),
        "samples": library.n_pieces(),
        "rate_hz": library.rate_hz,
        "axes": library.axes.iter().map(|axis| json!({ "name": axis.name, "unit": axis.unit })).collect::<Vec<_>>(),
        "window": library.window.map(|w: Window| json!({ "length": w.length, "stride": w.stride, "pad": w.pad })),
        "groups": library.groups().len(),
        "classes": library.balance().iter().map(class).collect::<Vec<_>>(),
    })
}

/// The same for people.
pub fn counts_text(library: &Library) -> String {
    let (n_items, n_samples) = (library.items.len() as u64, library.n_pieces());
    let mut text = format!("{} items of kind {}", units::count(n_items), library.kind.name());
    if n_samples != n_items {
        text.push_str(&format!(", {} samples", units::count(n_samples)));
    }
    if let Some(rate_hz) = library.rate_hz {
        let seconds: f64 = library.items.iter().map(|item| item.len() as f64).sum::<f64>() / rate_hz;
        text.push_str(&format!(", {rate_hz:.6} Hz, {seconds:.1} s").replace(".000000", ""));
    }
    text.push('\n');
    if library.axes.len() > 1 {
        let axes: Vec<String> = library.axes.iter().map(tinsmith_core::data::Axis::heading).collect();
        text.push_str(&format!("axes: {}\n", axes.join(", ")));
    }
    let row = |class: &data::library::filter::ClassCount| {
        let name = class.label.clone().unwrap_or_else(|| "(no label)".to_owned());
        let [none, train, calibration, test] = class.items.map(|n| units::count(n as u64));
        vec![name, units::count(class.total() as u64), train, calibration, test, none]
    };
    let rows: Vec<Vec<String>> = library.balance().iter().map(row).collect();
    let head = ["class", "items", "train", "calibration", "test", "in no split"];
    text + &output::table(&head, &[false, true, true, true, true, true], &rows)
}

/// A line for each finding, but not more than anybody reads.
pub fn findings_text(findings: &[Finding]) -> String {
    const MOST: usize = 20;
    let mut text: String = findings.iter().take(MOST).map(|finding| format!("! {finding}\n")).collect();
    if findings.len() > MOST {
        text.push_str(&format!("! and {} more; see all with --json\n", findings.len() - MOST));
    }
    text
}

/// Writes the index of a data set.
pub fn save(folder: &Path, library: &Library) -> Result<(), Failure> {
    Ok(crate::cli::interrupt::whole(|| library.save(folder))?)
}
