//! The command line is a contract: commands, exit codes, one JSON object, one line of complaint.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tinsmith_tests::program::{path, tinsmith};
use tinsmith_tests::{binary, root, shared};

const MODEL: &str = "assets/samples/keyword/keyword_float32.tflite";
const DATA: &str = "assets/samples/keyword/keyword.npz";
const PROJECT: &str = "projects/keyword.ron";

/// What a successful command prints; standard error has to stay silent where nobody is watching.
fn stdout(arguments: &[&str]) -> String {
    let output = tinsmith(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    assert_eq!(stderr, "", "{arguments:?}");
    String::from_utf8(output.stdout).expect("output is text")
}

fn json(arguments: &[&str]) -> Value {
    let text = stdout(arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}"))
}

/// A command that fails with `code`, prints nothing and complains in one line that holds all of `words`.
fn fails(arguments: &[&str], code: i32, words: &[&str]) {
    let output = tinsmith(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(code == 2 || stderr.trim().lines().count() == 1, "{arguments:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no \"{word}\" in {stderr}");
    }
}

#[test]
fn a_project_runs_headless_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(folder.path(), "firmware");
    let report = json(&["run", PROJECT, "--export", &out, "--json"]);
    let figures = &report["candidate"]["figures"];
    assert_eq!(figures["macs"], 2_144_352);
    assert!(figures["size_bytes"].as_u64() < report["baseline"]["figures"]["size_bytes"].as_u64());
    assert!(report["candidate"]["accuracy"]["top1"].as_f64() > Some(0.9));
    assert_eq!(report["candidate"]["accuracy"]["samples"], 900);
    assert_eq!(report["calibration_samples"], 100);
    let layers = figures["layers"].as_array().map(Vec::len);
    assert_eq!(report["layer_errors"]["layers"].as_array().map(Vec::len), layers);

    // Size is the length of the exported file, and what was measured is what the file does.
    let exported = path(folder.path(), "firmware/keyword.tflite");
    assert_eq!(figures["size_bytes"].as_u64(), Some(fs::metadata(&exported).unwrap().len()));
    let evaluated = json(&["evaluate", &exported, "--data", DATA, "--split", "test", "--json"]);
    assert_eq!(evaluated["top1_correct"], report["candidate"]["accuracy"]["top1_correct"]);
    let header = fs::read_to_string(folder.path().join("firmware/keyword_model.h")).unwrap();
    assert!(header.contains("#ifndef"));
}

#[test]
fn the_report_for_people_has_the_same_figures() {
    let text = stdout(&["run", PROJECT]);
    for word in ["as it came", "after the recipe", "2,144,352", "accuracy", "agreement", "estimate"] {
        assert!(text.contains(word), "no \"{word}\" in\n{text}");
    }
}

#[test]
fn a_battery_lasts_by_the_boards_power_and_by_how_often_the_model_runs() {
    let of = |stride: &str| json(&["run", PROJECT, "--battery", "500", "--stride", stride, "--json"]);
    let (often, seldom) = (of("100"), of("1000"));
    let number = |report: &serde_json::Value, name: &str| report["battery"][name].as_f64().expect("a number");
    let latency_us = often["candidate"]["figures"]["latency_us"]["value"].as_f64().expect("an estimate");
    assert!((number(&often, "busy") - latency_us / 1e5).abs() < 1e-9);
    assert!((number(&seldom, "most_hours") / number(&often, "most_hours") - 10.0).abs() < 1e-6);
    let (current, awake) = (&often["battery"]["current_ma"], &often["battery"]["awake_hours"]);
    assert!((awake["value"].as_f64().unwrap() * current["value"].as_f64().unwrap() - 500.0).abs() < 1e-6);
    assert!(json(&["run", PROJECT, "--json"])["battery"].is_null());
    let text = stdout(&["run", PROJECT, "--battery", "500", "--stride", "1"]);
    assert!(text.contains("battery") && text.contains("more often than it can run"), "{text}");
}

