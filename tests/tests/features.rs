//! Features from recordings, through the real command line: the golden MFCC that a network was trained with, what other libraries
//! compute of the same sound, and what the command says when it cannot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tinsmith_core::data::features::{Band, Pipeline, Sections, Signal};
use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::data::wav::Sound;
use tinsmith_core::progress::Cancel;
use tinsmith_tests::{binary, peers_python, root, shared};

/// The recipe of `fsdd_dscnn/features.json`.
const FSDD: [&str; 2] = ["clip:length=1000", "mfcc:frame=40,step=20,fft=512,mels=40,low=20,high=4000,coefficients=10"];

fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(root()).output().expect("the program starts")
}

fn tinsmith(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths here are text")
}

fn read_npy(path: &Path) -> npy::Array {
    npy::read(&fs::read(path).unwrap()).unwrap()
}

fn floats(array: npy::Array) -> Vec<f32> {
    match array.elements {
        Elements::F32(values) => values,
        other => other.to_f64().unwrap().into_iter().map(|x| x as f32).collect(),
    }
}

/// An array of an .npz.
fn member(archive: &Path, name: &str) -> npy::Array {
    let mut archive = zip::ZipArchive::new(fs::File::open(archive).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_name(&format!("{name}.npy")).unwrap(), &mut bytes).unwrap();
    npy::read(&bytes).unwrap()
}

fn words(array: npy::Array) -> Vec<String> {
    match array.elements {
        Elements::Text(words) => words,
        other => panic!("{}", other.type_name()),
    }
}

