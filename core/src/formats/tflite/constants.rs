//! Buffers as typed values: little endian in the file, each decoded once however many tensors share it.
//!
//! A buffer's bytes lie in the flatbuffer, or outside of it at `offset..offset + size` counted from the start of the file
//! (writers do so with large models). TensorFlow Lite Micro knows only the first kind and computes on garbage with the
//! second, so the second is noted, and export always writes the first.

use std::collections::HashMap;
use std::ops::Range;

use super::super::budget::Budget;
use super::super::error::Trouble;
use super::schema;
use crate::tensor::{Data, ElementType};

/// The bytes of all buffers of a file, and those that are already decoded.
pub(super) struct Constants<'a> {
    file: &'a [u8],
    buffers: Vec<&'a [u8]>,
    decoded: HashMap<(Range<usize>, ElementType, usize), Data>,
    /// How many buffers lie outside the flatbuffer.
    pub(super) n_outside: usize,
}

impl<'a> Constants<'a> {
    /// Finds the bytes of every buffer.
    pub(super) fn locate(file: &'a [u8], model: &schema::Model<'a>, budget: &mut Budget) -> Result<Self, Trouble> {
        let n = model.buffers().map_or(0, |list| list.len());
        budget.charge(n.saturating_mul(size_of::<&[u8]>()), || format!("the list of {n} buffers"))?;
        let mut buffers = Vec::with_capacity(n);
        let mut n_outside = 0;
        for (index, buffer) in model.buffers().iter().flatten().enumerate() {
            // Offsets 0 and 1 mean "not outside": converters write 1 as a mark to be filled in.
            let outside = buffer.offset() > 1;
            n_outside += usize::from(outside);
            buffers.push(if outside {
                bytes_outside(file, buffer.offset(), buffer.size()).ok_or_else(|| out_of_file(index, &buffer, file.len()))?
            } else {
                // An empty slice of the file itself: `decode` tells buffers apart by their place in it.
                buffer.data().map_or(&file[..0], |data| data.bytes())
            });
        }
        Ok(Self { file, buffers, decoded: HashMap::new(), n_outside })
    }

    /// The bytes of buffer `index`.
    pub(super) fn bytes(&self, index: u32, place: impl FnOnce() -> String) -> Result<&'a [u8], Trouble> {
        self.buffers.get(index as usize).copied().ok_or_else(|| {
            Trouble::malformed(place(), format!("buffer {index}"), format!("one of the {} buffers", self.buffers.len()))
        })
    }

    /// `bytes`, which belong to this file, as `n` values of `element`.
    pub(super) fn decode(
        &mut self,
        bytes: &'a [u8],
        element: ElementType,
        n: usize,
        budget: &mut Budget,
        place: impl Fn() -> String,
    ) -> Result<Data, Trouble> {
        let start = bytes.as_ptr() as usize - self.file.as_ptr() as usize;
        let key = (start..start + bytes.len(), element, n);
        if let Some(data) = self.decoded.get(&key) {
            return Ok(data.clone());
        }
        let expected = element.byte_len(n);
        if expected.is_some_and(|expected| expected != bytes.len()) {
            let found = format!("a buffer of {} bytes", bytes.len());
            let expected = format!("{} bytes for {n} {} values", expected.unwrap_or(0), element.name());
            return Err(Trouble::malformed(place(), found, expected));
        }
        let n_bytes = if element == ElementType::I4 { n } else { bytes.len() };
        budget.charge(n_bytes.saturating_add(size_of_val(&key) + size_of::<Data>()), &place)?;
        let data = typed(bytes, element, n);
        self.decoded.insert(key, data.clone());
        Ok(data)
    }
}

fn bytes_outside(file: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    file.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn out_of_file(index: usize, buffer: &schema::Buffer<'_>, len: usize) -> Trouble {
    Trouble::malformed(
        format!("buffer {index}"),
        format!("{} bytes at offset {}", buffer.size(), buffer.offset()),
        format!("bytes within the file, which has {len}"),
    )
}

/// Little-endian bytes as values; there are as many as `n` of them take.
fn typed(bytes: &[u8], element: ElementType, n: usize) -> Data {
    match element {
        ElementType::F32 => Data::F32(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
        ElementType::F16 => Data::F16(bytes.as_chunks().0.iter().map(|&b| u16::from_le_bytes(b)).collect()),
        ElementType::I4 => Data::I4(unpack_int4(bytes, n)),
        ElementType::I8 => Data::I8(bytes.iter().map(|&b| b as i8).collect()),
        ElementType::U8 => Data::U8(bytes.into()),
        ElementType::I16 => Data::I16(bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b)).collect()),
        ElementType::I32 => Data::I32(bytes.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect()),
        ElementType::I64 => Data::I64(bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect()),
        ElementType::Bool => Data::Bool(bytes.into()),
        ElementType::Other(code) => Data::Other(code, bytes.into()),
    }
}

/// Two values to a byte, the low nibble first; each sign-extended to an `i8`.
fn unpack_int4(bytes: &[u8], n: usize) -> std::sync::Arc<[i8]> {
    let nibble = |i: usize| {
        let byte = bytes[i / 2];
        let low_first = if i.is_multiple_of(2) { byte << 4 } else { byte & 0xf0 };
        low_first as i8 >> 4
    };
    (0..n).map(nibble).collect()
}

/// Values as the little-endian bytes of a buffer.
pub(super) fn to_bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::F16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I4(v) => v.chunks(2).map(|pair| (pair[0] & 15) as u8 | (pair.get(1).map_or(0, |x| x & 15) as u8) << 4).collect(),
        Data::I8(v) => v.iter().map(|&x| x as u8).collect(),
        Data::U8(v) | Data::Bool(v) | Data::Other(_, v) => v.to_vec(),
        Data::I16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int4_is_two_to_a_byte_low_nibble_first() {
        // 0x8f: low nibble f = -1, high nibble 8 = -8.
        assert_eq!(unpack_int4(&[0x8f, 0x07], 3).as_ref(), &[-1, -8, 7]);
        assert_eq!(to_bytes(&Data::I4([-1, -8, 7].into())), [0x8f, 0x07]);
    }

    #[test]
    fn every_element_type_survives_its_bytes() {
        let all = [
            Data::F32([1.5, -0.0, f32::NAN, 1e-42].into()),
            Data::F16([0x3c00, 0xfbff].into()),
            Data::I4([-8, 7, 0, 1].into()),
            Data::I8([-128, 127].into()),
            Data::U8([0, 255].into()),
            Data::I16([-32768, 2].into()),
            Data::I32([i32::MIN, 3].into()),
            Data::I64([i64::MIN, 4].into()),
            Data::Bool([0, 1].into()),
            Data::Other(10, [1, 2, 3].into()),
        ];
        for data in all {
            let again = typed(&to_bytes(&data), data.element(), data.len());
            // NaN differs from itself: compare bytes.
            assert_eq!(to_bytes(&again), to_bytes(&data));
            assert_eq!(again.element(), data.element());
        }
    }
}
