use std::sync::Arc;

use super::*;
use crate::data::library::{self, Kind};
use crate::data::recording::{
    Block, BoardInfo, ChannelInfo, Encoding, Ended, Kind as Measures, Recorder, RecorderSettings, SensorInfo, Stamp,
};

/// A microphone of 1000 Hz and a motion sensor of 100 Hz.
fn board() -> BoardInfo {
    let channel = |name: &str| ChannelInfo { name: name.to_owned(), unit: "ms".to_owned(), step: 1.0 };
    let sensor = |id, name: &str, kind, rate_hz, channels: &[&str]| SensorInfo {
        id,
        name: name.to_owned(),
        kind,
        rate_hz,
        encoding: Encoding::I16,
        channels: channels.iter().map(|name| channel(name)).collect(),
    };
    let sensors =
        vec![sensor(1, "audio", Measures::Audio, 1000.0, &["left"]), sensor(2, "imu", Measures::Imu, 100.0, &["time", "ago"])];
    BoardInfo { name: "board".to_owned(), number: 7, firmware: "1".to_owned(), sensors }
}

/// Times of instants, and of those of a sensor that are missing.
type Times = std::ops::Range<u64>;

/// Records sensors whose values are their own times in milliseconds.
fn record(folder: &Path, label: Option<&str>, sensors: &[(u8, Times)]) -> Vec<PathBuf> {
    record_without(folder, label, sensors, 0..0)
}

fn record_without(folder: &Path, label: Option<&str>, sensors: &[(u8, Times)], missing: Times) -> Vec<PathBuf> {
    let named = sensors.iter().map(|(id, _)| id.to_string()).collect();
    let settings = RecorderSettings { folder: folder.to_owned(), label: label.map(str::to_owned), sensors: named, seconds: None };
    let mut recorder = Recorder::new(settings, &board()).unwrap();
    for (id, times) in sensors {
        // Blocks of 20 ms.
        for start in times.clone().step_by(20).filter(|start| !missing.contains(start)) {
            let value = |time: u64| (time as i16).to_le_bytes();
            let instants: Vec<u8> = match id {
                1 => (start..start + 20).flat_map(value).collect(),
                _ => [start, start + 10]
                    .into_iter()
                    .flat_map(|time| [value(time), (-(time as i16)).to_le_bytes()].concat())
                    .collect(),
            };
            let stamp = Stamp { time_us: 1000 * start, arrival_us: 1000 * start, lost: start == missing.end, ..Stamp::default() };
            recorder.add(&Block { sensor: *id, stamp, instants: &instants }).unwrap();
        }
    }
    recorder.finish(Ended::Stopped).unwrap().into_iter().map(|clip| clip.path).collect()
}

fn settings(length_ms: f64, stride_ms: f64) -> Settings {
    Settings { length_ms, stride_ms, ..Settings::default() }
}

fn aligned(paths: &[&Path], settings: &Settings) -> Result<Aligned, String> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    align(&paths, settings, &Cancel::new()).map_err(|error| error.to_string())
}

/// Every value of every sample is the time at which it was measured.
fn check_times(aligned: &Aligned) {
    for (input, (sensor, rate_hz)) in aligned.set.arrays().zip(&aligned.sensors) {
        let Values::F32(values) = &input.values else { panic!("real values") };
        let scale = if sensor == "audio" { 32768.0 } else { 1.0 };
        let n_axes = input.sample_shape[1];
        for (sample, start_ms) in values.chunks(input.sample_len()).zip(&aligned.times_ms) {
            for (instant, row) in sample.chunks(n_axes).enumerate() {
                let measured_ms = start_ms + instant as f64 * 1000.0 / rate_hz;
                assert!((f64::from(row[0]) * scale - measured_ms).abs() < 0.01, "{sensor}: {row:?} at {measured_ms}");
                assert!(n_axes == 1 || row[1] == -row[0]);
            }
        }
    }
}

