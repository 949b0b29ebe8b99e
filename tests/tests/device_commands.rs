//! The commands about boards, as a script uses them: simulate, ports, monitor, record, load, check.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tinsmith_core::data::recording::{Clip, recover};
use tinsmith_core::data::wav::read_wav;
use tinsmith_tests::boards::BoardProcess;
use tinsmith_tests::{binary, root, shared};

fn device(words: &[&str]) -> Output {
    Command::new(binary()).arg("device").args(words).current_dir(root()).output().expect("it runs")
}

fn json(words: &[&str]) -> Value {
    let output = device(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn a_simulated_board_is_listed_monitored_and_recorded() {
    let board = BoardProcess::start(&[]);
    let ports = json(&["ports", "--json"]);
    let is_listed = |port: &Value| port["path"] == board.port.as_str() && port["kind"] == "simulated";
    assert!(ports["ports"].as_array().expect("a list").iter().any(is_listed), "{ports}");

    let seen = json(&["monitor", &board.port, "--seconds", "2", "--json"]);
    assert_eq!((&seen["way"], &seen["board"]), (&"frames".into(), &"ESP32".into()), "{seen}");
    assert!(seen["sensors"].as_array().expect("a list").iter().all(|sensor| sensor["instants"].as_u64() > Some(0)), "{seen}");

    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a plain name");
    let recorded = json(&["record", &board.port, "--out", out, "--seconds", "1", "--label", "yes", "--json"]);
    let instants = |i: usize| recorded["clips"][i]["instants"].as_u64();
    assert_eq!((instants(0), instants(1)), (Some(16_000), Some(200)), "{recorded}");
    assert_eq!(recover(&folder.path().join("yes_001_audio.wav")).expect("a recording").clip.missing, 0);
    // What it was labelled is what a data set made of it says.
    let set = folder.path().join("set");
    let import = ["data", "import", out, "--out", set.to_str().expect("a plain name"), "--kind", "sound", "--json"];
    let imported = Command::new(binary()).args(import).output().expect("it runs");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let index = std::fs::read_to_string(set.join("dataset.ron")).expect("an index");
    assert!(index.contains("label: \"yes\""), "{index}");

    let wrong = device(&["record", &board.port, "--out", out, "--sensor", "light"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no sensor light, it has audio, imu"));
}

#[test]
fn a_killed_recording_opens_and_misses_less_than_a_second() {
    let board = BoardProcess::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let mut record =
        Command::new(binary()).args(["device", "record", &board.port, "--out"]).arg(folder.path()).spawn().expect("it runs");
    let sound = folder.path().join("clip_001_audio.wav");
    // Three seconds of sound, as far as the header says.
    while fs::metadata(&sound).map_or(0, |file| file.len()) < 3 * 32_000 {
        thread::sleep(Duration::from_millis(20));
    }
    record.kill().expect("it is killed");
    record.wait().expect("it ends");
    let plain = read_wav(&sound).expect("the header is sound");
    let recovered = recover(&sound).expect("a recording");
    assert!(recovered.clip.ended.is_none() && recovered.clip.gaps.is_empty());
    let arrived = recovered.clip.instants as usize;
    assert!(arrived >= 3 * 16_000);
    assert!(arrived - plain.samples.len() <= 16_000, "{} of {arrived} in the header", plain.samples.len());
    assert_eq!(plain.samples[..], recovered.values[..plain.samples.len()]);
    let kept = Clip::read(&sound.with_extension("ron")).expect("the clip beside it");
    assert!(arrived as u64 - kept.instants <= 16_000);
    let motion = recover(&folder.path().join("clip_001_imu.csv")).expect("a recording");
    assert!(motion.times_us.len().abs_diff(arrived / 80) <= 200, "{} rows, {arrived} instants", motion.times_us.len());
    assert!(no_drafts(folder.path()) <= 1);
}

/// Files of a clip that were being written when the process was killed.
fn no_drafts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".clip")).count()
}

#[test]
fn a_board_computes_what_the_studio_computes() {
    let Some(model) = shared("data/models/fsdd_dscnn/fsdd_dscnn_int8.tflite") else { return };
    let Some(data) = shared("data/models/fsdd_dscnn/fsdd_dscnn_data.npz") else { return };
    let text = |path: &PathBuf| path.to_str().expect("a plain name").to_owned();
    let (model, data) = (text(&model), text(&data));
    let board = BoardProcess::start(&[]);
    let check = ["check", &board.port, &model, "--data", &data, "--split", "test", "--json"];
    let refused = device(&check);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("has no model; add --load"));

    let checked = json(&[&check[..], &["--load"]].concat());
    assert_eq!((checked["samples"].as_u64(), checked["agree"].as_u64()), (Some(300), Some(300)), "{checked}");
    assert!(checked["latency_us"]["p50"].as_u64() <= checked["latency_us"]["p99"].as_u64());
    assert!(checked["arena_bytes"].as_u64() > Some(0));

    // Another model, without starting the board anew; then the first one is another.
    let Some(other) = shared("data/models/digits_cnn/digits_cnn_int8.tflite") else { return };
    let loaded = json(&["load", &board.port, &text(&other), "--json"]);
    assert!(loaded["bytes"].as_u64() > Some(1000), "{loaded}");
    assert!(String::from_utf8_lossy(&device(&check).stderr).contains("runs another model"));
}

