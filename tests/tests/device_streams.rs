//! Frames and plain lines that nobody vouches for: the fuzzers' entry points, as plain tests.

use std::fs;

use tinsmith_runtime::link::{Command, MAX_ENCODED, MAX_PAYLOAD, Piece, Report};
use tinsmith_tests::hostile::Mutations;
use tinsmith_tests::shared;
use tinsmith_tests::streams::{exercise_frames, exercise_lines};

/// Damaged copies of each stream.
const ROUNDS: usize = 4000;

/// A stream as a board and a studio send it.
fn frames() -> Vec<u8> {
    let (mut scratch, mut out) = (vec![0; MAX_PAYLOAD], vec![0; MAX_ENCODED]);
    let mut stream = Vec::new();
    for sequence in 0..6_u16 {
        let instants: Vec<u8> = (0..200_u16).map(|i| (i * 37 % 251) as u8 * u8::from(i % 5 > 0)).collect();
        let samples = Report::Samples { sensor: 1, time_us: 16_000 * u64::from(sequence), dropped: 0, instants: &instants };
        let len = samples.encode(sequence, &mut scratch, &mut out).unwrap();
        stream.extend(&out[..len]);
        let load = Command::Load(Piece { total: 900, offset: 100, bytes: &instants });
        let len = load.encode(sequence, &mut scratch, &mut out).unwrap();
        stream.extend(&out[..len]);
    }
    stream
}

#[test]
fn damaged_frames_are_dropped_and_sound_ones_survive() {
    let stream = frames();
    assert_eq!(exercise_frames(&stream), 12);
    let mut fewest = 12;
    let mut sum = 0;
    for bytes in Mutations::new(&stream, 5).take(ROUNDS) {
        let sound = exercise_frames(&bytes);
        fewest = fewest.min(sound);
        sum += sound;
    }
    assert!(fewest < 12, "no damage was done");
    println!("of 12 frames {:.1} survive", sum as f64 / ROUNDS as f64);
    assert!(sum > ROUNDS, "damage takes every frame with it");
}

#[test]
fn damaged_lines_are_skipped() {
    let clean: String = (0..80).map(|i| format!("{},{:.2}\t{}\r\n", i, f64::from(i) / 7.0, -i)).collect();
    assert_eq!(exercise_lines(clean.as_bytes()), 80);
    let read: u64 = Mutations::new(clean.as_bytes(), 9).take(ROUNDS).map(|bytes| exercise_lines(&bytes)).sum();
    assert!(read > 0);
}

#[test]
fn logs_of_serial_ports_are_read_as_they_come() {
    let Some(folder) = shared("data/imu/magic_wand/raw") else { return };
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        // Readings of three values: that many lines at least begin and end with a digit and hold two commas.
        let is_reading = |line: &&[u8]| {
            let line = line.trim_ascii();
            let ends = line.first().zip(line.last());
            ends.is_some_and(|(a, b)| (a.is_ascii_digit() || *a == b'-') && b.is_ascii_digit())
                && line.iter().filter(|byte| **byte == b',').count() == 2
        };
        let readings = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).filter(is_reading).count() as u64;
        let read = exercise_lines(&bytes);
        assert!(read > 100 && read * 50 >= readings * 49, "{read} of about {readings}");
        files += 1;
    }
    assert_eq!(files, 10);
}
