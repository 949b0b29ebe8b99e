//! Sessions on a simulated board: clips are found, asked for, counted, written and put into a data set.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tinsmith::capture::{Collection, Link, Order, Plan, Seen, Start, Station};
use tinsmith::device::simulate::{Fault, Simulator, Source, Speed};
use tinsmith::device::{Connection, ConnectionSettings, Way};
use tinsmith::input::Input;
use tinsmith_core::data::Values;
use tinsmith_core::data::align::sessions::{Settings, align};
use tinsmith_core::data::library::{Kind, Library, Reader, Sample};
use tinsmith_core::data::recording::{Cause, recover};
use tinsmith_core::progress::Cancel;
use tinsmith_tests::boards::{check, simulation};

const PATIENCE: Duration = Duration::from_secs(120);
const IMU: u8 = 2;
const MICROPHONE: u8 = 1;

/// A simulated board that is listened to, and where its clips go.
struct Bench {
    folder: tempfile::TempDir,
    collection: Arc<Collection>,
    station: Station,
    _simulator: Simulator,
}

fn bench(name: &str, speed: f64, faults: &[Fault]) -> Bench {
    let simulator = Simulator::start(simulation(name, Way::Frames, Speed::Times(speed), faults)).unwrap();
    let settings = ConnectionSettings {
        patience: Duration::from_secs(20),
        lossless: true,
        ..ConnectionSettings::new(simulator.port().display().to_string())
    };
    let station = Station::open(Input::Board(Connection::open(settings)), Arc::new(|| ()));
    until(&station, |seen| seen.link == Link::Connected && seen.tracks.iter().all(|track| track.ring.end() > 0));
    let folder = tempfile::tempdir().unwrap();
    let collection = Arc::new(Collection::open(folder.path()).unwrap());
    Bench { folder, collection, station, _simulator: simulator }
}

impl Bench {
    fn begin(&self, plan: Plan) {
        self.station.begin(plan, Arc::clone(&self.collection));
        until(&self.station, |seen| seen.cutter.is_some());
    }

    /// Waits until so many clips are made, and none is on its way.
    fn until_made(&self, n: usize) {
        until(&self.station, |seen| seen.cutter.as_ref().is_some_and(|c| c.made.len() == n && c.waiting.is_empty()));
    }
}

/// Waits until something can be seen.
fn until(station: &Station, is_so: impl Fn(&Seen) -> bool) {
    let began = Instant::now();
    while !is_so(&station.seen()) {
        let seen = station.seen();
        assert!(!matches!(seen.link, Link::Failed(_)), "{:?}", seen.link);
        assert!(seen.trouble.is_none(), "{:?}", seen.trouble);
        assert!(began.elapsed() < PATIENCE, "link {:?}, session {:?}", seen.link, seen.cutter);
        drop(seen);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn plan(labels: &[&str], wanted: usize) -> Plan {
    Plan {
        sensor: IMU,
        seconds: 2.0,
        start: Start::Level(1.0),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        wanted,
        order: Order::InTurn,
        person: "ann".to_owned(),
        all_sensors: true,
    }
}

/// Half a second of sound at each key.
fn keys(labels: &[&str], wanted: usize) -> Plan {
    Plan { sensor: MICROPHONE, seconds: 0.5, start: Start::Key, order: Order::OneByOne, ..plan(labels, wanted) }
}

fn is_done(seen: &Seen) -> bool {
    seen.cutter.as_ref().is_some_and(|cutter| cutter.session.now().is_none() && cutter.waiting.is_empty())
}

fn by_label(library: &Library) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    library.items.iter().for_each(|item| *counts.entry(item.label.as_deref().unwrap_or("")).or_insert(0) += 1);
    counts
}

/// What was recorded in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "csv" || e == "wav")).collect()
}

/// The gesture that the simulated board makes in a clip, by the channel that moves.
fn gesture(folder: &Path, library: &Library, index: usize) -> &'static str {
    let Sample::Signal(signal) = Reader::new(folder).read(library, &library.items[index]).unwrap() else { panic!("a recording") };
    assert_eq!(signal.axes.len(), 6);
    assert_eq!(signal.n_instants(), 400, "two seconds at 200 Hz");
    let moves = |axis: usize| {
        let of: Vec<f32> = signal.values.iter().skip(axis).step_by(6).copied().collect();
        let mean = of.iter().sum::<f32>() / of.len() as f32;
        (of.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / of.len() as f32).sqrt()
    };
    match (moves(0) > 1.0, moves(1) > 1.0, moves(2) > 1.0) {
        (true, true, false) => "circle",
        (true, false, false) => "shake",
        (false, false, true) => "flick",
        other => panic!("no gesture of the simulated board: {other:?}"),
    }
}

