//! Writing a flatbuffer in which equal things lie once: flash counts.

use std::collections::HashMap;

use flatbuffers::{FlatBufferBuilder, Push, Vector, WIPOffset};

use super::ops::Options;
use super::schema::BuiltinOptions;

/// Where constants start: SIMD kernels on microcontrollers load 16 bytes at a time.
const ALIGNMENT: usize = 16;

/// A flatbuffer in the making, which remembers what it holds.
#[derive(Default)]
pub(super) struct Sharing<'a> {
    pub(super) builder: FlatBufferBuilder<'a>,
    /// Vectors of scalars by width of an element and bytes.
    vectors: HashMap<(usize, Vec<u8>), u32>,
    strings: HashMap<String, u32>,
    options: HashMap<(u8, Vec<u8>), u32>,
}

impl<'a> Sharing<'a> {
    /// An options table that holds offsets only to what `write` itself writes.
    ///
    /// It is written aside first: those bytes tell whether an equal one is there already.
    pub(super) fn options(&mut self, kind: BuiltinOptions, write: impl for<'b> Fn(&mut FlatBufferBuilder<'b>) -> u32) -> Options {
        let mut aside = FlatBufferBuilder::new();
        write(&mut aside);
        let key = (kind.0, aside.unfinished_data().to_vec());
        let builder = &mut self.builder;
        Some((kind, *self.options.entry(key).or_insert_with(|| write(builder))))
    }

    /// A vector of scalars; vectors of equal bytes and equal width are one, whatever their types.
    pub(super) fn vector<T: Push + Copy, const WIDTH: usize>(
        &mut self,
        values: &[T],
        to_le_bytes: impl Fn(T) -> [u8; WIDTH],
    ) -> WIPOffset<Vector<'a, T::Output>> {
        let key = (WIDTH, values.iter().flat_map(|&value| to_le_bytes(value)).collect());
        let builder = &mut self.builder;
        WIPOffset::new(*self.vectors.entry(key).or_insert_with(|| builder.create_vector(values).value()))
    }

    /// A string.
    pub(super) fn string(&mut self, text: &str) -> WIPOffset<&'a str> {
        if let Some(&offset) = self.strings.get(text) {
            return WIPOffset::new(offset);
        }
        let offset = self.builder.create_string(text);
        self.strings.insert(text.to_owned(), offset.value());
        offset
    }

    /// Bytes that start at a multiple of 16 in the finished file.
    ///
    /// The file grows from its end to its start, so what counts is the distance from the end; [`Self::finish`] makes the
    /// whole a multiple of 16. (The crate ignores `force_align` of the schema.)
    pub(super) fn aligned_bytes(&mut self, bytes: &[u8]) -> WIPOffset<Vector<'a, u8>> {
        self.pad(|written| (written + bytes.len()).is_multiple_of(ALIGNMENT));
        self.builder.create_vector(bytes)
    }

    /// The finished file.
    pub(super) fn finish<T>(mut self, root: WIPOffset<T>, identifier: &str) -> Vec<u8> {
        // The offset of the root and the identifier follow, four bytes each.
        self.pad(|written| (written + 8).is_multiple_of(ALIGNMENT));
        self.builder.finish(root, Some(identifier));
        self.builder.finished_data().to_vec()
    }

    fn pad(&mut self, enough: impl Fn(usize) -> bool) {
        while !enough(self.builder.unfinished_data().len()) {
            self.builder.push(0u8);
        }
    }
}
