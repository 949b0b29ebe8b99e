//! Codings with a fixed number of bits for each value.

use tinsmith_runtime::model::coding::BLOCK_LEN;

use super::{BitWriter, Census, Coded, Encoding, index_bits, tag};

/// One value a byte.
pub(super) fn raw(values: &[i8]) -> Vec<u8> {
    [tag::RAW].into_iter().chain(values.iter().map(|value| *value as u8)).collect()
}

pub(super) fn int4(values: &[i8], _: usize, _: &Census) -> Option<Coded> {
    let mut bits = BitWriter { bytes: vec![tag::INT4], taken: 0 };
    for value in values {
        bits.put(*fits_nibble(*value).then_some(value)? as u32, 4);
    }
    Some(Coded { encoding: Encoding::Int4, bytes: bits.bytes })
}

pub(super) fn ternary(values: &[i8], _: usize, census: &Census) -> Option<Coded> {
    let distinct = census.distinct();
    let mut three = [0; 3];
    three.get_mut(..distinct.len())?.copy_from_slice(&distinct);
    let digit = |value: &i8| distinct.iter().position(|of| of == value).map(|digit| digit as u8);
    let mut bytes: Vec<u8> = [tag::TERNARY].into_iter().chain(three.map(|value| value as u8)).collect();
    for five in values.chunks(5) {
        bytes.push(five.iter().rev().try_fold(0, |byte, value| Some(byte * 3 + digit(value)?))?);
    }
    Some(Coded { encoding: Encoding::Ternary, bytes })
}

pub(super) fn palette(values: &[i8], _: usize, census: &Census) -> Option<Coded> {
    let palette = Palette::of(census.distinct())?;
    let mut bits = BitWriter { bytes: palette.head(tag::PALETTE), taken: 0 };
    values.iter().try_for_each(|value| palette.put(*value, &mut bits))?;
    Some(Coded { encoding: Encoding::Palette(palette.index_bits), bytes: bits.bytes })
}

pub(super) fn blocks(values: &[i8], channel_len: usize, _: &Census) -> Option<Coded> {
    let mut bits = BitWriter { bytes: vec![tag::BLOCKS], taken: 0 };
    for channel in values.chunks(channel_len.max(1)) {
        for block in channel.chunks(BLOCK_LEN) {
            let holds = |factor: &i8| block.iter().all(|value| value % factor == 0 && fits_nibble(value / factor));
            let factor = (1..=15).find(holds)?;
            bits.put(factor as u32, 4);
            block.iter().for_each(|value| bits.put((value / factor) as u32, 4));
        }
    }
    Some(Coded { encoding: Encoding::Blocks, bytes: bits.bytes })
}

pub(super) fn sparse(values: &[i8], _: usize, _: &Census) -> Option<Coded> {
    let mut bytes = vec![tag::SPARSE];
    bytes.extend(mask(values));
    bytes.extend(values.iter().filter(|value| **value != 0).map(|value| *value as u8));
    Some(Coded { encoding: Encoding::Sparse, bytes })
}

pub(super) fn sparse_palette(values: &[i8], _: usize, census: &Census) -> Option<Coded> {
    let palette = Palette::of(census.distinct().into_iter().filter(|value| *value != 0).collect())?;
    let mut bytes = palette.head(tag::SPARSE_PALETTE);
    bytes.extend(mask(values));
    let mut bits = BitWriter { bytes, taken: 0 };
    values.iter().filter(|value| **value != 0).try_for_each(|value| palette.put(*value, &mut bits))?;
    Some(Coded { encoding: Encoding::SparsePalette(palette.index_bits), bytes: bits.bytes })
}

fn fits_nibble(value: i8) -> bool {
    (-8..=7).contains(&value)
}

/// A bit for each value, set where it is not zero.
fn mask(values: &[i8]) -> Vec<u8> {
    let mut bits = BitWriter::default();
    values.iter().for_each(|value| bits.put((*value != 0).into(), 1));
    bits.bytes
}

struct Palette {
    index_bits: u8,
    /// In rising order.
    values: Vec<i8>,
}

impl Palette {
    /// `None` for no values, or too many.
    fn of(values: Vec<i8>) -> Option<Self> {
        let index_bits = index_bits(values.len()).filter(|_| !values.is_empty())?;
        Some(Self { index_bits, values })
    }

    fn head(&self, tag: u8) -> Vec<u8> {
        let values = self.values.iter().map(|value| *value as u8);
        // At most 128.
        [tag, self.index_bits, self.values.len() as u8].into_iter().chain(values).collect()
    }

    fn put(&self, value: i8, bits: &mut BitWriter) -> Option<()> {
        let index = self.values.binary_search(&value).ok()?;
        bits.put(index as u32, self.index_bits.into());
        Some(())
    }
}
