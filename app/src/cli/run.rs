//! `tinsmith run`: everything that a project says, headless.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use tinsmith_core::measure::sizes::Sizes;
use tinsmith_core::measure::{AccuracyFigures, LayerErrors, StaticFigures};
use tinsmith_core::optimize::{Calibration, Candidate, StepReport};
use tinsmith_core::preview::{self, Engine, Event, Job, OpenedProject, Side, Target};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::{Outside, Project};

use super::battery::BatteryOptions;
use super::export;
use super::inspect::{figures_json, layers_table, notes_json, sizes_json, sizes_lines, summary};
use super::messages::{Messages, Stopwatch, timed};
use super::model::OpenOptions;
use super::paths::existing;
use super::reports::{step_json, step_line};
use super::style::NOTE;
use super::{Failure, folder, interrupt, output, units};

/// Do everything a project says: calibrate, quantize, measure, evaluate, export
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith run projects/keyword.ron
  tinsmith run projects/keyword.ron --export firmware --json
  tinsmith run projects/keyword.ron --battery 1000 --stride 100
  tinsmith run projects/keyword.ron --verbose")]
pub struct Run {
    /// The project (.ron)
    project: PathBuf,
    #[command(flatten)]
    options: OpenOptions,
    /// Write the files for firmware to this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    export: Option<PathBuf>,
    /// Keep the calibrated ranges and what --dim, --layout, --features and --preset say in the project, so that a teammate's machine gives the same bytes
    #[arg(long)]
    save: bool,
    #[command(flatten)]
    battery: BatteryOptions,
    /// Open the project's files even where they lie outside its folder
    #[arg(long)]
    allow_outside: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Everything that one run of the engine tells.
#[derive(Default)]
pub struct Results {
    /// What the recipe makes of the model.
    candidate: Option<Arc<Candidate>>,
    calibration: Option<Arc<Calibration>>,
    baseline: Figures,
    /// Of what the recipe makes.
    pub made: Figures,
    layer_errors: Option<Arc<LayerErrors>>,
    /// How large the candidate is in each of its forms.
    pub sizes: Option<Arc<Sizes>>,
}

/// Figures of one of the two models.
#[derive(Default)]
pub struct Figures {
    /// Those that follow from the graph alone.
    pub statics: Option<Arc<StaticFigures>>,
    /// On the test samples.
    pub accuracy: Option<AccuracyFigures>,
}

impl Run {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let outside = if self.allow_outside { Outside::Allow } else { Outside::Refuse };
        let opened = open_project(&self.project, outside, &self.options)?;
        if opened.project.features.is_some() && opened.job.front_end().is_none() {
            let what = if opened.job.data.is_some() { "the data set is no recordings" } else { "there is no data set" };
            messages.note(&format!("the features are not made: {what}, which would say rate and channels"));
        }
        let at_project = |error: preview::PreviewError| Failure::at(&self.project, error);
        let results = results_of(&mut Engine::new(), &opened.job, messages).map_err(at_project)?;
        if self.save {
            let calibration = results.calibration.as_deref();
            let data_path = opened.data_path.as_deref();
            let project = preview::project_of(&self.project, &opened.job, data_path, calibration, Some(&opened.project));
            interrupt::whole(|| project.write(&self.project))?;
        }
        let files = match &self.export {
            Some(folder) => export::export(&opened.job, &results.made()?.graph, &self.project, &Target::USUAL, folder, messages)?,
            None => Vec::new(),
        };
        if self.json {
            return output::print_json(&self.report_json(&opened, &results, &files));
        }
        output::print(&self.report(&opened, &results, &files))
    }