#[test]
fn saved_ranges_are_stable() {
    let folder = tempfile::tempdir().unwrap();
    for file in [MODEL, DATA] {
        fs::copy(root().join(file), folder.path().join(Path::new(file).file_name().unwrap())).unwrap();
    }
    let text = fs::read_to_string(root().join(PROJECT)).unwrap().replace("../assets/samples/keyword/", "");
    let project = path(folder.path(), "keyword.ron");
    fs::write(&project, text).unwrap();
    let first = json(&["run", &project, "--save", "--json"]);
    let saved = fs::read_to_string(&project).unwrap();
    assert!(saved.contains("calibration: "), "{saved}");
    let second = json(&["run", &project, "--save", "--json"]);
    assert_eq!(saved, fs::read_to_string(&project).unwrap());
    assert_eq!(first, second);
}

#[test]
fn quantize_inspect_evaluate_fit_together() {
    let folder = tempfile::tempdir().unwrap();
    let small = path(folder.path(), "small.tflite");
    let report = json(&["quantize", MODEL, "--calibrate", DATA, "--granularity", "per-tensor", "-o", &small, "--json"]);
    assert_eq!(report["calibration_samples"], 100);
    let inspected = json(&["inspect", &small, "--json"]);
    assert_eq!(inspected["inputs"][0]["type"], "int8");
    assert_eq!(inspected["figures"]["size_bytes"], report["size_bytes"]);

    let other = path(folder.path(), "other.tflite");
    let steps = ["--step", "quantize:calibrator=mse,io=float32", "--step", "pack:strip-names=off"];
    let arguments = [&["quantize", MODEL, "--calibrate", DATA, "-o", &other, "--json"][..], &steps[..]].concat();
    json(&arguments);
    assert_eq!(json(&["inspect", &other, "--json"])["inputs"][0]["type"], "float32");
}

#[test]
fn outputs_and_tensors_are_written_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let small = path(folder.path(), "small.tflite");
    json(&["quantize", MODEL, "--calibrate", DATA, "-o", &small, "--json"]);
    for model in [small.as_str(), MODEL] {
        let [one, two, tensors] = ["one.npy", "two.npy", "tensors"].map(|name| path(folder.path(), name));
        let evaluate = ["evaluate", model, "--data", DATA, "--split", "test", "--json"];
        json(&[&evaluate[..], &["--dump-outputs", &one, "--threads", "1"][..]].concat());
        let report = json(&[&evaluate[..], &["--dump-outputs", &two, "--dump-tensors", &tensors][..]].concat());
        let outputs = tinsmith_core::data::npy::read(&fs::read(&one).unwrap()).unwrap();
        assert_eq!(outputs.shape, [900, 12]);
        assert_eq!(outputs.elements.type_name(), report["outputs"][0]["type"]);
        assert!(fs::read(&one).unwrap() == fs::read(&two).unwrap(), "outputs depend on the number of threads");
        // The output is one of the tensors.
        let same = |entry: fs::DirEntry| fs::read(entry.path()).unwrap() == fs::read(&one).unwrap();
        assert!(fs::read_dir(&tensors).unwrap().any(|entry| same(entry.unwrap())));
        fs::remove_dir_all(&tensors).unwrap();
    }
}

#[test]
fn a_model_is_exported_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let report = json(&["export", MODEL, "--target", "tflite", "--target", "c", "--out", out, "--json"]);
    assert_eq!(report["files"].as_array().map(Vec::len), Some(5));
    let original = path(folder.path(), "original.npy");
    let again = path(folder.path(), "again.npy");
    json(&["evaluate", MODEL, "--data", DATA, "--dump-outputs", &original, "--json"]);
    json(&["evaluate", &path(folder.path(), "keyword_float32.tflite"), "--data", DATA, "--dump-outputs", &again, "--json"]);
    assert!(fs::read(original).unwrap() == fs::read(again).unwrap());
}

