//! Recording from simulated boards that run as fast as they are listened to: nothing is lost, or it is known what.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::thread;

use tinsmith::device::Way;
use tinsmith::device::simulate::{Fault, Simulator, Speed};
use tinsmith_core::data::recording::{Cause, Ended, recover};
use tinsmith_tests::boards::{check, connect, record, simulation};

#[test]
fn ten_minutes_of_sound_and_motion_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulation("ten-minutes", Way::Frames, Speed::Max, &[])).unwrap();
    let (clips, away) = record(&connect(&simulator), folder.path(), 600.0);
    let figures: Vec<_> = clips.iter().map(|clip| (clip.sensor.as_str(), clip.instants, clip.gaps, clip.missing)).collect();
    assert_eq!(figures, [("audio", 9_600_000, 0, 0), ("imu", 120_000, 0, 0)]);
    assert_eq!(away, 0);
    for clip in clips {
        let recording = recover(&clip.path).unwrap();
        assert_eq!(recording.clip.ended, Some(Ended::Stopped));
        assert_eq!(recording.clip.times.len(), 2, "a steady clock needs two anchors");
        check(&recording, &clip.sensor);
    }
}

/// Records half a minute under a fault. Why instants are missing, and whether any are.
fn under(fault: Fault) -> (BTreeSet<String>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let name = fault.name();
    let simulator = Simulator::start(simulation(name, Way::Frames, Speed::Max, &[fault])).unwrap();
    let (clips, away) = record(&connect(&simulator), folder.path(), 30.0);
    assert_eq!(away > 0, matches!(fault, Fault::Unplug | Fault::Restart), "{name}");
    let mut causes = BTreeSet::new();
    let mut missing = 0;
    for clip in &clips {
        let recording = recover(&clip.path).unwrap();
        assert_eq!(clip.instants as f64, 30.0 * recording.clip.sensor.rate_hz, "{name}");
        check(&recording, &format!("{name}, {}", clip.sensor));
        causes.extend(recording.clip.gaps.iter().map(|gap| format!("{:?}", gap.cause)));
        missing += recording.clip.missing;
        let counts = recording.clip.counts;
        match fault {
            Fault::Drop => assert!(counts.lost_frames > 0 && counts.crc == 0, "{counts:?}"),
            Fault::Corrupt => assert!(counts.lost_frames > 0 && counts.crc + counts.malformed > 0, "{counts:?}"),
            Fault::Garbage => assert!(counts.malformed > 0, "{counts:?}"),
            Fault::Stall | Fault::Slow => assert_eq!(counts.lost_frames, 0),
            Fault::Unplug | Fault::Restart => {}
        }
    }
    (causes, missing)
}

#[test]
fn every_gap_of_every_fault_is_found_counted_and_stored() {
    let link = format!("{:?}", Cause::Link);
    let expected = [
        (Fault::Drop, vec![link.clone()]),
        (Fault::Corrupt, vec![link.clone()]),
        (Fault::Garbage, vec![link]),
        (Fault::Stall, vec![format!("{:?}", Cause::Board)]),
        (Fault::Slow, vec![format!("{:?}", Cause::Board)]),
        (Fault::Unplug, vec![format!("{:?}", Cause::Unplugged)]),
        (Fault::Restart, vec![format!("{:?}", Cause::Unplugged)]),
    ];
    let run = |(fault, causes): (Fault, Vec<String>)| {
        let (found, missing) = under(fault);
        println!("{}: {missing} instants missing", fault.name());
        assert_eq!(found, causes.into_iter().collect(), "{}", fault.name());
        assert!(missing > 0, "{}: nothing went wrong", fault.name());
    };
    let threads: Vec<_> = expected.into_iter().map(|case| thread::spawn(move || run(case))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn four_boards_at_once_lose_nothing() {
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let start = |i: usize| Simulator::start(simulation(&format!("board{i}"), Way::Frames, Speed::Max, &[])).unwrap();
    let boards: Vec<_> = (0..4).map(start).collect();
    thread::scope(|scope| {
        for (board, folder) in boards.iter().zip(&folders) {
            scope.spawn(|| {
                let (clips, _) = record(&connect(board), folder.path(), 60.0);
                assert_eq!(clips.iter().map(|clip| clip.instants).collect::<Vec<_>>(), [960_000, 12_000]);
                clips.iter().for_each(|clip| check(&recover(&clip.path).unwrap(), &clip.sensor));
            });
        }
    });
}
