//! The device link: what a board and the studio say to each other over USB serial. No allocation; no number is trusted.
//!
//! A frame is encoded by COBS (Cheshire and Baker, 1999) and ends in a zero byte, which is nowhere else in it. Decoded:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | kind |
//! | 2 | sequence: each sender counts its frames, modulo 2^16, from 0 when it starts |
//! | 0 to 4096 | payload |
//! | 2 | CRC-16/IBM-SDLC of all before it |
//!
//! Numbers of several bytes are little-endian. A receiver drops a bad frame, counts it, and is in step again at the next zero. A
//! zero that follows a zero ends no frame: a sender that does not know what lies on the wire begins with one.
//!
//! | kind | from | payload |
//! | --- | --- | --- |
//! | 01 Hello | board | protocol uint8 (1), board uint64 (its own number, such as its MAC address; 0 for none), name text, firmware text; number of sensors uint8, sensors; model |
//! | 02 Samples | board | sensor uint8, time of the first instant in µs uint64, instants dropped since the sensor's last frame uint32, instants |
//! | 03 Result | board | request uint32, status uint8, latency in µs uint32, time of the input's first instant in µs uint64, piece of the output |
//! | 04 Stats | board | inferences, mean, p50, p95, p99, longest latency in µs, bytes of the arena, free bytes of the heap, instants dropped: uint32 each |
//! | 05 Log | board | level uint8 (0 error, 1 warning, 2 note, 3 detail), UTF-8 to the end |
//! | 06 Ack | board | sequence it answers uint16, status uint8, bytes held uint32 |
//! | 81 Identify | studio | nothing |
//! | 82 Start | studio | sensor uint8, wanted rate in mHz uint32 (0 for the sensor's own) |
//! | 83 Stop | studio | sensor uint8 (255 for all) |
//! | 84 Infer | studio | request uint32 (not 0), piece of the input |
//! | 85 Watch | studio | on uint8 (0, 1), sensor uint8, stride in instants uint32 |
//! | 86 GetStats | studio | reset afterwards uint8 (0, 1) |
//! | 87 Load | studio | piece of the model |
//! | 88 Activate | studio | content hash, 8 bytes |
//!
//! | part | bytes |
//! | --- | --- |
//! | text | length uint8, UTF-8 |
//! | sensor | id uint8, kind uint8 (0 audio, 1 IMU, 2 other), rate in mHz uint32, format uint8 (0 int16, 1 float32), number of channels uint8, channels |
//! | channel | real units of a step float32, name text, unit text |
//! | model | 0; or 1, content hash 8 bytes, bytes of all inputs, of all outputs, of arena and workspace uint32 each; or 2 and the same, followed by the sensor (uint8) whose instants a front end on the board makes ready for it |
//! | piece | bytes of the whole uint32, offset uint32, bytes to the end |
//! | instants | one value for each channel, in the channels' order, instant after instant |
//!
//! Every command is answered: Identify by Hello, GetStats by Stats, the last piece of Infer by Result, and everything else by Ack.
//! What is longer than a frame goes in pieces, in order: a piece at offset 0 begins anew, one at any other place than the end of
//! what is there is refused with [`Status::Offset`], and the Ack says how much is there, so that a sender can resume. Inputs and
//! outputs of a model are the bytes of one after the other, as its own integer types. Results of Watch carry request 0 and the
//! time of the window; its windows are as long as the model's input takes. The content hash is FNV-1a of 64 bits,
//! little-endian ([`content_hash`]): small on a device, and against accidents, not against malice.

mod bytes;
mod cobs;
mod crc;
mod frame;
mod message;
mod sensor;

pub use crc::crc16;
pub use frame::{BadFrame, BadFrames, Decoder, EncodeError, Frame, encode_frame};
pub use message::{Command, Level, Loaded, MessageError, Piece, Report, Stats, Status};
pub use sensor::{Channel, Format, List, Sensor, SensorKind};

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u8 = 1;
/// The longest payload.
pub const MAX_PAYLOAD: usize = 4096;
/// The longest frame before encoding: kind, sequence, payload, CRC. A decoder with a buffer of so many bytes takes every frame.
pub const MAX_FRAME: usize = MAX_PAYLOAD + FRAME_OVERHEAD;
/// Room for any encoded frame, its zero included.
pub const MAX_ENCODED: usize = encoded_len(MAX_FRAME);
/// Sensors of a [`Command::Stop`] that means all.
pub const ALL_SENSORS: u8 = 255;
/// Bytes of a frame beside its payload.
const FRAME_OVERHEAD: usize = 5;

/// The most bytes that a frame of `len` bytes has when it is encoded, its zero included.
pub const fn encoded_len(len: usize) -> usize {
    len + len / 254 + 2
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo), little-endian: names a model.
pub fn content_hash(bytes: &[u8]) -> [u8; 8] {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step).to_le_bytes()
}

#[cfg(test)]
mod tests;