    fn report(&self, opened: &OpenedProject, results: &Results, files: &[PathBuf]) -> String {
        let job = &opened.job;
        let mut text = format!("{} on {}\n", self.project.display(), job.device.name);
        if let Some(data) = &job.data {
            let roles = preview::roles(data);
            let (n_calibration, n_test) = (roles.calibration.len(), roles.test.len());
            text.push_str(&format!("{}: {n_calibration} samples to calibrate, {n_test} to test\n", data.name));
            text.push_str(&roles.note.map(|note| format!("{NOTE}note:{NOTE:#} {note}\n")).unwrap_or_default());
        }
        for step in results.steps() {
            text.push_str(&step_line(step));
        }
        if let Some(figures) = &results.made.statics {
            text.push_str(&format!("\n{}", layers_table(&figures.layers)));
        }
        for (title, figures) in [("as it came", &results.baseline), ("after the recipe", &results.made)] {
            let Some(statics) = &figures.statics else { continue };
            text.push_str(&format!("\n{title}\n{}", summary(statics)));
            text.push_str(&figures.accuracy.as_ref().map(accuracy_lines).unwrap_or_default());
        }
        if let Some(statics) = &results.made.statics {
            text.push_str(&self.battery.lines(&job.device, statics));
        }
        if let Some(sizes) = &results.sizes {
            text.push_str(&format!("\nafter the recipe, in flash\n{}", sizes_lines(sizes)));
        }
        text.push_str(&folder::wrote(files));
        text
    }

    fn report_json(&self, opened: &OpenedProject, results: &Results, files: &[PathBuf]) -> Value {
        let job = &opened.job;
        let side = |figures: &Figures| {
            json!({
                "figures": figures.statics.as_deref().map(figures_json),
                "accuracy": figures.accuracy.as_ref().map(accuracy_json),
            })
        };
        let candidate = results.candidate.as_deref();
        let notes = candidate.zip(results.made.statics.as_deref()).map(|(candidate, statics)| {
            let graph = &candidate.graph;
            notes_json(graph, graph.notes.iter().chain(&statics.obstacles))
        });
        json!({
            "project": self.project,
            "model": job.source.path,
            "data": opened.data_path,
            "device": job.device.id,
            "calibration_samples": results.calibration.as_ref().map(|calibration| calibration.samples),
            "steps": results.steps().iter().map(step_json).collect::<Vec<_>>(),
            "baseline": side(&results.baseline),
            "candidate": side(&results.made),
            "sizes": results.sizes.as_deref().map(sizes_json),
            "layer_errors": results.layer_errors_json(),
            "battery": results.made.statics.as_deref().map(|statics| self.battery.json(&job.device, statics)),
            "notes": notes,
            "files": files,
        })
    }
}

/// Opens a project that has been named on the command line.
pub fn open_project(path: &Path, outside: Outside, options: &OpenOptions) -> Result<OpenedProject, Failure> {
    existing(path)?;
    let mut project = Project::read(path)?;
    if let Some(features) = options.data.features.pipeline()? {
        project.features = Some(features);
    }
    let before = (project.import.clone(), project.layout);
    project.import.dims.extend(options.model.import().dims);
    project.layout = options.data.layout.or(project.layout);
    if before != (project.import.clone(), project.layout) {
        // Its ranges are those of another graph, or of samples read in another way.
        project.calibration = None;
    }
    Ok(timed(format_args!("opened {}", path.display()), || preview::open_as(project, path, outside))?)
}

/// Runs an engine on a job, showing progress.
pub fn results_of(engine: &mut Engine, job: &Job, messages: Messages) -> Result<Results, preview::PreviewError> {
    let progress = messages.progress();
    let mut stopwatch = Stopwatch::start();
    let mut results = Results::default();
    let mut last = None;
    engine.run(job, &Cancel::new(), &mut |event| {
        // Some ends are told twice.
        let done = finished(&event).filter(|done| last.as_ref() != Some(done));
        if let Some(done) = done {
            stopwatch.lap(&done);
            last = Some(done);
        }
        match event {
            Event::Progress { stage, done, total } => progress.show(stage.label(), done, total),
            Event::Calibration(calibration) => results.calibration = Some(calibration),
            Event::Candidate(candidate) => results.candidate = Some(candidate),
            Event::Static { side, figures } => results.side(side).statics = Some(figures),
            Event::Accuracy { side, figures } => results.side(side).accuracy = Some(figures),
            Event::LayerErrors(errors) => results.layer_errors = Some(errors),
            Event::Sizes(sizes) => results.sizes = Some(sizes),
            Event::Done => {}
        }
    })?;
    Ok(results)
}