#[test]
fn recordings_give_the_features_and_the_accuracy_that_a_network_was_trained_to() {
    let (Some(data), Some(sounds)) = (shared("data/models/fsdd_dscnn/fsdd_dscnn_data.npz"), shared("data/audio/fsdd")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (files, splits) = (words(member(&data, "files")), words(member(&data, "split")));
    let x = member(&data, "x");
    let n_features: usize = x.shape[1..].iter().product();
    let x = floats(x);
    // Only clips of the calibration and test rows are there.
    let rows: Vec<usize> = (0..files.len()).filter(|&row| sounds.join(&files[row]).exists()).collect();
    assert!(rows.len() >= 360, "{} clips", rows.len());
    let clips: Vec<PathBuf> = rows.iter().map(|&row| sounds.join(&files[row])).collect();

    let out = folder.path().join("features.npy");
    let mut arguments = vec!["features"];
    arguments.extend(clips.iter().map(|path| text(path)));
    for stage in &FSDD {
        arguments.extend(["--stage", stage]);
    }
    tinsmith(&[arguments.as_slice(), &["-o", text(&out)]].concat());
    let made = read_npy(&out);
    assert_eq!(made.shape, [rows.len(), 49, 10, 1]);
    let made = floats(made);
    let mut largest = 0.0_f32;
    for (found, &row) in made.chunks_exact(n_features).zip(&rows) {
        let expected = &x[row * n_features..(row + 1) * n_features];
        largest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(largest, f32::max);
    }
    assert!(largest < 1e-3, "{largest}");

    // The network's own accuracy, from the recordings alone.
    let test: Vec<usize> = (0..rows.len()).filter(|&i| splits[rows[i]] == "test").collect();
    let labels = member(&data, "y").elements.to_f64().unwrap();
    let chosen: Vec<u8> =
        test.iter().flat_map(|&i| &made[i * n_features..(i + 1) * n_features]).flat_map(|x| x.to_le_bytes()).collect();
    let (inputs, outputs) = (folder.path().join("test.npy"), folder.path().join("outputs.npy"));
    npy::write(&mut fs::File::create(&inputs).unwrap(), "<f4", &[test.len(), 49, 10, 1], &chosen).unwrap();
    let model = data.with_file_name("fsdd_dscnn_float32.tflite");
    tinsmith(&["evaluate", text(&model), "--data", text(&inputs), "--dump-outputs", text(&outputs)]);
    let outputs = floats(read_npy(&outputs));
    let right = outputs.chunks_exact(10).zip(&test).filter(|(scores, i)| {
        let best = (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        best as f64 == labels[rows[**i]]
    });
    assert_eq!((right.count(), test.len()), (296, 300), "98.67 %");
}

#[test]
fn the_micro_frontend_is_tensorflow_lite_micros() {
    let (Some(python), Some(folder)) = (peers_python(), shared("data/audio/speech_commands")) else { return };
    let mut clips: Vec<PathBuf> = wav_files(&folder);
    clips.sort();
    // Every third: all words are among them.
    let clips: Vec<PathBuf> = clips.into_iter().step_by(3).take(100).collect();
    assert_eq!(clips.len(), 100);
    let made = tempfile::tempdir().unwrap();
    let (here, there) = (made.path().join("here.npy"), made.path().join("there.npy"));
    let names: Vec<&str> = clips.iter().map(|path| text(path)).collect();
    tinsmith(&[&["features"], names.as_slice(), &["--preset", "micro-frontend", "-o", text(&here)]].concat());
    let script = root().join("tests/peers/frontend.py");
    let status = Command::new(python).arg(script).arg(&there).args(&clips).status().expect("Python starts");
    assert!(status.success());
    let (here, there) = (floats(read_npy(&here)), floats(read_npy(&there)));
    assert_eq!(here.len(), 100 * 49 * 40);
    assert_eq!(here.len(), there.len());
    let largest = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // The issue allows one step.
    assert_eq!(largest, 0.0, "steps");
}

fn wav_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|path| if path.is_dir() { wav_files(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|extension| extension == "wav")).collect()
}

fn largest_difference<T: Into<f64> + Copy>(here: &[T], there: &[T]) -> f64 {
    assert_eq!(here.len(), there.len());
    here.iter().zip(there).map(|(a, b)| ((*a).into() - (*b).into()).abs()).fold(0.0, f64::max)
}

#[test]
fn filters_and_log_mel_are_those_of_other_libraries() {
    let Some(python) = peers_python() else { return };
    let sound = noisy_tone();
    let folder = tempfile::tempdir().unwrap();
    let samples = folder.path().join("samples.npy");
    let bytes: Vec<u8> = sound.samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy::write(&mut fs::File::create(&samples).unwrap(), "<f4", &[sound.samples.len()], &bytes).unwrap();
    let script = root().join("tests/peers/spectra.py");
    let arguments = [text(folder.path()), text(&samples), &sound.rate_hz.to_string()];
    assert!(Command::new(python).arg(script).args(arguments).status().expect("Python starts").success());

    let real: Vec<f64> = sound.samples.iter().copied().map(f64::from).collect();
    let there = |name: &str| read_npy(&folder.path().join(name)).elements.to_f64().unwrap();
    let half = f64::from(sound.rate_hz) / 2.0;
    let filter = |band, order, low: f64, high: f64| Sections::butterworth(band, order, (low / half, high / half));
    let low = filter(Band::LowPass, 4, 1.0, 1_000.0).zero_phase(&real);
    let high = filter(Band::HighPass, 5, 300.0, 1.0).causal(&real);
    let band = filter(Band::BandPass, 3, 300.0, 3_000.0).zero_phase(&real);
    for (name, here) in [("low.npy", low), ("high.npy", high), ("band.npy", band)] {
        let difference = largest_difference(&here, &there(name));
        assert!(difference < 1e-9, "{name}: {difference}");
    }

    let signal = Signal::sound(sound.rate_hz, sound.samples);
    let librosa = "log-mel:frame=32,step=20,centre=on,mels=40,low=20,high=4000,mel=librosa,log=db,offset=1e-10";
    for (name, stage) in [("librosa.npy", librosa), ("tensorflow.npy", "log-mel")] {
        let here = Pipeline::parse(&[stage]).unwrap().features(&signal, &Cancel::new()).unwrap().remove(0);
        let here: Vec<f64> = here.values.into_iter().map(f64::from).collect();
        let difference = largest_difference(&here, &there(name));
        assert!(difference < 1e-3, "{name}: {difference}");
    }
}

/// A second of a tone in noise, so that no band is silent.
fn noisy_tone() -> Sound {
    let mut state = 1_u64;
    let sample = |n: usize| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        let tone = (n as f64 * std::f64::consts::TAU * 1_000.0 / 16_000.0).sin();
        (0.4 * tone + 0.3 * (state as f64 / (1_u64 << 31) as f64 - 0.5)) as f32
    };
    Sound { rate_hz: 16_000, n_channels: 1, samples: (0..16_000).map(sample).collect() }
}

