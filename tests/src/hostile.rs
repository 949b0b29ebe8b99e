//! What is done to bytes that nobody vouches for, by the tests and by the fuzzer alike, and how tests make such bytes.

use tinsmith_core::formats::tflite::{ExportOptions, export};
use tinsmith_core::formats::{FormatError, import_bytes};
use tinsmith_core::graph::dump;
use tinsmith_core::ops::Operands;

/// Reads bytes as a model, asks every question that a window asks of the graph, writes it and reads it again.
///
/// # Errors
/// The bytes are refused, in one line.
///
/// # Panics
/// Something that was accepted breaks a promise: an error of several lines, or an export that is refused or differs.
pub fn exercise(bytes: &[u8]) -> Result<(), FormatError> {
    let graph = match import_bytes("hostile", bytes) {
        Ok(import) => import.graph,
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "an error is one line: {error}");
            return Err(error);
        }
    };
    for node in &graph.nodes {
        let operands = Operands::new(&graph, node);
        let facts = node.op.facts();
        let shapes = facts.output_shapes(&operands);
        let counts = (facts.macs(&operands), facts.elementwise(&operands));
        std::hint::black_box((shapes.is_ok(), counts, facts.label(&operands)));
    }
    std::hint::black_box(dump(&graph));
    for options in [ExportOptions::default(), ExportOptions { strip_names: true, ..ExportOptions::default() }] {
        // An operator that is not known cannot be written; that is said in one line as well.
        match export(&graph, &options) {
            Ok(file) => {
                let again = import_bytes("export", &file).unwrap_or_else(|error| panic!("our own file is refused: {error}"));
                assert_eq!(again.graph.nodes.len(), graph.nodes.len());
                let twice = export(&again.graph, &options).expect("what was written once can be written twice");
                assert_eq!(twice, file, "an export of an export differs");
            }
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "an error is one line: {error}"),
        }
    }
    Ok(())
}

/// Damaged copies of a file, the same for the same seed: bits turned, bytes and words set, cut off, pieces moved.
#[derive(Clone, Debug)]
pub struct Mutations<'a> {
    file: &'a [u8],
    state: u64,
}

impl<'a> Mutations<'a> {
    /// Endless damage to `file`.
    pub fn new(file: &'a [u8], seed: u64) -> Self {
        Self { file, state: seed.wrapping_mul(2).wrapping_add(1) }
    }

    /// The next random number below `n` (which is not 0). Source: Steele and Vigna, splitmix64.
    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    /// A place in the file: tables and offsets lie at the start and at the end, weights between.
    fn place(&mut self, len: usize) -> usize {
        let edge = len.min(2000);
        match self.below(3) {
            0 => self.below(edge),
            1 => len - 1 - self.below(edge),
            _ => self.below(len),
        }
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes.len());
        let word = at & !3;
        match self.below(6) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.below(256) as u8,
            2 => bytes.truncate(at.max(1)),
            3 => set_word(bytes, word, [0, 1, u32::MAX, i32::MAX as u32, 1 << 31, 1 << 16][self.below(6)]),
            4 => {
                let old = bytes.get(word..word + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                let step = [1, 4, 8, 64, bytes.len() as u32][self.below(5)];
                set_word(bytes, word, if self.below(2) == 0 { old.wrapping_add(step) } else { old.wrapping_sub(step) });
            }
            _ => {
                let (from, n) = (self.place(bytes.len()), 1 + self.below(64));
                let piece: Vec<u8> = bytes.iter().skip(from).take(n).copied().collect();
                bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, moved)| *byte = moved);
            }
        }
    }
}

fn set_word(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(word) = bytes.get_mut(at..at + 4) {
        word.copy_from_slice(&value.to_le_bytes());
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.file.to_vec();
        let n = [1, 1, 2, 4, 16][self.below(5)];
        for _ in 0..n {
            self.damage(&mut bytes);
        }
        Some(bytes)
    }
}