/// Makes the candidate of the project at `path`, showing progress.
pub fn candidate_of(path: &Path, job: &Job, messages: Messages) -> Result<Arc<Candidate>, Failure> {
    let progress = messages.progress();
    let mut tell = |event| {
        if let Event::Progress { stage, done, total } = event {
            progress.show(stage.label(), done, total);
        }
    };
    let made = timed("made the candidate", || Engine::new().candidate(job, &Cancel::new(), &mut tell));
    made.map_err(|error| Failure::at(path, error))
}

/// The work whose end an event marks.
fn finished(event: &Event) -> Option<String> {
    let model = |side: &Side| match side {
        Side::Baseline => "the source model",
        Side::Candidate => "what the recipe made",
    };
    Some(match event {
        Event::Calibration(calibration) => format!("calibrated on {} samples", calibration.samples),
        Event::Candidate(_) => "applied the recipe".to_owned(),
        Event::Static { side, .. } => format!("measured {}", model(side)),
        Event::Accuracy { side, figures } if figures.done == figures.total => {
            format!("evaluated {} on {} samples", model(side), figures.total)
        }
        Event::LayerErrors(errors) => format!("compared layers on {} samples", errors.samples),
        Event::Sizes(_) => "coded the weights".to_owned(),
        Event::Progress { .. } | Event::Accuracy { .. } | Event::Done => return None,
    })
}

impl Results {
    /// What the recipe makes of the model: without it there is nothing to export.
    pub fn made(&self) -> Result<&Candidate, Failure> {
        self.candidate
            .as_deref()
            .ok_or_else(|| Failure::new("the recipe makes no model, so nothing was exported: change the recipe"))
    }

    /// What the calibration samples showed, if the recipe asked for it.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_deref()
    }

    fn side(&mut self, side: Side) -> &mut Figures {
        match side {
            Side::Baseline => &mut self.baseline,
            Side::Candidate => &mut self.made,
        }
    }

    fn steps(&self) -> &[StepReport] {
        self.candidate.as_deref().map_or(&[], |candidate| &candidate.steps)
    }

    fn layer_errors_json(&self) -> Value {
        let Some((errors, candidate)) = self.layer_errors.as_deref().zip(self.candidate.as_deref()) else { return Value::Null };
        let layer = |(node, error): (&tinsmith_core::graph::Node, &Option<tinsmith_core::measure::LayerError>)| {
            error.map(|error| {
                // JSON has no infinity: a layer without error has no ratio.
                let sqnr_db = Some(error.sqnr_db).filter(|db| db.is_finite());
                json!({ "name": node.name, "sqnr_db": sqnr_db, "clipped": error.clipped })
            })
        };
        let layers: Vec<Value> = candidate.graph.nodes.iter().zip(&errors.layers).filter_map(layer).collect();
        json!({ "samples": errors.samples, "layers": layers })
    }
}

fn accuracy_lines(figures: &AccuracyFigures) -> String {
    let share = |name: &str, share: Option<f64>, n: Option<usize>| match (share, n) {
        (Some(share), Some(n)) => format!("{name:<12}{} ({n} of {})\n", units::percent(share), figures.total),
        _ => String::new(),
    };
    let mut text = share("accuracy", figures.top1(), figures.top1_correct);
    text.push_str(&share("agreement", figures.agreement(), figures.agree_with_float));
    if let Some(difference) = figures.mean_abs_difference {
        text.push_str(&format!("{:<12}{difference:.6} mean absolute difference of the outputs from the float model's\n", ""));
    }
    text
}

/// Accuracy as JSON.
pub fn accuracy_json(figures: &AccuracyFigures) -> Value {
    json!({
        "samples": figures.total,
        "top1_correct": figures.top1_correct,
        "top1": figures.top1(),
        "agree_with_float": figures.agree_with_float,
        "agreement": figures.agreement(),
        "mean_abs_difference": figures.mean_abs_difference,
    })
}