#[test]
fn ctrl_c_ends_a_recording_as_it_should() {
    let board = BoardProcess::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let record = Command::new(binary())
        .args(["device", "record", &board.port, "--json", "--out"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let motion = folder.path().join("clip_001_imu.csv");
    while fs::metadata(&motion).map_or(0, |file| file.len()) < 2000 {
        thread::sleep(Duration::from_millis(20));
    }
    let interrupted = Command::new("kill").args(["-INT", &record.id().to_string()]).status().expect("kill runs");
    assert!(interrupted.success());
    let output = record.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let clips: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let rows = recover(&motion).expect("a recording").times_us.len();
    assert_eq!(clips["clips"][1]["instants"].as_u64(), Some(rows as u64), "{clips}");
    assert!(Clip::read(&motion.with_extension("ron")).expect("a clip").ended.is_some());
}

#[test]
fn a_session_asks_counts_and_leaves_a_data_set_that_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("gestures").display().to_string();
    let board = BoardProcess::start(&["--speed", "10"]);
    let words = ["--sensor", "imu", "--label", "wave", "--label", "rest", "--count", "2", "--seconds", "2", "--order", "in-turn"];
    let output = device(&[&["session", &board.port, "--into", &into, "--json"], &words[..]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("wave: 1 of 2") && said.contains("rest: 2 of 2"), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let labels: Vec<&str> = told["clips"].as_array().expect("a list").iter().filter_map(|clip| clip["label"].as_str()).collect();
    assert_eq!(labels, ["wave", "rest", "wave", "rest"]);
    let info = Command::new(binary()).args(["data", "info", &into, "--json"]).output().expect("it runs");
    assert!(info.status.success(), "{}", String::from_utf8_lossy(&info.stderr));
    // A second session adds to it, and what does not fit is refused with what to do.
    let more = device(&["session", &board.port, "--into", &into, "--sensor", "audio", "--label", "x", "--count", "1"]);
    let said = String::from_utf8_lossy(&more.stderr);
    assert!(!more.status.success() && said.contains("record into another folder"), "{said}");
    let none = device(&["session", &board.port, "--into", &into, "--sensor", "nose", "--label", "x"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no sensor nose, there are audio, imu"));
}

#[test]
fn a_board_listens_by_itself_and_says_why_where_it_cannot() {
    let refused = |words: &[&str]| {
        let output = device(&[&["watch", "--seconds", "60"], words].concat());
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["microphone"]).contains("a microphone runs no models"));
    let empty = BoardProcess::start(&[]);
    assert!(refused(&[&empty.port]).contains("has no model; tinsmith device load"));

    let Some(model) = shared("data/models/gesture_lstm/gesture_lstm_int8.tflite") else { return };
    let model = model.to_str().expect("a plain name");
    let board = BoardProcess::start(&["--model", model]);
    assert!(refused(&[&board.port]).contains("--sensor audio or --sensor imu"));
    assert!(refused(&[&board.port, "--sensor", "light"]).contains("no sensor light"));
    let wrong = ["--sensor", "imu", "--labels", "one,two"];
    assert!(refused(&[&[&board.port[..]], &wrong[..]].concat()).contains("names 2 classes"));
    let project = ["--sensor", "audio", "--project", "projects/keyword.ron", "--preset", "keyword"];
    assert!(refused(&[&[&board.port[..]], &project[..]].concat()).contains("has no front end of audio"));

    let watch = ["watch", &board.port, "--sensor", "imu", "--project", model, "--labels", "one,two,three"];
    let told = json(&[&watch[..], &["--stride", "200", "--seconds", "3", "--json"]].concat());
    assert_eq!((&told["front_end"], &told["stride_instants"]), (&false.into(), &40.into()), "{told}");
    let results = told["results"].as_array().expect("a list");
    assert!(results.len() >= 8, "{told}");
    for result in results {
        let score = result["score"].as_f64().expect("a number");
        assert!((0.33..=1.0).contains(&score), "{result}");
        assert!(["one", "two", "three"].iter().any(|label| result["label"] == *label), "{result}");
    }
    let times: Vec<f64> = results.iter().filter_map(|result| result["time_s"].as_f64()).collect();
    assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 0.2).abs() < 1e-3), "{times:?}");
    let lines = device(&[&watch[..], &["--seconds", "2"]].concat());
    assert!(String::from_utf8_lossy(&lines.stdout).lines().count() >= 8);
    let note = String::from_utf8_lossy(&lines.stderr).into_owned();
    assert!(note.contains("no front end of imu"), "{note}");

    let other = shared("data/models/digits_cnn/digits_cnn_int8.tflite").expect("it lies beside the other");
    let other = other.to_str().expect("a plain name");
    assert!(refused(&[&board.port, "--sensor", "imu", "--project", other]).contains("runs another model"));
}

#[test]
fn firmware_that_was_edited_stays_when_it_is_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a plain name");
    let write = || {
        let output = device(&["firmware", "--framework", "esp-idf", "--out", out]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    write();
    assert!(!write().contains(".new"), "nothing was edited");
    let main = folder.path().join("esp-idf/main");
    let as_written = fs::read(main.join("main.c")).expect("it was written");
    let edited = ["main/main.c", "main/Kconfig.projbuild", "main/CMakeLists.txt", "main/tinsmith_config.h", "README.md"];
    for name in edited.into_iter().chain(["main/tinsmith_link.c"]) {
        fs::write(folder.path().join("esp-idf").join(name), "mine").expect("it is written");
    }
    let said = write();
    for name in edited {
        assert_eq!(fs::read(folder.path().join("esp-idf").join(name)).expect("it is there"), b"mine", "{name}");
        assert!(said.contains(&format!("{name}.new: the one that is there was edited")), "{said}");
    }
    assert_eq!(fs::read(main.join("main.c.new")).expect("it is beside"), as_written);
    // What is not for editing is made anew.
    assert_ne!(fs::read(main.join("tinsmith_link.c")).expect("it is there"), b"mine");
    assert_eq!(said.matches(".new").count(), edited.len(), "{said}");
}
