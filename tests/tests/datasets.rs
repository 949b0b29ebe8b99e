//! Data sets from files to a quantized model: every shared set and log opens, the command line goes the whole way, and damaged
//! files never do more than be refused.

use std::fs;

use serde_json::Value;
use tinsmith_tests::hostile::Mutations;
use tinsmith_tests::program::{json, path, refusal, tinsmith};
use tinsmith_tests::{data_files, root, shared};

const MODEL: &str = "assets/samples/keyword/keyword_float32.tflite";
const DATA: &str = "assets/samples/keyword/keyword.npz";

#[test]
fn every_shared_data_set_and_log_opens() {
    let Some(data) = shared("data") else { return };
    let sets: [(&str, &[&str], u64); 13] = [
        ("audio/fsdd", &[], 360),
        ("audio/speech_commands", &[], 300),
        ("audio/micro_speech", &[], 6),
        ("imu/gesture_demo/raw", &[], 17),
        ("imu/gesture_demo/windows", &[], 30),
        ("imu/gesture_demo/gesture_demo.npz", &[], 392),
        ("imu/magic_wand/magic_wand.npz", &[], 381),
        ("images/cifar10/jpg", &[], 60),
        ("images/cifar10/png", &[], 20),
        ("images/digits/digits.npz", &[], 1797),
        ("kws01/kws01.npz", &[], 1000),
        ("mlperf_tiny/sww/calibration_samples.npz", &[], 45),
        ("kws01/raw", &["--shape", "49,10,1", "--dtype", "int8"], 24),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, (set, options, items)) in sets.into_iter().enumerate() {
        let (source, out) = (path(&data, set), path(folder.path(), &index.to_string()));
        let arguments = [&["data", "import", &source, "--out", &out, "--json"][..], options].concat();
        let report = json(&arguments);
        assert_eq!((report["items"].as_u64(), report["refused"].as_array().map(Vec::len)), (Some(items), Some(0)), "{set}");
    }
    let mut n_samples = 0;
    for log in fs::read_dir(data.join("imu/magic_wand/raw")).unwrap() {
        let log = log.unwrap();
        let (source, out) = (path(&data.join("imu/magic_wand/raw"), log.file_name().to_str().unwrap()), log.file_name());
        let out = path(folder.path(), out.to_str().unwrap());
        let report = json(&["data", "import", &source, "--out", &out, "--rate", "25", "--json"]);
        assert_eq!(report["axes"].as_array().map(Vec::len), Some(3), "{source}: {report}");
        n_samples += report["items"].as_u64().unwrap();
    }
    assert_eq!(n_samples, 254);
}

#[test]
fn a_data_set_folder_does_what_its_archive_does() {
    let folder = tempfile::tempdir().unwrap();
    let set = path(folder.path(), "set");
    json(&["data", "import", DATA, "--out", &set, "--json"]);
    let of = |data: &str| json(&["evaluate", MODEL, "--data", data, "--split", "test", "--json"])["top1_correct"].clone();
    assert_eq!(of(&set), of(DATA));
    let [one, other] = ["one.tflite", "other.tflite"].map(|name| path(folder.path(), name));
    json(&["quantize", MODEL, "--calibrate", DATA, "-o", &one, "--json"]);
    json(&["quantize", MODEL, "--calibrate", &set, "-o", &other, "--json"]);
    assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap());

    let coverage = json(&["data", "coverage", MODEL, "--data", &set, "--json"]);
    assert_eq!((coverage["samples"].as_u64(), coverage["split"].as_str()), (Some(100), Some("calibration")));
    let tensors = coverage["tensors"].as_array().unwrap();
    assert!(tensors.len() > 5 && tensors.windows(2).all(|t| t[0]["at_stake"].as_f64() >= t[1]["at_stake"].as_f64()));
    assert!(tensors[0]["high"]["names"][0].as_str().unwrap().starts_with("samples/keyword.npy"));

    let split = json(&["data", "split", &set, "--test", "0.2", "--calibration", "0.1", "--seed", "3", "--json"]);
    for class in split["classes"].as_array().unwrap() {
        let [items, test] = ["items", "test"].map(|key| class[key].as_f64().unwrap());
        assert!((test - items * 0.2).abs() <= 1.0, "{class}");
    }
    // Twenty samples that cover the ranges leave less to chance than twenty of each class in turn.
    let calibrated = |covering: &[&str]| {
        json(&[&["data", "subset", &set, "--count", "20", "--json"][..], covering].concat());
        let info = json(&["data", "info", &set, "--json"]);
        let n: u64 = info["classes"].as_array().unwrap().iter().map(|class| class["calibration"].as_u64().unwrap()).sum();
        assert_eq!(n, 20);
        let coverage = json(&["data", "coverage", MODEL, "--data", &set, "--split", "calibration", "--json"]);
        let width = |tensor: &Value| {
            (tensor["tensor"].as_u64(), tensor["high"]["value"].as_f64().unwrap() - tensor["low"]["value"].as_f64().unwrap())
        };
        let mut widths: Vec<_> = coverage["tensors"].as_array().unwrap().iter().map(width).collect();
        widths.sort_by_key(|(tensor, _)| *tensor);
        widths
    };
    let (by_chance, covering) = (calibrated(&[]), calibrated(&["--covering", MODEL]));
    let wider = by_chance.iter().zip(&covering).filter(|(chance, covering)| covering.1 >= chance.1).count();
    assert!(wider * 10 >= covering.len() * 9, "{wider} of {}", covering.len());
}

