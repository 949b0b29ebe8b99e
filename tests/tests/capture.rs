//! Sessions on a simulated board: clips are found, asked for, counted, written and put into a data set.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tinsmith::capture::{Collection, Link, Order, Plan, Seen, Start, Station};
use tinsmith::device::simulate::{Fault, Simulator, Source, Speed};
use tinsmith::device::{Connection, ConnectionSettings, Way};
use tinsmith::input::Input;
use tinsmith_core::data::library::{Kind, Library, Reader, Sample};
use tinsmith_core::data::recording::recover;
use tinsmith_tests::boards::{check, simulation};

const PATIENCE: Duration = Duration::from_secs(120);
const IMU: u8 = 2;
const MICROPHONE: u8 = 1;

fn station(simulator: &Simulator) -> Station {
    let settings = ConnectionSettings {
        patience: Duration::from_secs(20),
        lossless: true,
        ..ConnectionSettings::new(simulator.port().display().to_string())
    };
    let station = Station::open(Input::Board(Connection::open(settings)), Arc::new(|| ()));
    until(&station, |seen| seen.link == Link::Connected && seen.tracks.iter().all(|track| track.ring.end() > 0));
    station
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

fn is_done(seen: &Seen) -> bool {
    seen.cutter.as_ref().is_some_and(|cutter| cutter.session.now().is_none() && cutter.waiting.is_empty())
}

fn by_label(library: &Library) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    library.items.iter().for_each(|item| *counts.entry(item.label.as_deref().unwrap_or("")).or_insert(0) += 1);
    counts
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
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulation("gestures", Way::Frames, Speed::Times(20.0), &[])).unwrap();
    let station = station(&simulator);
    let collection = Arc::new(Collection::open(folder.path()).unwrap());
    station.begin(plan(&["a", "b", "c"], 4), Arc::clone(&collection));
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
    let recorded = |part: &str| {
        let files = std::fs::read_dir(folder.path().join(part)).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|e| e == "csv" || e == "wav")).collect::<Vec<_>>()
    };
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
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulation("gaps", Way::Frames, Speed::Times(5.0), &[Fault::Drop])).unwrap();
    let station = station(&simulator);
    let collection = Arc::new(Collection::open(folder.path()).unwrap());
    let beat = Plan { start: Start::Beat(2.0), all_sensors: false, ..plan(&["x"], 8) };
    station.begin(beat, Arc::clone(&collection));
    until(&station, |seen| is_done(seen) && seen.track(IMU).is_some_and(|track| track.n_gaps > 0));
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
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulation("keys", Way::Frames, Speed::Times(10.0), &[])).unwrap();
    let station = station(&simulator);
    let collection = Arc::new(Collection::open(folder.path()).unwrap());
    let keys = Plan { sensor: MICROPHONE, seconds: 0.5, start: Start::Key, order: Order::OneByOne, ..plan(&["yes", "no"], 2) };
    station.begin(keys, Arc::clone(&collection));
    until(&station, |seen| seen.cutter.is_some());
    let n_made = |n: usize| {
        until(&station, |seen| seen.cutter.as_ref().is_some_and(|c| c.made.len() == n && c.waiting.is_empty()));
    };
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
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulation("crash", Way::Frames, Speed::Times(20.0), &[])).unwrap();
    let station = station(&simulator);
    let collection = Arc::new(Collection::open(folder.path()).unwrap());
    station.begin(plan(&["a", "b"], 2), Arc::clone(&collection));
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
