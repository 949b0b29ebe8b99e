//! Models of several inputs: quantized, measured and exported with a data set that holds an array for each, and what other runtimes
//! make of them; and sound and motion of one board, aligned to be such a data set.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use tinsmith::gui::command::Command as Ask;
use tinsmith::gui::workspace::Pane;
use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::data::{self, DataSet, Split, Values, export};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::measure::device::devices;
use tinsmith_core::optimize::suggested_recipe;
use tinsmith_core::preview::{Engine, Event, Inputs, Job, Side, Source, Target, firmware_files, roles, views};
use tinsmith_core::progress::Cancel;
use tinsmith_tests::hostile::Mutations;
use tinsmith_tests::made::{Message, constant, node, onnx, port};
use tinsmith_tests::nets::{of_litert, of_peers, run_peers, write_case};
use tinsmith_tests::program::{json, path, refusal};
use tinsmith_tests::window::{Folder, app, drop_file, holds, is_complete, open, send, settle, wait};
use tinsmith_tests::{data_files, peers_python};

const SAMPLES: usize = 60;
const CLASSES: usize = 4;
/// Two microphones, frames and bands, channels first as PyTorch has them; and axes of a motion sensor.
const SOUND: [usize; 3] = [2, 12, 8];
const MOTION: [usize; 2] = [16, 6];

