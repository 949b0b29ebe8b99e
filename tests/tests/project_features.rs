//! Features as a part of the project: from a folder of recordings to a quantized model and the C code that makes its input, through the
//! real command line and in the window.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::Value;
use tinsmith::gui::command::{Action, Command as Wish};
use tinsmith::gui::session::Edit;
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::open_with;
use tinsmith_core::measure::device::device;
use tinsmith_core::optimize::suggested_recipe;
use tinsmith_core::preview::{Job, Source, project_of};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::{Project, autosave_path};
use tinsmith_tests::window::{Window, act, app, is_complete, open, send, settle, wait};
use tinsmith_tests::{binary, root, shared};

/// The recipe of `fsdd_dscnn/features.json`.
const FSDD: [&str; 2] = ["clip:length=1000", "mfcc:frame=40,step=20,fft=512,mels=40,low=20,high=4000,coefficients=10"];

fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(root()).output().expect("the program starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    let error = String::from_utf8(output.stderr).expect("text");
    assert_eq!((output.status.code(), error.trim_end().lines().count()), (Some(1), 1), "{arguments:?}: {error}");
    error
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths here are text")
}

/// A folder with a data set of recordings, the stages and the model that was trained with them, and a project of all three.
struct Team {
    folder: tempfile::TempDir,
    pipeline: Pipeline,
}