#[test]
fn a_session_of_gestures_becomes_a_data_set_of_whole_gestures() {
    let bench = bench("gestures", 20.0, &[]);
    bench.begin(plan(&["a", "b", "c"], 4));
    let Bench { folder, collection, station, .. } = bench;
    until(&station, is_done);
    station.end();
    until(&station, |seen| seen.cutter.is_none() && seen.recording_since.is_none());
    drop(station);

    let library = collection.library().unwrap();
    assert_eq!((library.kind, library.rate_hz), (Kind::Series, Some(200.0)));
    assert_eq!(by_label(&library), BTreeMap::from([("a", 4), ("b", 4), ("c", 4)]));
    assert!(library.items.iter().all(|item| item.group.as_deref() == Some("ann")));
    // The board makes the gestures in turn, so each label is one gesture, whichever came first.
    let made: Vec<&str> = (0..library.items.len()).map(|index| gesture(folder.path(), &library, index)).collect();
    for index in 3..made.len() {
        assert_eq!(made[index], made[index - 3], "clip {index} of {made:?}");
    }
    assert_eq!(made[..3].iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    // Clips and the recording of the whole session hold what was measured, at the right times.
    let recorded = |part: &str| files(&folder.path().join(part));
    assert_eq!((recorded("clips").len(), recorded("recordings").len()), (12, 2), "the microphone was recorded along");
    for path in recorded("clips").iter().chain(&recorded("recordings")) {
        let recording = recover(path).unwrap();
        assert_eq!(recording.clip.missing, 0);
        check(&recording, &path.display().to_string());
    }
    // What is on the disk is what is in memory.
    drop(Arc::into_inner(collection));
    assert_eq!(Library::open(folder.path()).unwrap(), *library);
}

#[test]
fn gaps_are_seen_and_stand_in_the_clips_that_have_them() {
    let bench = bench("gaps", 5.0, &[Fault::Drop]);
    // More than are waited for: one with a gap has to be among them.
    bench.begin(Plan { start: Start::Beat(2.0), all_sensors: false, ..plan(&["x"], 200) });
    let Bench { station, .. } = bench;
    let has_gap = |seen: &Seen| seen.cutter.as_ref().is_some_and(|cutter| cutter.made.iter().any(|made| made.clip.gaps > 0));
    until(&station, has_gap);
    let seen = station.seen();
    let track = seen.track(IMU).unwrap();
    assert!(track.missing > 0 && track.gaps.iter().all(|gap| gap.at <= track.ring.end()));
    // Of the clips that were made, those that span a gap say so.
    let cutter = seen.cutter.as_ref().unwrap();
    for made in &cutter.made {
        let inside = |at: &u64| made.span.0 < *at && *at < made.span.1;
        let gaps = track.gaps.iter().filter(|gap| inside(&gap.at)).count() as u64;
        assert_eq!(made.clip.gaps, gaps, "{made:?} of {:?}", track.gaps);
        let recording = recover(&made.clip.path).unwrap();
        check(&recording, "a clip with gaps");
    }
}

#[test]
fn keys_pauses_skips_and_discards_do_what_they_say() {
    let bench = bench("keys", 10.0, &[]);
    bench.begin(keys(&["yes", "no"], 2));
    let n_made = |n: usize| bench.until_made(n);
    let Bench { station, collection, .. } = &bench;
    station.press();
    n_made(1);
    station.pause(true);
    station.press();
    station.pause(false);
    station.skip();
    station.press();
    n_made(2);
    station.discard();
    n_made(1);
    assert_eq!(by_label(&collection.library().unwrap()), BTreeMap::from([("yes", 1)]));
    station.press();
    n_made(2);
    let library = collection.library().unwrap();
    assert_eq!(library.kind, Kind::Sound);
    assert_eq!(by_label(&library), BTreeMap::from([("no", 1), ("yes", 1)]));
    // Undo goes back over clips, too, and says what it takes back.
    assert!(collection.undo_name().unwrap().starts_with("record clips/no"));
    collection.undo();
    assert_eq!(by_label(&collection.library().unwrap()), BTreeMap::from([("yes", 1)]));
    // A clip whose recording was undone is not taken in as if a crash had kept it out.
    while collection.undo().is_some() {}
    assert!(collection.library().unwrap().items.is_empty());
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(copy.path().join("clips")).unwrap();
    for entry in std::fs::read_dir(collection.clips()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join("clips").join(path.file_name().unwrap())).unwrap();
    }
    collection.library().unwrap().save(copy.path()).unwrap();
    assert!(Collection::open(copy.path()).unwrap().library().unwrap().items.is_empty());
    while collection.redo().is_some() {}
    assert_eq!(*collection.library().unwrap(), *library);
    // What measures something else does not go into the same data set.
    let (imu, _) = Source::gestures();
    let words = collection.check(&imu).unwrap_err().to_string();
    assert!(words.contains("sound") && words.contains("another folder"), "{words}");
}

