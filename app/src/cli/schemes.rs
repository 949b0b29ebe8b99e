//! `tinsmith schemes`: one table of what each quantization scheme makes of a model.

use clap::Args;
use serde_json::{Value, json};
use tinsmith_core::measure::AccuracyFigures;
use tinsmith_core::preview::{Engine, Job, PreviewError};
use tinsmith_core::recipe::{Recipe, Scheme, Step};

use super::inspect::sizes_json;
use super::job::{JobOptions, step};
use super::messages::Messages;
use super::run::{Results, accuracy_json, results_of};
use super::{Failure, output, units};

/// Compare the quantization schemes on a model: accuracy, agreement with the float model, sizes, RAM, MACs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith schemes projects/keyword.ron
  tinsmith schemes model.tflite --data samples.npz --step quantize:keep=99.99
  tinsmith schemes projects/keyword.ron --with quantize:scheme=int4,weight-range=mse --json")]
pub struct Schemes {
    #[command(flatten)]
    options: JobOptions,
    /// One more row, with this step instead of the recipe's of the same name; may be given several times
    #[arg(long, value_name = "STEP", value_parser = row)]
    with: Vec<(String, Step)>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn row(text: &str) -> Result<(String, Step), String> {
    Ok((text.to_owned(), step(text)?))
}

/// A row of the table: a name, and what came of it.
type Row = (String, Result<Results, PreviewError>);

impl Schemes {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let (job, _) = self.options.open()?;
        let file = &self.options.file;
        let mut engine = Engine::new();
        let run = |(name, recipe)| (name, results_of(&mut engine, &Job { recipe, ..job.clone() }, messages));
        let rows: Vec<Row> = self.recipes(&job.recipe).into_iter().map(run).collect();
        if let [(_, Err(error)), ..] = rows.as_slice()
            && rows.iter().all(|(_, made)| made.is_err())
        {
            return Err(Failure::at(file, error));
        }
        if self.json {
            let rows: Vec<Value> = rows.iter().map(row_json).collect();
            return output::print_json(&json!({ "file": file, "device": job.device.id, "rows": rows }));
        }
        output::print(&table(&rows))
    }

    /// A name and a recipe for each row.
    fn recipes(&self, usual: &Recipe) -> Vec<(String, Recipe)> {
        let of_scheme = |scheme: Scheme| {
            let mut recipe = usual.clone();
            if let Some(settings) = recipe.quantize_mut() {
                settings.scheme = scheme;
                settings.overrides.values_mut().for_each(|layer| layer.scheme = None);
            }
            (scheme.name().to_owned(), recipe)
        };
        let with = |(name, step): &(String, Step)| {
            let mut recipe = usual.clone();
            recipe.put(step.clone());
            (name.clone(), recipe)
        };
        Scheme::ALL.map(of_scheme).into_iter().chain(self.with.iter().map(with)).collect()
    }
}

/// One line for each row; below it, what stands in the way of those that have no figures.
fn table(rows: &[Row]) -> String {
    const HEADER: [&str; 9] =
        ["scheme", "accuracy", "agreement", "mean |d|", ".tflite B", "gzip -9 B", ".tin B", "RAM B", "MACs"];
    let cells: Vec<Vec<String>> = rows.iter().map(|(name, made)| cells(name, made.as_ref().ok())).collect();
    let mut right = [true; HEADER.len()];
    right[0] = false;
    let mut text = output::table(&HEADER, &right, &cells);
    for (name, made) in rows {
        let why = match made {
            Err(error) => Some(error.to_string()),
            Ok(results) => results.sizes.as_ref().and_then(|s| s.compact.as_ref().err()).map(|error| format!("no .tin: {error}")),
        };
        text.push_str(&why.map(|why| format!("{name}: {why}\n")).unwrap_or_default());
    }
    text
}

fn cells(name: &str, made: Option<&Results>) -> Vec<String> {
    let accuracy = made.and_then(|made| made.made.accuracy.as_ref());
    let statics = made.and_then(|made| made.made.statics.as_deref());
    let sizes = made.and_then(|made| made.sizes.as_deref());
    let share = |share: Option<f64>| share.map_or_else(none, |share| format!("{share:.4}"));
    let count = |n: Option<u64>| n.map_or_else(none, units::count);
    vec![
        name.to_owned(),
        share(accuracy.and_then(AccuracyFigures::top1)),
        share(accuracy.and_then(AccuracyFigures::agreement)),
        accuracy.and_then(|figures| figures.mean_abs_difference).map_or_else(none, |d| format!("{d:.5}")),
        count(sizes.map(|sizes| sizes.raw_bytes)),
        count(sizes.map(|sizes| sizes.gzip_bytes)),
        count(sizes.and_then(|sizes| sizes.compact.as_ref().ok()).map(|compact| compact.bytes)),
        count(statics.map(|figures| figures.arena.arena_mcu32_bytes)),
        count(statics.map(|figures| figures.macs)),
    ]
}

fn none() -> String {
    "–".to_owned()
}

fn row_json((name, made): &Row) -> Value {
    match made {
        Ok(results) => json!({
            "row": name,
            "accuracy": results.made.accuracy.as_ref().map(accuracy_json),
            "sizes": results.sizes.as_deref().map(sizes_json),
            "ram_bytes": results.made.statics.as_ref().map(|figures| figures.arena.arena_mcu32_bytes),
            "macs": results.made.statics.as_ref().map(|figures| figures.macs),
        }),
        Err(error) => json!({ "row": name, "error": error.to_string() }),
    }
}
