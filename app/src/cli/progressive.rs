//! `tinsmith progressive`: fewer bits, layer by layer, while the answers stay good enough.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use tinsmith_core::preview::progressive::{Attempt, Goal, progressive};
use tinsmith_core::preview::{Engine, Job, exported, project_of};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::file::write_atomically;
use tinsmith_core::recipe::Scheme;

use super::job::JobOptions;
use super::messages::Messages;
use super::quantize::scheme_parser;
use super::run::results_of;
use super::{Failure, interrupt, output, units};

/// Lower the bits step by step, then layer by layer, and stop at the last recipe that keeps a chosen accuracy or agreement
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith progressive projects/keyword.ron --keep agreement=0.99
  tinsmith progressive model.tflite --data samples.npz --keep accuracy=0.9 -o small.tflite")]
pub struct Progressive {
    #[command(flatten)]
    options: JobOptions,
    /// What has to hold on the test samples: accuracy=SHARE of right classes, or agreement=SHARE of the float model's classes
    #[arg(long, value_name = "GOAL", value_parser = goal)]
    keep: Goal,
    /// The schemes to go through, the widest first
    #[arg(long, value_name = "SCHEMES", value_delimiter = ',', value_parser = scheme_parser(), default_value = "int16x8,int8,int4")]
    widths: Vec<Scheme>,
    /// Where to write the model
    #[arg(short, long, value_name = "OUT.tflite", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Where to write the recipe, as a project
    #[arg(long, value_name = "OUT.ron", value_hint = ValueHint::FilePath)]
    save: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn goal(text: &str) -> Result<Goal, String> {
    let wrong = || "expected accuracy=SHARE or agreement=SHARE with a share from 0 to 1, such as agreement=0.99".to_owned();
    let (name, share) = text.split_once('=').ok_or_else(wrong)?;
    let share: f64 = share.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(wrong)?;
    match name {
        "accuracy" => Ok(Goal::Accuracy(share)),
        "agreement" => Ok(Goal::Agreement(share)),
        _ => Err(wrong()),
    }
}

impl Progressive {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let (job, project) = self.options.open()?;
        let file = &self.options.file;
        let at_file = |error: &dyn std::fmt::Display| Failure::at(file, error);
        let mut engine = Engine::new();
        let mut attempts = Vec::new();
        let progress = messages.progress();
        let recipe = progressive(&mut engine, &job, &self.widths, self.keep, &Cancel::new(), &mut |attempt| {
            progress.show("lowering", attempts.len() + 1, 0);
            attempts.push(attempt.clone());
        });
        let recipe = recipe.map_err(|error| at_file(&error))?;
        let Some(recipe) = recipe else {
            let reached = attempts.last().map_or(0.0, |attempt| attempt.reached);
            let wanted = self.keep.share();
            return Err(at_file(&format_args!(
                "already the first scheme reaches only {reached:.4} of {wanted}: ask for less, or start with a wider one (--widths)"
            )));
        };
        let job = Job { recipe, ..job };
        let results = results_of(&mut engine, &job, messages).map_err(|error| at_file(&error))?;
        let bytes = exported(&results.made()?.graph)?;
        if let Some(path) = &self.output {
            interrupt::whole(|| write_atomically(path, &bytes)).map_err(|error| Failure::writing(path, &error))?;
        }
        if let Some(path) = &self.save {
            let data = self.options.data_path(project.as_ref());
            let before = project.as_ref().map(|opened| &opened.project);
            let project = project_of(path, &job, data, results.calibration(), before);
            interrupt::whole(|| project.write(path))?;
        }
        if self.json {
            let attempts: Vec<Value> = attempts.iter().map(attempt_json).collect();
            return output::print_json(&json!({ "file": file, "attempts": attempts, "size_bytes": bytes.len() }));
        }
        output::print(&format!("{}{}\n", table(&attempts), units::bytes(bytes.len() as u64)))
    }
}

fn table(attempts: &[Attempt]) -> String {
    let row = |attempt: &Attempt| {
        let layer = attempt.layer.as_deref().unwrap_or("all layers");
        let kept = if attempt.is_kept { "kept" } else { "too few bits" };
        vec![layer.to_owned(), attempt.scheme.name().to_owned(), format!("{:.4}", attempt.reached), kept.to_owned()]
    };
    let rows: Vec<Vec<String>> = attempts.iter().map(row).collect();
    output::table(&["layer", "scheme", "reached", ""], &[false, false, true, false], &rows)
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "layer": attempt.layer,
        "scheme": attempt.scheme.name(),
        "reached": attempt.reached,
        "kept": attempt.is_kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_a_name_and_a_share() {
        assert_eq!(goal("agreement=0.99"), Ok(Goal::Agreement(0.99)));
        assert_eq!(goal("accuracy=1"), Ok(Goal::Accuracy(1.0)));
        for wrong in ["agreement", "agreement=2", "accuracy=x", "loss=0.1", "agreement=NaN"] {
            assert!(goal(wrong).unwrap_err().contains("agreement=0.99"), "{wrong}");
        }
    }
}