#[test]
fn clips_that_a_crash_kept_out_of_the_index_are_taken_in() {
    let bench = bench("crash", 20.0, &[]);
    bench.begin(plan(&["a", "b"], 2));
    let Bench { folder, collection, station, .. } = bench;
    until(&station, is_done);
    drop(station);
    let library = collection.library().unwrap();
    drop(Arc::into_inner(collection));
    // As if it had been killed before the last two clips were in the index, and one had been deleted.
    let mut older = library.without(&[2, 3]);
    older.removed.pop();
    older.save(folder.path()).unwrap();
    let found = Collection::open(folder.path()).unwrap().library().unwrap();
    assert_eq!(found.items.len(), 3, "what was deleted stays deleted");
    let adopted = found.items.last().unwrap();
    let same = library.items.iter().find(|item| item.file == adopted.file).unwrap();
    assert_eq!((adopted.span, &adopted.label), (same.span, &same.label));
}

#[test]
fn what_was_skipped_while_it_was_recorded_gets_no_other_label() {
    let bench = bench("skip", 10.0, &[]);
    bench.begin(keys(&["yes", "no"], 1));
    bench.station.press();
    bench.station.skip();
    bench.station.press();
    bench.until_made(1);
    assert_eq!(by_label(&bench.collection.library().unwrap()), BTreeMap::from([("no", 1)]));
}

#[test]
fn a_cable_that_is_pulled_leaves_a_gap_in_every_sensor_and_the_session_goes_on() {
    let bench = bench("pulled", 10.0, &[Fault::Unplug]);
    bench.begin(Plan { start: Start::Beat(2.0), ..plan(&["x"], 6) });
    until(&bench.station, |seen| is_done(seen) && seen.tracks.iter().all(|track| track.n_gaps > 0));
    bench.station.end();
    until(&bench.station, |seen| seen.cutter.is_none() && seen.recording_since.is_none());
    // Both recordings say so, and the clip that was being recorded: that of a sensor which is seldom heard after the other.
    let (recordings, clips) = (files(&bench.folder.path().join("recordings")), files(&bench.folder.path().join("clips")));
    assert_eq!(recordings.len(), 2, "{recordings:?}");
    let is_with_gap = |path: &PathBuf| recover(path).unwrap().clip.n_gaps > 0;
    let clips: Vec<PathBuf> = clips.into_iter().filter(is_with_gap).collect();
    assert!(!clips.is_empty());
    for path in recordings.iter().chain(&clips) {
        let recording = recover(path).unwrap();
        let causes: Vec<Cause> = recording.clip.gaps.iter().map(|gap| gap.cause).collect();
        assert!(causes.contains(&Cause::Unplugged), "{}: {causes:?}", path.display());
        check(&recording, "a session with the cable pulled");
    }
}

#[test]
fn an_index_that_could_not_be_written_is_written_once_it_can_be() {
    let bench = bench("full", 10.0, &[]);
    let in_the_way = bench.folder.path().join("dataset.ron");
    std::fs::create_dir_all(in_the_way.join("something")).unwrap();
    bench.begin(keys(&["yes"], 1));
    bench.station.press();
    bench.until_made(1);
    assert!(bench.collection.flush().is_some_and(|trouble| trouble.contains("dataset.ron")), "{:?}", bench.collection.trouble());
    std::fs::remove_dir_all(&in_the_way).unwrap();
    let began = Instant::now();
    while bench.collection.flush().is_some() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(by_label(&Library::open(bench.folder.path()).unwrap()), BTreeMap::from([("yes", 1)]));
}

/// A session cuts clips from one sensor; with what the other measured meanwhile they are samples of both.
#[test]
fn a_session_of_gestures_becomes_samples_of_sound_and_motion() {
    let bench = bench("both", 20.0, &[]);
    bench.begin(plan(&["a", "b"], 2));
    let Bench { folder, collection, station, .. } = bench;
    until(&station, is_done);
    station.end();
    until(&station, |seen| seen.cutter.is_none() && seen.recording_since.is_none());
    drop(station);
    assert_eq!(collection.flush(), None);
    let library = collection.library().unwrap();
    let settings = Settings { length_ms: 2000.0, stride_ms: 2000.0, ..Settings::default() };
    let made = align(&[folder.path().to_owned()], &settings, &Cancel::new()).unwrap();
    let shapes: Vec<&[usize]> = made.set.arrays().map(|input| input.sample_shape.as_slice()).collect();
    assert_eq!(shapes, [&[32_000, 1][..], &[400, 6]]);
    assert!(made.groups.iter().all(|group| group == "ann"), "{:?}", made.groups);
    // A sample for each clip: its motion is the clip itself.
    let Values::F32(motion) = &made.set.more[0].values else { panic!("real values") };
    assert_eq!(made.set.n_samples(), library.items.len());
    for (index, item) in library.items.iter().enumerate() {
        let class = made.set.labels.as_deref().unwrap()[index] as usize;
        assert_eq!(Some(&made.set.label_names[class]), item.label.as_ref());
        let Sample::Signal(clip) = Reader::new(folder.path()).read(&library, item).unwrap() else { panic!("a recording") };
        let apart = motion[index * 2400..][..2400].iter().zip(&clip.values).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 0.05, "{}", item.name());
    }
}