#[test]
fn recordings_are_cut_to_what_a_model_takes() {
    let Some(logs) = shared("data/imu/gesture_demo/windows") else { return };
    let folder = tempfile::tempdir().unwrap();
    let set = path(folder.path(), "set");
    let report = json(&["data", "import", logs.to_str().unwrap(), "--out", &set, "--window", "64", "--stride", "32", "--json"]);
    assert_eq!((report["items"].as_u64(), report["samples"].as_u64()), (Some(30), Some(90)));
    let model = shared("data/models/gesture_lstm/gesture_lstm.tflite")
        .or_else(|| shared("data/models/gesture_lstm/gesture_lstm_float32.tflite"));
    let evaluated = json(&["evaluate", model.unwrap().to_str().unwrap(), "--data", &set, "--json"]);
    assert_eq!((evaluated["samples"].as_u64(), evaluated["labelled"].as_bool()), (Some(90), Some(true)));
    assert!(tinsmith(&["data", "window", &set, "--length", "128"]).status.success());
    assert_eq!(json(&["data", "info", &set, "--json"])["samples"].as_u64(), Some(30));
    for format in ["csv", "npz"] {
        let out = path(folder.path(), &format!("out.{format}"));
        assert!(tinsmith(&["data", "export", &set, "--format", format, "--out", &out]).status.success());
        assert_eq!(json(&["data", "import", &out, "--out", &path(folder.path(), format), "--json"])["items"].as_u64(), Some(30));
    }
    assert!(
        refusal(&["data", "export", &set, "--format", "wav", "--out", &path(folder.path(), "wav")]).contains("rate is not known")
    );
}

#[test]
fn what_is_wrong_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let set = path(folder.path(), "set");
    assert!(refusal(&["data", "info", folder.path().to_str().unwrap()]).contains("tinsmith data import"));
    assert!(refusal(&["data", "import", "no-such-file", "--out", &set]).contains("no such file"));
    assert!(refusal(&["evaluate", MODEL, "--data", folder.path().to_str().unwrap()]).contains("without a dataset.ron"));
    fs::write(folder.path().join("dataset.ron"), "(version: 99, kind: Odour)").unwrap();
    assert!(refusal(&["data", "info", folder.path().to_str().unwrap()]).contains("newer Tinsmith (version 99"));
    json(&["data", "import", DATA, "--out", &set, "--json"]);
    assert!(refusal(&["data", "import", DATA, "--out", &set]).contains("a data set already"));
    assert!(refusal(&["data", "split", &set, "--test", "0.9", "--calibration", "0.2"]).contains("at most 1"));
    assert!(refusal(&["data", "window", &set, "--length", "4"]).contains("only recordings"));
    for wrong in [
        &["data", "split", &set, "--test", "2", "--calibration", "0"][..],
        &["data", "import", DATA, "--out", "x", "--shape", "3"],
    ] {
        assert_eq!(tinsmith(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// Runs damaged copies of whole files through the importers, as the fuzzer does without end.
#[test]
fn damaged_files_are_refused_or_read() {
    let folder = root().join("tests/golden/audio");
    let mut files: Vec<Vec<u8>> = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    for relative in [
        "imu/magic_wand/raw/output_negative_1.txt",
        "images/cifar10/png/airplane_0000.png",
        "images/cifar10/jpg/airplane_0000.jpg",
        "imu/gesture_demo/windows/flippendo_000.csv",
        "audio/micro_speech/no_30ms.wav",
    ] {
        files.extend(shared(&format!("data/{relative}")).map(|file| fs::read(file).unwrap()));
    }
    let payload = r#""payload":{"interval_ms":10,"sensors":[{"name":"a","units":"g"}],"values":[1,2,3]}"#;
    let json = format!(r#"{{"protected":{{"ver":"v1","alg":"none"}},"signature":"0",{payload}}}"#);
    files.push(json.as_bytes().to_vec());
    files.push([&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1][..], &[1, 2, 3, 4]].concat());
    for (seed, file) in (0..).zip(&files) {
        data_files::exercise(file);
        Mutations::new(file, seed).take(200).for_each(|damaged| data_files::exercise(&damaged));
    }
    let index = r#"(version: 1, kind: Sound, rate_hz: 8000.0, window: (length: 5, stride: 2), labels: ["a"],
        items: [(file: "a.wav", span: (0, 9), label: "a")])"#;
    let table = "file,label,split\na.wav,yes,test\n";
    for (seed, text) in (0..).zip([index, table]) {
        data_files::exercise_index(text.as_bytes());
        Mutations::new(text.as_bytes(), seed).take(500).for_each(|damaged| data_files::exercise_index(&damaged));
    }
}
