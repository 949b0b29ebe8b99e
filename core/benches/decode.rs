//! How fast each coding of weights is decoded on this machine, and what that says of a microcontroller.
//!
//! usage: `cargo bench -p tinsmith-core --bench decode`
//!
//! One JSON object a line: the coding, bits a weight, megabytes of decoded weights a second on one thread (CPU time, least of
//! several runs). Raw weights are read where they lie: their figure only says that nothing is done. See
//! `tinsmith_runtime::model::coding` for the codings.
//!
//! An in-order core spends about 10 to 14 instructions for a value of fixed width (refill test, shift, mask, lookup, store), and
//! for a prefix-coded symbol about 14 and 4 for each bit of its length; a zero in a run costs a store. That is the estimate that
//! `instructions_a_weight` states; it was counted on the source, not measured on a device.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use tinsmith_core::export::compact::{Coding, Encoding, code_weights};
use tinsmith_runtime::model::coding::Weights;

/// Weights of one layer: 256 channels of 1152.
const CHANNELS: usize = 256;
const CHANNEL_LEN: usize = 1152;

fn main() {
    for (content, coding, instructions) in contents() {
        let (encoding, bytes) = code_weights(&content, CHANNEL_LEN, coding);
        let bits = 8.0 * bytes.len() as f64 / content.len() as f64;
        let decoded = megabytes_a_second(&bytes);
        let of = instructions(&content, bits);
        println!(
            "{{\"coding\":\"{encoding}\",\"bits_a_weight\":{bits:.3},\"decoded_mb_a_second\":{decoded:.0},\
             \"instructions_a_weight\":{of:.1}}}"
        );
        check(&content, &bytes, encoding);
    }
}

type Instructions = fn(&[i8], f64) -> f64;

/// Content for which each coding is chosen, with the instructions that a weight of it costs a small core.
fn contents() -> Vec<(Vec<i8>, Coding, Instructions)> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut all = |value: &mut dyn FnMut(&mut Random) -> i8| (0..CHANNELS * CHANNEL_LEN).map(|_| value(&mut random)).collect();
    let fixed: Instructions = |_, _| 12.0;
    let sparse: Instructions = |content, _| 8.0 + 12.0 * density(content);
    let prefix: Instructions = |_, bits| 14.0 + 4.0 * bits;
    // Two symbols for each weight that is not zero, and a store for each that is.
    let runs: Instructions = |content, bits| 2.0 + 2.0 * 14.0 * density(content) + 4.0 * bits;
    let mut blocks: Vec<i8> = all(&mut |r| r.below(16) as i8 - 8);
    for (block, values) in blocks.chunks_mut(32).enumerate() {
        values.iter_mut().for_each(|value| *value *= (block % 15 + 1) as i8);
    }
    vec![
        (all(&mut |r| r.below(256) as u8 as i8), Coding::None, |_, _| 0.0),
        (all(&mut |r| r.below(16) as i8 - 8), Coding::Fixed, fixed),
        (all(&mut |r| r.below(3) as i8 - 1), Coding::Fixed, fixed),
        (all(&mut |r| r.below(2) as i8 * 2 - 1), Coding::Fixed, fixed),
        (all(&mut |r| r.below(32) as i8 * 8 - 127), Coding::Fixed, fixed),
        (blocks, Coding::Fixed, fixed),
        (all(&mut |r| if r.below(10) < 8 { 0 } else { r.normal(32) * 8 }), Coding::Fixed, sparse),
        (all(&mut |r| if r.below(10) < 8 { 0 } else { r.below(256) as u8 as i8 }), Coding::Fixed, sparse),
        (all(&mut |r| r.normal(128)), Coding::Entropy, prefix),
        (all(&mut |r| if r.below(10) < 8 { 0 } else { r.normal(32) * 8 }), Coding::Entropy, runs),
    ]
}

fn density(content: &[i8]) -> f64 {
    content.iter().filter(|value| **value != 0).count() as f64 / content.len() as f64
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }

    /// Nearly normal, one of `n` values around zero.
    fn normal(&mut self, n: u64) -> i8 {
        let sum: u64 = (0..6).map(|_| self.below(n)).sum();
        (sum as i64 / 6 - n as i64 / 2) as i8
    }
}

/// Least CPU time of a whole decoding, a channel at a time as the device has it.
fn megabytes_a_second(bytes: &[u8]) -> f64 {
    let weights = Weights::new(bytes, CHANNELS, CHANNEL_LEN).expect("the writer's own bytes are sound");
    let mut room = vec![0; CHANNEL_LEN];
    let mut least = Duration::MAX;
    for _ in 0..40 {
        let started = ThreadTime::now();
        let mut decoder = black_box(&weights).decoder().expect("the writer's own bytes are sound");
        for _ in 0..CHANNELS {
            black_box(decoder.channel(&mut room));
        }
        least = least.min(started.elapsed());
    }
    (CHANNELS * CHANNEL_LEN) as f64 / least.as_secs_f64() / 1e6
}

/// A fast decoder of wrong values is worth nothing.
fn check(content: &[i8], bytes: &[u8], encoding: Encoding) {
    let weights = Weights::new(bytes, CHANNELS, CHANNEL_LEN).expect("the writer's own bytes are sound");
    let mut room = vec![0; CHANNEL_LEN];
    let mut decoder = weights.decoder().expect("the writer's own bytes are sound");
    for channel in content.chunks(CHANNEL_LEN) {
        assert_eq!(decoder.channel(&mut room), channel, "{encoding}");
    }
}