impl Team {
    /// `None`, loudly, without the shared recordings.
    fn new() -> Option<Self> {
        let (sounds, model) = (shared("data/audio/fsdd")?, shared("data/models/fsdd_dscnn/fsdd_dscnn_float32.tflite")?);
        let team = Self { folder: tempfile::tempdir().unwrap(), pipeline: Pipeline::parse(&FSDD).unwrap() };
        fs::copy(model, team.at("digits.tflite")).unwrap();
        json(&["data", "import", text(&sounds), "--out", text(&team.at("clips"))]);
        fs::write(team.at("stages.ron"), team.pipeline.to_ron()).unwrap();
        let (source, clips) = (Arc::new(Source::open(&team.at("digits.tflite")).unwrap()), team.at("clips"));
        let data = open_with(&clips, Some(&team.pipeline), &Cancel::new()).unwrap();
        let recipe = suggested_recipe(&source.graph);
        let job = Job { source, data: Some(Arc::new(data)), ranges: None, recipe, device: device("esp32-s3").unwrap() };
        let mut project = project_of(&team.project(), &job, Some(&clips), None, None);
        project.features = Some(team.pipeline.clone());
        project.write(&team.project()).unwrap();
        Some(team)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn project(&self) -> PathBuf {
        self.at("digits.ron")
    }
}

#[test]
fn a_project_goes_from_recordings_to_firmware() {
    let Some(team) = Team::new() else { return };
    let (project, out) = (team.project(), team.at("firmware"));
    let report = json(&["run", text(&project), "--export", text(&out), "--save"]);
    assert_eq!(report["baseline"]["accuracy"]["top1_correct"], 296, "98.67 % of 300");
    assert_eq!((&report["calibration_samples"], &report["candidate"]["accuracy"]["samples"]), (&60.into(), &300.into()));
    let right = report["candidate"]["accuracy"]["top1_correct"].as_u64().unwrap();
    assert!(right >= 294, "{right} of 300 as integers");

    // Frames of 320 samples at 8 kHz, a transform of 512, 40 bands, two counters: beside the model's own RAM.
    let figures = &report["candidate"]["figures"];
    let features = &figures["features"];
    assert_eq!((&features["frames"], &features["code"]["ram_bytes"]), (&49.into(), &(4 * (320 + 512 + 40 + 2)).into()));
    let all = figures["arena"]["arena_mcu32_bytes"].as_u64().unwrap() + 4 * (320 + 512 + 40 + 2);
    assert_eq!(features["ram_bytes_with_model"], all);
    let us = |value: &Value| value["value"].as_f64().unwrap();
    let sum = us(&figures["latency_us"]) + us(&features["input_us"]);
    assert!((us(&features["latency_us_with_model"]) - sum).abs() < 1e-6);

    let header = fs::read_to_string(out.join("digits_features.h")).unwrap();
    assert!(header.contains("DIGITS_FEATURES_RATE_HZ") && header.contains("8000") && out.join("digits_features.c").exists());
    assert!(report["files"].as_array().unwrap().iter().any(|file| file.as_str().unwrap().ends_with("digits_features.c")));
    assert!(fs::read_to_string(out.join("digits_model.h")).unwrap().contains("// Features\n"));

    // The same numbers where the stages are named on the command line.
    let (model, clips, stages, int8) =
        (team.at("digits.tflite"), team.at("clips"), team.at("stages.ron"), team.at("int8.tflite"));
    let evaluated =
        |model: &Path| json(&["evaluate", text(model), "--data", text(&clips), "--split", "test", "--features", text(&stages)]);
    assert_eq!(evaluated(&model)["top1_correct"], 296);
    json(&["quantize", text(&model), "--calibrate", text(&clips), "--features", text(&stages), "-o", text(&int8)]);
    assert_eq!(evaluated(&int8)["top1_correct"], right);

    // What was kept are the stages and the ranges that belong to them; the same bytes come out again.
    let saved = Project::read(&project).unwrap();
    assert_eq!(saved.features.as_ref(), Some(&team.pipeline));
    assert_ne!(saved.calibration.as_ref().unwrap().data, saved.data.as_ref().unwrap().hash, "ranges are of the features");
    let text_before = fs::read_to_string(&project).unwrap();
    json(&["run", text(&project), "--save"]);
    assert_eq!(fs::read_to_string(&project).unwrap(), text_before);
}

#[test]
fn stages_that_cannot_be_and_stages_that_the_device_cannot_are_said() {
    let Some(team) = Team::new() else { return };
    let (model, clips, wrong) = (team.at("digits.tflite"), team.at("clips"), team.at("wrong.ron"));
    let evaluate = |options: &[&str]| refusal(&[&["evaluate", text(&model), "--data", text(&clips)], options].concat());
    assert!(evaluate(&[]).contains("with a window"), "without stages recordings have unlike lengths");
    fs::write(&wrong, Pipeline::parse(&["mono", "window:length=5000"]).unwrap().to_ron()).unwrap();
    let error = evaluate(&["--features", text(&wrong)]);
    assert!(error.contains(".wav: stage 2 (window): "), "{error}");
    assert!(evaluate(&["--preset", "keywrod"]).contains("there is no preset \"keywrod\""));

    // Stages edited by hand: the recordings are the same, and so is the reference to them.
    let mut project = Project::read(&team.project()).unwrap();
    project.features.as_mut().unwrap().stages.insert(0, Pipeline::parse(&["detrend"]).unwrap().stages.remove(0));
    project.write(&team.project()).unwrap();
    let out = team.at("firmware");
    let output = run(&["run", text(&team.project()), "--export", text(&out)]);
    let (report, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(report.contains("features    – (stage 1 (detrend) cannot run on the device: "), "{report}");
    assert!(notes.contains("the features are not among the files: stage 1 (detrend)"), "{notes}");
    assert!(!out.join("digits_features.h").exists() && out.join("digits_model.h").exists());
}

#[test]
fn a_model_is_inspected_with_its_features() {
    let model = "assets/samples/keyword/keyword_float32.tflite";
    let report = json(&["inspect", model, "--preset", "keyword", "--rate", "16000", "--device", "esp32"]);
    let features = &report["figures"]["features"];
    assert_eq!((&features["frames"], &features["code"]["ram_bytes"]), (&49.into(), &(4 * (480 + 512 + 40 + 2)).into()));
    assert!(features["input_us"]["source"].as_str().unwrap().contains("not measured on a board"));
    assert!(json(&["inspect", model])["figures"]["features"].is_null());
    assert!(refusal(&["inspect", model, "--preset", "keyword"]).contains("--rate HZ"));
}

#[test]
fn a_project_of_before_says_nothing_of_features_when_it_is_written_again() {
    let old = fs::read_to_string(root().join("projects/keyword.ron")).unwrap();
    let project = Project::from_ron(&old).unwrap();
    let again = project.to_ron().unwrap();
    assert!(!again.contains("features") && Project::from_ron(&again).unwrap() == project);
}

fn edit(window: &mut Window, features: Option<Pipeline>) {
    let edit = Edit { features, ..app(window).session().edit.clone() };
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().unwrap().take_edit(edit, &ctx);
}

fn right(window: &Window) -> Option<usize> {
    app(window).session().figures.baseline_accuracy.value.as_ref().and_then(|accuracy| accuracy.top1_correct)
}

#[test]
fn in_the_window_a_changed_stage_makes_the_samples_anew() {
    let Some(team) = Team::new() else { return };
    let mut window = open(Some(team.project()));
    wait(&mut window, "all figures", is_complete);
    assert_eq!((right(&window), app(&window).session().is_unsaved()), (Some(296), false));
    assert!(app(&window).session().shown_static().unwrap().features().is_some());
    settle(&mut window);

    // The end of each clip instead of its middle: other samples, fewer right.
    let other = Pipeline::parse(&["clip:length=1000,align=end", FSDD[1]]).unwrap();
    edit(&mut window, Some(other.clone()));
    assert!(app(&window).session().figures.baseline_accuracy.is_stale && app(&window).session().is_unsaved());
    wait(&mut window, "figures of other samples", is_complete);
    let fewer = right(&window).unwrap();
    assert!(fewer < 296, "{fewer}");
    assert_eq!(app(&window).session().open.as_ref().unwrap().data.as_ref().unwrap().features.as_ref(), Some(&other));

    // It is autosaved, undone and saved like any edit.
    wait(&mut window, "the autosave", |_| autosave_path(&team.project()).exists());
    assert_eq!(Project::read(&autosave_path(&team.project())).unwrap().features, Some(other));
    act(&mut window, Action::Undo);
    wait(&mut window, "the samples of before", |app| is_complete(app) && !app.session().is_unsaved());
    assert_eq!(right(&window), Some(296));

    // Stages that cannot be say so, and the way back is open.
    edit(&mut window, Some(Pipeline::parse(&["window:length=5000"]).unwrap()));
    wait(&mut window, "the failure", |app| app.session().figures.failure.is_some());
    assert!(app(&window).session().figures.failure.as_ref().unwrap().contains("stage 1 (window)"));
    edit(&mut window, Some(team.pipeline.clone()));
    wait(&mut window, "figures again", is_complete);
    assert_eq!(right(&window), Some(296));

    // A data set is opened by its index, through the stages on screen.
    send(&mut window, Wish::OpenPath(team.at("clips/dataset.ron")));
    wait(&mut window, "the data set", |app| app.session().opening.is_none() && is_complete(app));
    assert_eq!(right(&window), Some(296));
}