#[test]
fn statistics_are_made_once_and_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let rows: String = (0..400).map(|i| format!("{},{}\n", i % 10, 5 * (i % 7))).collect();
    fs::write(file("a.csv"), format!("acc x (g),acc y (g)\n{rows}")).unwrap();
    let (first, second, pipeline) = (file("first.npy"), file("second.npy"), file("motion.ron"));
    let json: Value = serde_json::from_str(&tinsmith(&[
        "features",
        text(&file("a.csv")),
        "--rate",
        "100",
        "--stage",
        "window:length=1000",
        "--stage",
        "normalise:fit=min-max",
        "--fit",
        "--save-pipeline",
        text(&pipeline),
        "-o",
        text(&first),
        "--json",
    ]))
    .unwrap();
    assert_eq!(json["recordings"][0]["shape"], serde_json::json!([100, 2]));
    assert_eq!(json["recordings"][0]["channels"], serde_json::json!(["acc x", "acc y"]));
    let values = floats(read_npy(&first));
    assert!(values.iter().all(|x| (0.0..=1.0).contains(x)) && values.contains(&1.0));
    tinsmith(&["features", text(&file("a.csv")), "--rate", "100", "--pipeline", text(&pipeline), "-o", text(&second)]);
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn c_code_is_written_with_what_it_costs() {
    let folder = tempfile::tempdir().unwrap();
    let (table, out) = (folder.path().join("a.csv"), folder.path().join("firmware"));
    fs::write(&table, "0\n".repeat(16_000)).unwrap();
    let json: Value = serde_json::from_str(&tinsmith(&[
        "features",
        text(&table),
        "--rate",
        "16000",
        "--preset",
        "keyword",
        "--export",
        text(&out),
        "--name",
        "spotter",
        "--device",
        "nano33ble",
        "--json",
    ]))
    .unwrap();
    assert_eq!(json["front_end"]["ram_bytes"], 4 * (480 + 512 + 40 + 2));
    assert!(json["front_end"]["frame_us"]["value"].as_f64().unwrap() > 0.0);
    let header = fs::read_to_string(out.join("spotter_features.h")).unwrap();
    assert!(header.contains("int spotter_features_push(") && out.join("spotter_features.c").exists());
}

#[test]
fn what_cannot_be_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        text(&path).to_owned()
    };
    let (table, ragged) = (file("table.csv", b"1,2\n3,4\n"), file("ragged.csv", b"1,2\n3\n"));
    let (empty, wrong) = (file("empty.csv", b""), file("wrong.ron", b"(stages: [Mono(("));
    for (arguments, expected) in [
        (vec![table.as_str(), "--stage", "mono"], "--rate"),
        (vec![&ragged, "--rate", "10", "--stage", "mono"], "line 2: it has 1 fields, expected 2"),
        (vec![&empty, "--rate", "10", "--stage", "mono"], "the file is empty"),
        (vec![&table, "--rate", "10"], "--preset or --stage"),
        (vec![&table, "--rate", "10", "--stage", "window:length=5000"], "pad=on"),
        (vec![&table, "--rate", "10", "--stage", "fft"], "there is no stage \"fft\""),
        (vec![&table, "--rate", "10", "--pipeline", &wrong], "--save-pipeline"),
        (vec!["no-such-folder", "--stage", "mono"], "no such file"),
    ] {
        let output = run(&[&["features"], arguments.as_slice()].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(expected) && error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    }
}

#[test]
fn all_stages_are_listed() {
    let list: Value = serde_json::from_str(&tinsmith(&["features", "--list", "--json"])).unwrap();
    let names: Vec<&str> = list["stages"].as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    let text = tinsmith(&["features", "--list"]);
    for name in names {
        assert!(text.contains(&format!("{name}: ")), "{name}");
    }
    assert!(text.contains("machine-sound"));
}