#[test]
fn what_began_together_is_cut_at_the_same_times() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), Some("yes"), &[(1, 40..1040), (2, 10..910)]);
    record(folder.path(), Some("no"), &[(1, 2000..2500), (2, 2000..2500)]);
    let made = aligned(&[folder.path()], &settings(200.0, 100.0)).unwrap();
    check_times(&made);
    // From 40 to 910 ms seven windows, from 2000 to 2500 four.
    let starts = [40.0, 140.0, 240.0, 340.0, 440.0, 540.0, 640.0, 2000.0, 2100.0, 2200.0, 2300.0];
    assert_eq!(made.times_ms, starts);
    assert_eq!(made.sensors, [("audio".to_owned(), 1000.0), ("imu".to_owned(), 100.0)]);
    let arrays: Vec<_> = made.set.arrays().map(|input| (input.array.as_str(), input.sample_shape.as_slice())).collect();
    assert_eq!(arrays, [("x0", &[200, 1][..]), ("x1", &[20, 2][..])]);
    assert_eq!(made.set.label_names, ["no", "yes"]);
    assert_eq!(made.set.labels.as_deref().unwrap(), [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    assert_eq!((made.groups[6].as_str(), made.groups[7].as_str(), &made.set.splits), ("yes_001", "no_001", &None));
    assert_eq!(made.left_out, LeftOut::default());
    // Named sensors come in the order of their names, and named files do as their folder does.
    let turned = Settings { sensors: vec!["2".into(), "audio".into()], ..settings(200.0, 100.0) };
    let files = ["yes_001_audio.wav", "yes_001_imu.csv"].map(|name| folder.path().join(name));
    let turned = aligned(&[&files[0], &files[1]], &turned).unwrap();
    assert_eq!((turned.set.sample_shape.as_slice(), turned.times_ms.as_slice()), (&[20, 2][..], &starts[..7]));
    check_times(&turned);
}

/// A session whose clips are cut from the motion sensor while the microphone is recorded along, as `tinsmith device session` does it.
fn session(folder: &Path) -> Library {
    record(&folder.join(RECORDINGS), Some("session"), &[(1, 0..4000), (2, 0..4000)]);
    let mut library = Library::new(Kind::Series, "set");
    for (label, times) in [("wave", 100..700), ("rest", 1000..1600), ("wave", 2000..2100), ("rest", 2500..3100)] {
        let clip = record(&folder.join("clips"), Some(label), &[(2, times.clone())]).remove(0);
        let file = format!("clips/{}", clip.file_name().unwrap().to_str().unwrap());
        let instants = (times.end - times.start) / 10;
        library.items.push(Arc::new(Item { file, span: (0, instants), label: Some(label.into()), ..Item::default() }));
    }
    library.complete_labels();
    library
}

#[test]
fn the_clips_of_a_data_set_say_what_its_session_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = session(folder.path());
    // Trimmed, and of a person; for tests; too short; without a label.
    let edit = |item: &mut Arc<Item>, edit: &dyn Fn(&mut Item)| edit(Arc::make_mut(item));
    edit(&mut library.items[0], &|item| (item.span, item.group) = ((10, 60), Some("ann".into())));
    edit(&mut library.items[1], &|item| item.split = Some(Split::Test));
    edit(&mut library.items[3], &|item| item.label = None);
    // A class is its place in the data set.
    library.labels = vec!["wave".into(), "none of these".into(), "rest".into()];
    library.items.push(Arc::new(Item { file: "clips/gone.csv".into(), span: (0, 60), ..Item::default() }));
    library.save(folder.path()).unwrap();
    let made = aligned(&[folder.path()], &settings(300.0, 200.0)).unwrap();
    check_times(&made);
    assert_eq!(made.times_ms, [200.0, 400.0, 1000.0, 1200.0]);
    assert_eq!(
        (made.set.labels.as_deref(), made.set.label_names.as_slice()),
        (Some(&[0, 0, 2, 2][..]), library.labels.as_slice())
    );
    assert_eq!(made.set.splits.as_deref(), Some(&[Split::Train, Split::Train, Split::Test, Split::Test][..]));
    assert_eq!((made.groups[1].as_str(), made.groups[2].as_str()), ("ann", library.items[1].file.as_str()));
    assert_eq!(made.left_out, LeftOut { short: 1, unlabelled: 1, timeless: 1, ..LeftOut::default() });
}

#[test]
fn a_later_session_keeps_its_clips_although_the_clock_began_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = session(folder.path());
    library.items.truncate(1);
    // The microphone was off in the second one, so that a clip that went into the first would show.
    record(&folder.path().join(RECORDINGS), Some("session"), &[(2, 0..1000)]);
    let clip = record(&folder.path().join("clips"), Some("rest"), &[(2, 100..700)]).remove(0);
    let file = format!("clips/{}", clip.file_name().unwrap().to_str().unwrap());
    library.items.push(Arc::new(Item { file, span: (0, 60), label: Some("rest".into()), ..Item::default() }));
    library.save(folder.path()).unwrap();
    let made = aligned(&[folder.path()], &settings(600.0, 600.0)).unwrap();
    assert_eq!((made.times_ms.as_slice(), made.set.labels.as_deref()), (&[100.0][..], Some(&[1][..])));
    assert_eq!(made.left_out.sessions, 1);
}