/// Numbers in -1..1 without a pattern that matters.
fn noise(n: usize, seed: u32) -> Vec<f32> {
    let number =
        |i: usize| (i as u32 + 1).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
    (0..n).map(|i| (number(i) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn weights(name: &str, extents: &[u64], seed: u32) -> Message {
    let n = extents.iter().product::<u64>() as usize;
    let fan_in = extents.iter().skip(1).product::<u64>().max(1) as f32;
    // Biases are small, so that samples make the difference.
    let gain = if extents.len() == 1 { 0.1 } else { 2.0 / fan_in.sqrt() };
    let values = noise(n, seed).into_iter().map(|w| gain * w);
    constant(name, extents, 1, &values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
}

/// An attribute of an ONNX node that is an integer.
fn integer(name: &str, value: u64) -> Message {
    Message::default().bytes(1, name).number(20, 2).number(3, value)
}

fn dense(name: [&str; 4]) -> Message {
    let [input, kernel, bias, output] = name;
    node("Gemm", &[input, kernel, bias], &[output]).bytes(5, integer("transB", 1).0)
}

/// A convolution over sound and a dense layer over motion, whose results a last layer takes together.
fn model() -> Vec<u8> {
    let nodes = [
        node("Conv", &["sound", "kernel", "bias"], &["c"]),
        node("Relu", &["c"], &["heard"]),
        node("Flatten", &["heard"], &["flat"]),
        dense(["flat", "w_sound", "b_sound", "s"]),
        node("Relu", &["s"], &["sound_is"]),
        node("Flatten", &["motion"], &["moves"]),
        dense(["moves", "w_motion", "b_motion", "m"]),
        node("Relu", &["m"], &["motion_is"]),
        node("Concat", &["sound_is", "motion_is"], &["both"]).bytes(5, integer("axis", 1).0),
        dense(["both", "w_both", "b_both", "y"]),
    ];
    let constants = [
        weights("kernel", &[4, 2, 3, 3], 1),
        weights("bias", &[4], 2),
        weights("w_sound", &[12, 4 * 10 * 6], 3),
        weights("b_sound", &[12], 4),
        weights("w_motion", &[12, 16 * 6], 5),
        weights("b_motion", &[12], 6),
        weights("w_both", &[CLASSES as u64, 24], 7),
        weights("b_both", &[CLASSES as u64], 8),
    ];
    let extents = |shape: &[usize]| std::iter::once(1).chain(shape.iter().copied()).map(|n| Ok(n as u64)).collect::<Vec<_>>();
    let inputs = [port("sound", &extents(&SOUND)), port("motion", &extents(&MOTION))];
    onnx(&nodes, &constants, &inputs, &[port("y", &extents(&[CLASSES]))])
}

fn array(name: &str, shape: &[usize], seed: u32) -> DataSet {
    let set = DataSet::sample(shape.to_vec(), vec![]).laid_out(None);
    let values = noise(SAMPLES * shape.iter().product::<usize>(), seed);
    DataSet { array: name.to_owned(), values: Values::F32(values.into()), ..set }
}

/// Samples of both, motion first, with the classes that the model of floats takes them for.
fn samples(source: &Source) -> DataSet {
    let set = DataSet { more: vec![array("sound", &SOUND, 77)], ..array("motion", &MOTION, 99) };
    let all: Vec<usize> = (0..SAMPLES).collect();
    let bytes = Inputs::of(&set, &source.graph).unwrap().bytes(&all, &source.graph).unwrap();
    let outputs = Executor::new(&source.graph).unwrap().run_real(&views(&bytes), SAMPLES, &Cancel::new()).unwrap();
    let class = |row: &[f32]| (0..CLASSES as u32).max_by(|a, b| row[*a as usize].total_cmp(&row[*b as usize])).unwrap();
    let split = |i: usize| if i < SAMPLES / 2 { Split::Calibration } else { Split::Test };
    DataSet {
        labels: Some(outputs[0].chunks(CLASSES).map(class).collect()),
        label_names: (0..CLASSES).map(|class| format!("class {class}")).collect(),
        splits: Some((0..SAMPLES).map(split).collect()),
        ..set
    }
}

/// The model and its data set as files of a folder.
fn files(folder: &Path) -> (String, String, Source) {
    let model = path(folder, "both.onnx");
    fs::write(&model, self::model()).unwrap();
    let source = Source::open(Path::new(&model)).unwrap();
    let data = path(folder, "both.npz");
    fs::write(&data, export::npz(&samples(&source)).unwrap()).unwrap();
    (model, data, source)
}

fn bytes_of(file: &str) -> Vec<u8> {
    let Elements::I8(values) = npy::read(&fs::read(file).unwrap()).unwrap().elements else { panic!("int8 outputs") };
    values.into_iter().map(|value| value as u8).collect()
}

#[test]
fn a_model_of_two_inputs_is_quantized_and_measured_and_gives_the_bytes_of_other_runtimes() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data, _) = files(folder.path());
    let [int8, here, dump] = ["int8.tflite", "here.npy", "tensors"].map(|name| path(folder.path(), name));

    let float = json(&["evaluate", &model, "--data", &data, "--json"]);
    assert_eq!((float["samples"].as_u64(), float["accuracy"].as_f64()), (Some(60), Some(1.0)), "labels are its own classes");
    let labels = data::open(Path::new(&data)).unwrap().labels.unwrap();
    assert!((0..CLASSES as u32).filter(|class| labels.contains(class)).count() >= 3, "one class would prove nothing");
    let report = json(&["quantize", &model, "--calibrate", &data, "-o", &int8, "--json"]);
    assert_eq!(report["calibration_samples"].as_u64(), Some(30));
    let coverage = json(&["data", "coverage", &model, "--data", &data, "--json"]);
    let observed: Vec<&str> = coverage["tensors"].as_array().unwrap().iter().filter_map(|t| t["name"].as_str()).collect();
    assert!(observed.contains(&"sound") && observed.contains(&"motion"), "{observed:?}");

    let arguments = ["evaluate", &int8, "--data", &data, "--split", "test", "--json"];
    let measured = json(&[&arguments[..], &["--dump-outputs", &here, "--dump-tensors", &dump]].concat());
    let accuracy = measured["accuracy"].as_f64().unwrap();
    assert!((0.8..=1.0).contains(&accuracy), "{accuracy}");
    let quantized = Source::open(Path::new(&int8)).unwrap();
    assert!(
        quantized
            .graph
            .nodes
            .iter()
            .flat_map(|node| &node.outputs)
            .all(|id| Path::new(&dump).join(format!("t{}.npy", id.0)).exists())
    );
    // Observed on one thread, all the same.
    let last = format!("{dump}/t{}.npy", quantized.graph.outputs[0].0);
    assert_eq!(bytes_of(&last), bytes_of(&here));

    let Some(python) = peers_python() else { return };
    let set = data::open(Path::new(&data)).unwrap();
    let test = set.samples_of(Some(Split::Test)).unwrap();
    let inputs = Inputs::of(&set, &quantized.graph).unwrap().bytes(&test, &quantized.graph).unwrap();
    write_case(folder.path(), "case", &quantized.graph, &inputs, test.len());
    run_peers(&python, folder.path());
    let (there, whose) = of_peers(folder.path(), "case", 0);
    assert_eq!((there, whose), (bytes_of(&here), "TFLM"));
    assert_eq!(of_litert(folder.path(), "case", 0), bytes_of(&here));
}

#[test]
fn the_preview_of_a_model_of_two_inputs_has_all_figures() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data, source) = files(folder.path());
    let int8 = path(folder.path(), "int8.tflite");
    json(&["quantize", &model, "--calibrate", &data, "-o", &int8, "--json"]);
    let expected = json(&["evaluate", &int8, "--data", &data, "--split", "test", "--json"])["top1_correct"].as_u64();

    let recipe = suggested_recipe(&source.graph);
    let data = Arc::new(data::open(Path::new(&data)).unwrap());
    let test = roles(&data).test;
    let job = Job { source: Arc::new(source), data: Some(data), ranges: None, recipe, device: devices()[0].clone() };
    let (mut candidate, mut correct, mut layers) = (None, [None, None], Vec::new());
    let mut tell = |event| match event {
        Event::Candidate(made) => candidate = Some(made),
        Event::Accuracy { side, figures } => {
            let side = usize::from(side == Side::Candidate);
            correct[side] = figures.top1_correct.filter(|_| figures.done == figures.total).map(|n| n as u64);
        }
        Event::LayerErrors(errors) => layers.clone_from(&errors.layers),
        _ => {}
    };
    Engine::new().run(&job, &Cancel::new(), &mut tell).unwrap();
    assert_eq!(correct, [Some(test.len() as u64), expected]);
    assert!(layers.iter().filter(|error| error.is_some()).count() >= 4, "{layers:?}");
    // The test in the firmware feeds both.
    let graph = &candidate.unwrap().graph;
    let files = firmware_files(&job, graph, "both", &[Target::C]).unwrap();
    let text: String = files.iter().map(|file| String::from_utf8_lossy(&file.bytes)).collect();
    // Byte for byte what the model takes of the first test samples.
    let golden: Vec<Vec<u8>> = text.split("_golden_").filter_map(golden_input).collect();
    assert_eq!(golden.len(), 2, "an array for each input");
    let inputs = Inputs::of(job.data.as_ref().unwrap(), &job.source.graph).unwrap();
    let n_golden = golden[0].len() / graph.tensor(graph.inputs[0]).n_bytes();
    assert!(n_golden > 0);
    assert_eq!(golden, inputs.bytes(&test[..n_golden], graph).unwrap());
}

