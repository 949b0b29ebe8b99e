//! What is done to streams of bytes that nobody vouches for, by the tests and by the fuzzers alike.

use tinsmith_core::data::lines::{Beginning, LineReader, MAX_COLUMNS};
use tinsmith_runtime::link::{Command, Decoder, Frame, MAX_ENCODED, MAX_FRAME, MAX_PAYLOAD, Report, encode_frame};

/// Decodes bytes as frames and messages, and encodes again what is sound. Sound frames.
///
/// # Panics
/// A frame or message does not survive a round trip, or more frames are counted than bytes allow.
pub fn exercise_frames(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new(vec![0; MAX_FRAME]);
    let mut small = Decoder::new([0; 64]);
    let mut sound = 0;
    for &byte in bytes {
        let _ = small.push(byte);
        if let Some(Ok(frame)) = decoder.push(byte) {
            sound += 1;
            check_frame(&frame);
        }
    }
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    assert!(sound + decoder.bad().total() as usize <= zeros, "more frames than ends of frames");
    assert!(small.bad().total() >= decoder.bad().total(), "a smaller buffer takes fewer frames");
    sound
}

fn check_frame(frame: &Frame<'_>) {
    let (mut scratch, mut out) = (vec![0; MAX_PAYLOAD], vec![0; MAX_ENCODED]);
    let len = encode_frame(frame.kind, frame.sequence, frame.payload, &mut out).expect("what was received can be sent");
    let again = |bytes: &[u8]| {
        let mut decoder = Decoder::new(vec![0; MAX_FRAME]);
        let mut same = |byte: &u8| matches!(decoder.push(*byte), Some(Ok(found)) if found == *frame);
        assert_eq!(bytes.iter().filter(|byte| same(byte)).count(), 1, "the frame comes back");
    };
    again(&out[..len]);
    if let Ok(report) = Report::decode(frame) {
        let len = report.encode(frame.sequence, &mut scratch, &mut out).expect("what was received can be sent");
        again(&out[..len]);
    }
    if let Ok(command) = Command::decode(frame) {
        let len = command.encode(frame.sequence, &mut scratch, &mut out).expect("what was received can be sent");
        again(&out[..len]);
    }
}

/// Reads bytes as plain lines, whole and in pieces. Readings.
///
/// # Panics
/// A reading depends on how the bytes are cut, is no number, or lines are counted twice.
pub fn exercise_lines(bytes: &[u8]) -> u64 {
    let read = |piece: usize| {
        let mut reader = LineReader::new(Beginning::Line);
        let mut rows: Vec<Vec<f64>> = Vec::new();
        bytes.chunks(piece).for_each(|piece| reader.push(piece, |row| rows.push(row.to_vec())));
        reader.finish(|row| rows.push(row.to_vec()));
        (rows, reader.counts())
    };
    let (rows, counts) = read(bytes.len().max(1));
    assert_eq!((&rows, counts), (&read(3).0, read(3).1), "cuts between bytes change nothing");
    assert!(rows.iter().all(|row| row.len() <= MAX_COLUMNS && row.iter().all(|value| value.is_finite())));
    let lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
    assert!(rows.len() as u64 == counts.rows && counts.rows + counts.skipped() <= lines, "{counts:?} of {lines} lines");
    counts.rows
}
