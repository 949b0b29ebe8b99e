//! `tinsmith live`: spoken digits in a stream, from a file and from a simulated board, held against the clips' own predictions.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tinsmith_core::data::features::{Pipeline, Signal, fit_clip};
use tinsmith_core::data::wav::{Sound, read_wav, write};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::formats::import;
use tinsmith_core::measure::accuracy::class_of;
use tinsmith_core::progress::Cancel;
use tinsmith_tests::boards::BoardProcess;
use tinsmith_tests::{autoencoder, binary, root, shared};

/// Instants a second of the clips; each is a second long, and one follows another after a second of silence.
const RATE: usize = 8000;
const DIGITS: &str = "0,1,2,3,4,5,6,7,8,9";
/// The recipe of `fsdd_dscnn/features.json`.
const STAGES: [&str; 2] = ["clip:length=1000", "mfcc:frame=40,step=20,fft=512,mels=40,low=20,high=4000,coefficients=10"];

/// A stream of spoken digits, and what it is made of.
struct Stream {
    folder: tempfile::TempDir,
    model: PathBuf,
    float: PathBuf,
    /// Where each clip begins, what is said, and what the integer model says of the clip by itself.
    clips: Vec<(usize, usize, Vec<f32>)>,
    len: usize,
}

impl Stream {
    fn new() -> Option<Self> {
        let (nets, sounds) = (shared("data/models/fsdd_dscnn")?, shared("data/audio/fsdd")?);
        let (model, float) = (nets.join("fsdd_dscnn_int8.tflite"), nets.join("fsdd_dscnn_float32.tflite"));
        let folder = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::parse(&STAGES).unwrap();
        fs::write(folder.path().join("features.ron"), pipeline.to_ron()).unwrap();
        let graph = import(&model).unwrap().graph;
        let executor = Executor::new(&graph).unwrap();
        let (mut samples, mut clips) = (vec![0.0; RATE], Vec::new());
        for (speaker, digit) in
            ["george", "jackson", "theo"].iter().flat_map(|speaker| (0..10).map(move |digit| (speaker, digit)))
        {
            let sound = read_wav(&sounds.join(format!("{digit}_{speaker}_0.wav"))).unwrap();
            let features = pipeline.features(&Signal::sound(RATE as u32, sound.samples.clone()), &Cancel::new()).unwrap();
            let input = executor.inputs()[0].bytes_from_real(&features[0].values);
            let said = executor.run_real(&[&input], 1, &Cancel::new()).unwrap().remove(0);
            clips.push((samples.len(), digit, said));
            samples.extend(fit_clip(&sound.samples, RATE));
            samples.extend([0.0; RATE]);
        }
        let (len, sound) = (samples.len(), Sound { rate_hz: RATE as u32, n_channels: 1, samples });
        fs::write(folder.path().join("stream.wav"), write(&sound).unwrap()).unwrap();
        Some(Self { folder, model, float, clips, len })
    }

    fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }

    /// Listens to `input`. What is told, and the steps: first instant, probabilities of the integer model.
    fn live(&self, input: &[&str], trace: &str) -> (Value, BTreeMap<usize, Vec<f32>>) {
        let (model, float, features, trace) = (text(&self.model), text(&self.float), self.path("features.ron"), self.path(trace));
        let models = ["live", &model, "--against", &float, "--labels", DIGITS, "--features", &features, "--threshold", "0.9"];
        let output = run(&[&models[..], &["--json", "--trace", &trace], input].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let table = fs::read_to_string(&trace).unwrap();
        let step = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[1].parse().unwrap(), cells[3..13].iter().map(|cell| cell.parse().unwrap()).collect())
        };
        (serde_json::from_slice(&output.stdout).expect("one JSON object"), table.lines().skip(1).map(step).collect())
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a plain name").to_owned()
}

fn run(words: &[&str]) -> Output {
    Command::new(binary()).args(words).current_dir(root()).output().expect("it runs")
}

/// Class, window's end in instants and probability of each event.
fn events(told: &Value) -> Vec<(usize, usize, f64)> {
    let event = |event: &Value| {
        let end = (event["time_s"].as_f64().unwrap() * RATE as f64).round() as usize;
        (event["class"].as_str().unwrap().parse().unwrap(), end, event["probability"].as_f64().unwrap())
    };
    told["events"].as_array().expect("a list").iter().map(event).collect()
}

#[test]
fn digits_in_a_stream_are_recognised_as_the_clips_are() {
    let Some(stream) = Stream::new() else { return };
    let file = stream.path("stream.wav");
    let (told, steps) = stream.live(&["--wav", &file], "file.csv");
    assert_eq!((&told["window_instants"], &told["stride_instants"]), (&RATE.into(), &800.into()));
    assert_eq!(told["steps"].as_u64(), Some(((stream.len - RATE) / 800 + 1) as u64));
    // Where a window is a clip, what the model says is what it says of the clip, bit for bit.
    let mut offline = 0;
    for (begin, digit, said) in &stream.clips {
        assert_eq!(&steps[begin], said, "the {digit} at {begin}");
        offline += usize::from(class_of(said) == *digit);
    }
    let found = events(&told);
    let heard = |(begin, digit, _): &&(usize, usize, Vec<f32>)| {
        let during = begin + RATE / 4..begin + 2 * RATE;
        found.iter().any(|(class, end, _)| class == digit && during.contains(end))
    };
    let recognised = stream.clips.iter().filter(heard).count();
    eprintln!("{recognised} of {} digits heard, {offline} of the clips by themselves", stream.clips.len());
    assert!(offline >= 28 && recognised * 10 >= offline * 9, "{recognised} heard, {offline} offline: {found:?}");
    let counts = &told["counts"];
    assert!(counts["same"].as_u64().unwrap() * 10 >= counts["events"].as_u64().unwrap() * 9, "{counts}");
    // The same again is the same, but for the time it took.
    let (mut again, same_steps) = stream.live(&["--wav", &file], "again.csv");
    again["step_us"] = told["step_us"].clone();
    assert_eq!((again, same_steps), (told, steps));
}