/// The bytes of an array of golden inputs, of what follows `_golden_` in C; nothing of a mere declaration, and of outputs.
fn golden_input(text: &str) -> Option<Vec<u8>> {
    let (name, rest) = text.split_once('[')?;
    let (sizes, values) = rest.split_once(" = {")?;
    let (values, _) = values.split_once("};")?;
    let is_input = name.starts_with("input") && !sizes.contains('\n');
    let byte = |word: &str| u8::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    is_input.then(|| values.split([' ', ',', '\n', '{', '}']).filter_map(byte).collect())
}

#[test]
fn what_does_not_feed_all_inputs_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data, _) = files(folder.path());
    let whole = data::open(Path::new(&data)).unwrap();
    let saved = |name: &str, set: &DataSet| {
        let file = path(folder.path(), name);
        fs::write(&file, export::npz(set).unwrap()).unwrap();
        file
    };
    let says = |file: &str, words: &[&str]| {
        for arguments in
            [&["evaluate", &model, "--data", file][..], &["quantize", &model, "--calibrate", file, "-o", "never.tflite"]]
        {
            let text = refusal(arguments);
            assert!(text.contains(file) && words.iter().all(|word| text.contains(word)), "{text}");
        }
    };
    let one = saved("one.npz", &DataSet { more: vec![], array: "x".into(), ..whole.clone() });
    says(&one, &["2 inputs", "1 array (x)", "sound, motion", "x0, x1"]);
    // In the wrong order, and under names that say nothing.
    let numbered = |first: &str, second: &str| {
        let more = whole.more.iter().map(|set| DataSet { array: second.into(), ..set.clone() }).collect();
        DataSet { array: first.into(), more, ..whole.clone() }
    };
    says(&saved("turned.npz", &numbered("x0", "x1")), &["\"x0\"", "[16, 6]", "sound", "[12, 8, 2]"]);
    says(&saved("gap.npz", &numbered("x0", "x2")), &["\"x1\" is missing", "x0, x2"]);
    // In the right order they need no names.
    let right = DataSet { more: vec![array("x1", &MOTION, 99)], ..array("x0", &SOUND, 77) };
    let right = DataSet { labels: whole.labels.clone(), label_names: whole.label_names.clone(), ..right };
    let right = json(&["evaluate", &model, "--data", &saved("right.npz", &right), "--json"]);
    assert_eq!(right["accuracy"].as_f64(), Some(1.0));
    // A model of one input has no use for two arrays, and a folder cannot hold them.
    let keyword = refusal(&["evaluate", "assets/samples/keyword/keyword_float32.tflite", "--data", &data]);
    assert!(keyword.contains("1 input") && keyword.contains("2 arrays (motion, sound)"), "{keyword}");
    let import = refusal(&["data", "import", &data, "--out", &path(folder.path(), "set")]);
    assert!(import.contains("several inputs"), "{import}");
    let info = json(&["data", "info", &data, "--json"]);
    assert_eq!(info["inputs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_window_shows_what_each_input_takes_and_how_the_candidate_does() {
    let folder = Folder::new("several-inputs");
    let (model, data, _) = files(&folder.0);
    let mut window = open(Some(model.into()));
    wait(&mut window, "the model to be open", |app| app.session().open.is_some());
    drop_file(&mut window, Path::new(&data));
    wait(&mut window, "all figures", is_complete);
    let correct = app(&window).session().figures.candidate_accuracy.value.as_ref().and_then(|figures| figures.top1_correct);
    assert!(correct.is_some_and(|correct| correct >= 24), "{correct:?} of 30");
    send(&mut window, Ask::TogglePane(Pane::Sample));
    wait(&mut window, "the sample to be run", |app| app.session().on_demand.trial.value.is_some());
    settle(&mut window);
    // In the order of the model, with the shapes of the data set.
    for words in ["Sample 1, input 1: 2×12×8 values", "Sample 1, input 2: 16×6 values"] {
        assert!(holds(&window, words), "{words}");
    }
}

/// Whatever becomes of the bytes of an archive of two arrays, it is read or refused in a line.
#[test]
fn damaged_archives_of_two_arrays_are_refused_or_read() {
    let small = |name: &str, len: usize| DataSet { array: name.into(), ..DataSet::sample(vec![len], vec![0.5; 3 * len]) };
    let set = DataSet { more: vec![small("x1", 1)], labels: Some([0, 1, 0].into()), ..small("x0", 2) };
    let archive = export::npz(&set).unwrap();
    data_files::exercise(&archive);
    Mutations::new(&archive, 5).take(2000).for_each(|damaged| data_files::exercise(&damaged));
}

#[cfg(unix)]
mod recorded {
    use std::io::Read;

    use tinsmith::device::Way;
    use tinsmith::device::simulate::{Simulator, Source as Measured, Speed};
    use tinsmith_tests::boards::{connect, record, simulation};

    use super::*;

    /// What a sensor of the simulated board measures at a time, between two instants on the line between them.
    fn measured(of: (tinsmith_core::data::recording::SensorInfo, Measured), time_ms: f64) -> Vec<f64> {
        let (info, source) = of;
        let at = |index: u64| -> Vec<f64> {
            let mut bytes = Vec::new();
            source.write(index, info.instant_bytes(), &mut bytes);
            info.real_values(&bytes).into_iter().map(f64::from).collect()
        };
        let position = time_ms * info.rate_hz / 1000.0;
        let part = position - position.floor();
        let (before, after) = (at(position.floor() as u64), at(position.floor() as u64 + 1));
        before.iter().zip(after).map(|(a, b)| a + (b - a) * part).collect()
    }

    fn times(file: &str) -> Vec<f64> {
        let mut archive = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
        let mut bytes = Vec::new();
        archive.by_name("time_ms.npy").unwrap().read_to_end(&mut bytes).unwrap();
        npy::read(&bytes).unwrap().elements.to_f64().unwrap()
    }

    #[test]
    fn sound_and_motion_of_one_board_are_aligned_to_the_instant() {
        let folder = tempfile::tempdir().unwrap();
        let simulator = Simulator::start(simulation("aligned", Way::Frames, Speed::Max, &[])).unwrap();
        let recordings = folder.path().join("recordings");
        record(&connect(&simulator), &recordings, 5.0);
        let (recordings, out) = (path(folder.path(), "recordings"), path(folder.path(), "both.npz"));
        let arguments = ["data", "align", &recordings, "--length", "500", "--stride", "250", "--out", &out, "--json"];
        let report = json(&arguments);
        let set = data::open(Path::new(&out)).unwrap();
        let shapes: Vec<&[usize]> = set.arrays().map(|input| input.sample_shape.as_slice()).collect();
        assert_eq!(shapes, [&[8000, 1][..], &[100, 6]]);
        // Five seconds that both have, but for what one began earlier or later.
        assert!((17..=19).contains(&set.n_samples()), "{report}");
        let times = times(&out);
        assert_eq!(times.len(), set.n_samples());
        let mut n_compared = 0;
        for (input, sensor) in set.arrays().zip([Measured::tones, Measured::gestures]) {
            let Values::F32(values) = &input.values else { panic!("real values") };
            let (n_axes, rate_hz) = (input.sample_shape[1], sensor().0.rate_hz);
            // Times are stored in whole microseconds: a hundredth of the steepest slope.
            let tolerance = if n_axes == 1 { 0.01 } else { 0.05 };
            for (sample, start_ms) in values.chunks(input.sample_len()).zip(&times) {
                for (instant, row) in sample.chunks(n_axes).enumerate() {
                    let expected = measured(sensor(), start_ms + instant as f64 * 1000.0 / rate_hz);
                    let apart = row.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                    assert!(
                        apart < tolerance,
                        "instant {instant} of the window at {start_ms} ms: {row:?}, measured {expected:?}"
                    );
                    n_compared += 1;
                }
            }
        }
        assert!(n_compared > 130_000, "{n_compared}");

        // The other way round, the motion as it is and the sound as features.
        let arguments = ["--sensors", "imu,audio", "--features", "audio=keyword", "--length", "1000", "--out", &out, "--json"];
        let report = json(&[&["data", "align", &recordings][..], &arguments].concat());
        let inputs = report["inputs"].as_array().unwrap();
        assert_eq!((inputs[0]["sensor"].as_str(), inputs[0]["shape"].to_string()), (Some("imu"), "[200,6]".to_owned()));
        assert_eq!((inputs[1]["sensor"].as_str(), inputs[1]["shape"].to_string()), (Some("audio"), "[49,10,1]".to_owned()));
        let text = refusal(&["data", "align", &recordings, "--sensors", "imu,light", "--length", "1000", "--out", &out]);
        assert!(text.contains("light") && text.contains("audio, imu"), "{text}");
    }
}
