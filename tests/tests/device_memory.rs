//! The memory of a recording does not grow with its length: simulated boards run as fast as they are listened to.
#![cfg(unix)]

use peak_alloc::PeakAlloc;
use tinsmith::device::Way;
use tinsmith::device::simulate::{Fault, Simulator, Speed};
use tinsmith_tests::boards::{connect, record, simulation};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most bytes in use while so many minutes of sound and motion are recorded.
fn peak_bytes(minutes: f64, faults: &[Fault]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulation("memory", Way::Frames, Speed::Max, faults)).unwrap();
    let connection = connect(&simulator);
    ALLOCATOR.reset_peak_usage();
    let (clips, _) = record(&connection, folder.path(), 60.0 * minutes);
    assert_eq!(clips[0].instants as f64, minutes * 60.0 * 16_000.0);
    ALLOCATOR.peak_usage()
}

#[test]
fn a_long_recording_takes_no_more_memory_than_a_short_one() {
    let (short, long) = (peak_bytes(2.0, &[]), peak_bytes(10.0, &[]));
    println!("2 minutes take {short} bytes, 10 minutes {long}");
    // Queues are as full as threads happen to make them: 2048 blocks of half a kilobyte for the disk, 4096 for whoever polls.
    assert!(long < short + (4 << 20), "{short} bytes, then {long}");
    // Gaps are listed, up to a limit.
    let broken = peak_bytes(10.0, &[Fault::Drop]);
    assert!(broken < short + (8 << 20), "{short} bytes, then {broken}");
}