#[test]
fn a_board_that_streams_the_file_gives_the_same_steps_and_events() {
    let Some(stream) = Stream::new() else { return };
    let file = stream.path("stream.wav");
    let (told, steps) = stream.live(&["--wav", &file], "file.csv");
    let board = BoardProcess::start(&["--wav", &file, "--speed", "max"]);
    // Wherever it begins, the file comes once whole.
    let seconds = (2 * stream.len / RATE).to_string();
    let input = [&board.port, "--seconds", &seconds, "--on-board"];
    let (from_board, board_steps) = stream.live(&input, "board.csv");
    assert_eq!((from_board["missing"].as_u64(), from_board["windows_left_out"].as_u64()), (Some(0), Some(0)));
    let on_board = &from_board["board"];
    assert_eq!(on_board["agree"], on_board["windows"], "the board computes what the studio does: {on_board}");
    assert!(on_board["windows"].as_u64() > Some(0), "{on_board}");

    let mut compared = 0;
    for (first, said) in &board_steps {
        if let Some(of_file) = steps.get(&(first % stream.len)) {
            assert_eq!(said, of_file, "the window at {first}");
            compared += 1;
        }
    }
    assert!(compared >= steps.len(), "{compared} of {}", steps.len());
    // From the first whole pass on; what came before it may hold off the first second's events.
    let pass = board_steps.keys().next().unwrap().next_multiple_of(stream.len);
    let later = |events: Vec<(usize, usize, f64)>, begin: usize| -> Vec<(usize, usize, f64)> {
        let within = begin + 3 * RATE..=begin + stream.len;
        let kept = events.into_iter().filter(|(_, end, _)| within.contains(end));
        kept.map(|(class, end, probability)| (class, end - begin, probability)).collect()
    };
    let (of_file, of_board) = (later(events(&told), 0), later(events(&from_board), pass));
    assert!(of_file.len() >= 20, "{of_file:?}");
    assert_eq!(of_board, of_file);
}

#[test]
fn no_window_spans_what_the_link_lost() {
    let Some(stream) = Stream::new() else { return };
    let file = stream.path("stream.wav");
    let (_, steps) = stream.live(&["--wav", &file], "file.csv");
    let board = BoardProcess::start(&["--wav", &file, "--speed", "20", "--fault", "drop"]);
    let (told, board_steps) = stream.live(&[&board.port, "--seconds", "40"], "board.csv");
    let (missing, left_out) = (told["missing"].as_u64().unwrap(), told["windows_left_out"].as_u64().unwrap());
    assert!(missing > 0 && left_out > 0, "{missing} instants, {left_out} windows");
    // What is left is as if nothing had been lost: each window is the file's at its place.
    let of_file = board_steps.iter().filter_map(|(first, said)| Some((first, said, steps.get(&(first % stream.len))?)));
    let differing: Vec<usize> = of_file.clone().filter(|(_, said, of_file)| said != of_file).map(|(first, ..)| *first).collect();
    assert!(differing.is_empty() && of_file.count() > 20, "{differing:?} of {}", board_steps.len());
}

#[test]
fn what_cannot_listen_says_why() {
    let Some(nets) = shared("data/models/fsdd_dscnn") else { return };
    let clip = text(&root().join("assets/samples/keyword/clips/yes.wav"));
    let model = text(&nets.join("fsdd_dscnn_int8.tflite"));
    let refused = |words: &[&str]| {
        let output = run(&[&["live", &model], words].concat());
        assert!(!output.status.success(), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let misfit = refused(&["--wav", &clip]);
    assert!(misfit.contains("[490, 1]") && misfit.contains("presets that fit: keyword"), "{misfit}");
    assert!(refused(&["--wav", &clip, "--labels", "a,b"]).contains("names 2 classes, and the model has 10"));
    assert!(refused(&["--wav", &clip, "--preset", "keyword", "--ignore", "owl"]).contains("no class owl"));
    assert!(refused(&[]).contains("--wav"), "nothing to listen to");
    assert!(refused(&["nowhere", "--wav", &clip]).contains("--on-board"));
}

#[test]
fn an_autoencoder_tells_events_once_it_has_the_threshold_that_was_suggested() {
    let folder = tempfile::tempdir().unwrap();
    let Some(project) = autoencoder(folder.path()) else { return };
    let (project, table) = (text(&project), text(&folder.path().join("far.csv")));
    // Far from all that the model was made for.
    fs::write(&table, "x\n".to_owned() + &"200\n".repeat(640)).unwrap();
    let listen = |threshold: &[&str]| {
        let output =
            run(&[&["live", &project, "--csv", &table, "--rate", "100", "--stride", "640", "--json"], threshold].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        (serde_json::from_slice::<Value>(&output.stdout).expect("one JSON object"), said)
    };
    let (told, said) = listen(&[]);
    assert_eq!((told["counts"]["events"].as_u64(), &told["settings"]["threshold"]), (Some(0), &Value::Null));
    let threshold =
        said.split("is --threshold ").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_else(|| panic!("{said}"));
    assert!(said.contains("99 % of the distances of 50 calibration samples are at most that"), "{said}");
    let (told, _) = listen(&["--threshold", threshold]);
    assert_eq!(told["settings"]["threshold"].as_f64().map(|x| x as f32), threshold.parse().ok(), "{threshold}");
    assert_eq!(told["counts"]["events"].as_u64(), Some(1), "{told}");
}
