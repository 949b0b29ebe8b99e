//! The table of schemes and progressive quantization on the command line: their figures are those of the other commands.

use std::fs;

use serde_json::Value;
use tinsmith_core::recipe::Scheme;
use tinsmith_tests::program::{json, stdout, tinsmith};
use tinsmith_tests::root;

const PROJECT: &str = "projects/keyword.ron";
const MODEL: &str = "assets/samples/keyword/keyword_float32.tflite";
const DATA: &str = "assets/samples/keyword/keyword.npz";

#[test]
fn every_scheme_has_a_row_with_the_figures_of_the_other_commands() {
    let with = "quantize:scheme=int4,rounding=adaptive";
    let table = json(&["schemes", MODEL, "--data", DATA, "--with", with, "--json"]);
    let rows = table["rows"].as_array().expect("rows");
    let names: Vec<&str> = rows.iter().map(|row| row["row"].as_str().expect("a name")).collect();
    assert_eq!(names, Scheme::ALL.map(Scheme::name).into_iter().chain([with]).collect::<Vec<_>>());
    let of = |name: &str| rows.iter().find(|row| row["row"] == name).expect("a row");
    let agreement = |name: &str| of(name)["accuracy"]["agreement"].as_f64().expect("a figure");
    assert!((agreement("float32") - 1.0).abs() < 1e-12 && agreement("float16") > 0.99 && agreement("dynamic") > 0.98);
    assert!(agreement("int16x8") >= agreement("int8") && agreement("int8") > 0.99, "{rows:?}");
    assert!(agreement(with) > agreement("int4") + 0.01, "{} over {}", agreement(with), agreement("int4"));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("int4.tflite");
    let file = file.to_str().expect("a plain name");
    json(&["quantize", MODEL, "--calibrate", DATA, "--scheme", "int4", "-o", file, "--json"]);
    let inspected = json(&["inspect", file, "--json"]);
    assert_eq!(of("int4")["sizes"], inspected["sizes"]);
    assert_eq!(of("int4")["macs"], inspected["figures"]["macs"]);
    let evaluated = json(&["evaluate", file, "--data", DATA, "--split", "test", "--json"]);
    assert_eq!(of("int4")["accuracy"]["top1_correct"], evaluated["top1_correct"]);
    // Neither floats nor wide activations are for the compact runtime: the table says why.
    let text = stdout(&["schemes", PROJECT, "--quiet"]);
    assert_eq!(text.lines().filter(|line| line.contains("no .tin:")).count(), 4, "{text}");
}

#[test]
fn bits_go_down_while_the_goal_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("a plain name").to_owned();
    let (model, project) = (file("small.tflite"), file("small.ron"));
    let made = json(&["progressive", PROJECT, "--keep", "agreement=0.985", "-o", &model, "--save", &project, "--json"]);
    let attempts = made["attempts"].as_array().expect("attempts");
    let reached = |attempt: &Value| attempt["reached"].as_f64().expect("a figure");
    assert!(attempts.iter().all(|attempt| attempt["kept"] == (reached(attempt) >= 0.985)));
    let whole: Vec<&str> =
        attempts.iter().filter(|a| a["layer"].is_null()).map(|a| a["scheme"].as_str().expect("a name")).collect();
    assert_eq!(whole, ["int16x8", "int8", "int4"]);
    let last = attempts.iter().rfind(|attempt| attempt["kept"] == true).expect("some hold");
    assert!(attempts.iter().any(|attempt| !attempt["layer"].is_null() && attempt["kept"] == true), "{attempts:?}");

    // The recipe that was saved and the model that was written are the last that held.
    let saved = json(&["run", &project, "--allow-outside", "--json"]);
    assert_eq!(saved["candidate"]["accuracy"]["agreement"].as_f64(), last["reached"].as_f64());
    assert_eq!(saved["sizes"]["tflite_bytes"].as_u64(), Some(fs::metadata(&model).expect("a file").len()));
    assert_eq!(made["size_bytes"], saved["sizes"]["tflite_bytes"]);
    let int8 = json(&["run", PROJECT, "--json"]);
    assert!(saved["sizes"]["tflite_bytes"].as_u64() < int8["sizes"]["tflite_bytes"].as_u64());
}

#[test]
fn a_goal_out_of_reach_and_samples_that_are_missing_are_one_line() {
    let fails = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = tinsmith(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(words.iter().all(|word| text.contains(word)), "{arguments:?}: {text}");
    };
    fails(&["progressive", PROJECT, "--keep", "accuracy=1"], 1, &["ask for less"]);
    fails(&["progressive", PROJECT, "--keep", "accuracy=2"], 2, &["agreement=0.99"]);
    fails(&["progressive", MODEL, "--keep", "agreement=0.9"], 1, &["calibrat"]);
    fails(&["quantize", MODEL, "-o", "never.tflite"], 1, &["--calibrate"]);
    assert!(!root().join("never.tflite").exists());
}

#[test]
fn weights_alone_need_no_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    for scheme in ["float16", "dynamic"] {
        let file = folder.path().join(format!("{scheme}.tflite"));
        let file = file.to_str().expect("a plain name");
        let made = json(&["quantize", MODEL, "--scheme", scheme, "-o", file, "--json"]);
        assert_eq!(made["calibration_samples"], 0);
        assert!(made["size_bytes"].as_u64() < made["source_bytes"].as_u64());
        let arithmetic = json(&["evaluate", file, "--data", DATA, "--split", "test", "--json"]);
        assert_eq!(arithmetic["arithmetic"], "floats");
        assert!(arithmetic["accuracy"].as_f64() > Some(0.94), "{scheme}: {arithmetic}");
    }
}