#[test]
fn lists_have_entries_and_every_command_has_help() {
    assert!(json(&["steps", "--json"])["steps"].as_array().is_some_and(|steps| steps.len() >= 2));
    assert!(json(&["device", "list", "--json"])["devices"].as_array().is_some_and(|devices| devices.len() >= 8));
    stdout(&["steps"]);
    stdout(&["device", "list"]);
    stdout(&["inspect", MODEL]);
    stdout(&["--version"]);
    for command in
        ["inspect", "run", "quantize", "schemes", "progressive", "steps", "evaluate", "features", "export", "data", "device"]
    {
        assert!(stdout(&[command, "--help"]).contains("Usage:"), "{command}");
    }
    assert!(stdout(&["--help"]).contains("Examples:"));
}

#[test]
fn wrong_usage_is_told_apart_from_bad_input() {
    fails(&["evaluate", MODEL], 2, &["--data"]);
    fails(&["evaluate", MODEL, "--data", DATA, "--split", "tests"], 2, &["train, calibration or test"]);
    fails(&["quantize", MODEL, "--calibrate", DATA, "-o", "x.tflite", "--step", "quantise"], 2, &["quantise"]);
    fails(&["inspect", MODEL, "--device", "toaster"], 2, &["esp32-s3"]);
    fails(&["inspect", "no/such/model.tflite"], 1, &["no/such/model.tflite"]);
    fails(&["inspect", DATA], 1, &[DATA, "zip"]);
    fails(&["evaluate", MODEL, "--data", "no/such/data.npz"], 1, &["no/such/data.npz"]);
    fails(&["evaluate", MODEL, "--data", MODEL], 1, &[MODEL, ".npz"]);
    fails(&["run", MODEL], 1, &[MODEL, "not a project"]);
    fails(&["run", "no/such/project.ron"], 1, &["no/such/project.ron"]);
}

#[test]
fn projects_that_cannot_be_used_stay_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read_to_string(root().join(PROJECT)).unwrap();
    let project = path(folder.path(), "p.ron");
    let refused = |text: &str, words: &[&str]| {
        fs::write(&project, text).unwrap();
        fails(&["run", &project, "--save"], 1, words);
        assert_eq!(fs::read_to_string(&project).unwrap(), text);
    };
    refused(&good.replace("version: 1", "version: 999"), &["999", "update"]);
    refused(&good, &["outside"]);
    refused(&good.replace("../assets/samples/keyword/", ""), &["missing"]);
    fs::write(folder.path().join("keyword_float32.tflite"), fs::read(root().join(MODEL)).unwrap()).unwrap();
    fs::write(folder.path().join("keyword.npz"), b"another").unwrap();
    refused(&good.replace("../assets/samples/keyword/", ""), &["keyword.npz"]);
    fs::write(folder.path().join("keyword_float32.tflite"), fs::read(root().join(DATA)).unwrap()).unwrap();
    refused(&good.replace("../assets/samples/keyword/", ""), &["keyword_float32.tflite"]);
}

#[test]
fn samples_of_another_shape_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path(), "x.npy");
    let mut file = fs::File::create(&data).unwrap();
    tinsmith_core::data::npy::write(&mut file, "<f4", &[2, 10, 49], &[0; 2 * 490 * 4]).unwrap();
    fails(&["evaluate", MODEL, "--data", &data], 1, &["[10, 49]", "[49, 10, 1]"]);
    fails(&["quantize", MODEL, "--calibrate", &data, "-o", &path(folder.path(), "o.tflite")], 1, &["[10, 49]"]);
    assert!(!folder.path().join("o.tflite").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(binary())
        .args(["inspect", MODEL, "--json"])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn broken_arrays_are_refused_and_odd_ones_read() {
    let Some(folder) = shared("data/malformed") else { return };
    for file in ["bad_magic.npy", "huge_shape.npy", "object_dtype.npy", "short_data.npy"] {
        let data = path(&folder, file);
        fails(&["evaluate", MODEL, "--data", &data], 1, &[file]);
    }
    let odd = tinsmith_core::data::open(&folder.join("fortran_bigendian.npy")).unwrap();
    let expected: Vec<f32> = (0..12).map(|x| x as f32).collect();
    assert_eq!(odd.values, tinsmith_core::data::Values::F32(expected.into()));
    assert_eq!(odd.sample_shape, [4]);
}