#[test]
fn a_clip_from_after_a_restart_of_the_board_is_not_cut_from_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = session(folder.path());
    library.items.truncate(2);
    library.save(folder.path()).unwrap();
    let rewrite = |file: &str, seconds: u64| {
        let path = folder.path().join(file).with_extension("ron");
        let mut clip = Clip::read(&path).unwrap();
        clip.started_unix_us += 1_000_000 * seconds;
        std::fs::write(&path, ron::to_string(&clip).unwrap()).unwrap();
    };
    // By the board's clock the first is written 0.7 s after the session began, the second 1.6 s.
    rewrite(&library.items[0].file, 2);
    rewrite(&library.items[1].file, 60);
    let made = aligned(&[folder.path()], &settings(600.0, 600.0)).unwrap();
    assert_eq!((made.times_ms.as_slice(), made.left_out.timeless), (&[100.0][..], 1));
}

#[test]
fn no_instant_after_gaps_that_are_not_listed_is_taken_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = record_without(folder.path(), Some("yes"), &[(1, 0..1000), (2, 0..1000)], 420..460);
    let path = files[0].with_extension("ron");
    let mut clip = Clip::read(&path).unwrap();
    clip.n_gaps += 1;
    std::fs::write(&path, ron::to_string(&clip).unwrap()).unwrap();
    let made = aligned(&[folder.path()], &settings(200.0, 100.0)).unwrap();
    assert_eq!((made.times_ms.as_slice(), made.left_out.with_gaps), (&[0.0, 100.0, 200.0][..], 6));
}

#[test]
fn windows_with_a_gap_are_left_out_unless_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    record_without(folder.path(), Some("yes"), &[(1, 0..1000), (2, 0..1000)], 420..460);
    let made = aligned(&[folder.path()], &settings(200.0, 100.0)).unwrap();
    check_times(&made);
    assert_eq!(made.times_ms, [0.0, 100.0, 200.0, 500.0, 600.0, 700.0, 800.0]);
    assert_eq!(made.left_out.with_gaps, 2);
    let all = aligned(&[folder.path()], &Settings { with_gaps: true, ..settings(200.0, 100.0) }).unwrap();
    assert_eq!(all.times_ms.len(), 9);
    // What is missing is on the line between its neighbours, and what follows is where it was.
    check_times(&all);
}

#[test]
fn what_cannot_be_aligned_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let says = |paths: &[&Path], settings: &Settings, words: &[&str]| {
        let text = aligned(paths, settings).expect_err("it is refused");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    };
    let short = settings(200.0, 100.0);
    says(&[folder.path()], &short, &["no recordings with a .ron"]);
    let files = record(folder.path(), Some("yes"), &[(1, 0..400), (2, 0..400)]);
    says(&[&files[0]], &short, &["of audio alone", "--sensors"]);
    says(&[folder.path()], &settings(500.0, 100.0), &["500 ms", "--length"]);
    says(&[folder.path()], &settings(0.0, 100.0), &["0 ms", "more than 0"]);
    says(&[folder.path()], &settings(0.1, 100.0), &["0 instants"]);
    says(
        &[folder.path()],
        &Settings { sensors: vec!["audio".into(), "light".into()], ..short.clone() },
        &["light", "audio, imu"],
    );
    let of = |sensors: &[&str], features: &[&str]| Settings {
        sensors: sensors.iter().map(|&name| name.to_owned()).collect(),
        features: features.iter().map(|&name| (name.to_owned(), Pipeline::default())).collect(),
        ..short.clone()
    };
    says(&[folder.path()], &of(&["imu", "audio", "2"], &[]), &["imu is named twice"]);
    says(&[folder.path()], &of(&["imu", "2"], &[]), &["imu is named twice"]);
    says(&[folder.path()], &of(&[], &["imu", "2"]), &["features are given for imu twice"]);
    says(&[folder.path()], &of(&[], &["light"]), &["light", "audio, imu"]);
    // Two that ran at other times.
    let later = record(folder.path(), Some("yes"), &[(2, 0..400)]);
    says(&[&files[0], &later[0]], &short, &["began together"]);
    std::fs::remove_file(files[1].with_extension("ron")).unwrap();
    says(&[&files[0], &files[1]], &short, &["yes_001_imu.csv", "device record"]);
    let set = tempfile::tempdir().unwrap();
    Library::new(library::Kind::Sound, "set").save(set.path()).unwrap();
    says(&[set.path()], &short, &["recordings", "--alone"]);
}
