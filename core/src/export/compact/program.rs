//! The bytes of a program and of the data that it refers to; the format is described in [`tinsmith_runtime::model`].

use std::collections::HashMap;

use tinsmith_runtime::activation::OutputRange;
use tinsmith_runtime::fixed_point::{Affine, Multiplier};
use tinsmith_runtime::shape::{Nhwc, Strided, Window};

/// Bytes in the order of the program.
#[derive(Default)]
pub(super) struct Record(pub(super) Vec<u8>);

impl Record {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// LEB128. What has no 31 bits is written as more, which the reader refuses.
    pub(super) fn varint(&mut self, value: usize) {
        let mut value = u32::try_from(value).unwrap_or(u32::MAX);
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn varints(&mut self, values: &[usize]) {
        values.iter().for_each(|value| self.varint(*value));
    }

    /// Zigzag LEB128.
    pub(super) fn signed(&mut self, value: isize) {
        self.varint(((value << 1) ^ (value >> (isize::BITS - 1))) as usize);
    }

    /// A zero point of an int8 tensor.
    pub(super) fn zero_points(&mut self, values: &[i32]) {
        self.0.extend(values.iter().map(|value| *value as i8 as u8));
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn affine(&mut self, affine: Affine) {
        self.0.extend(affine.scale.to_le_bytes());
        self.i32(affine.zero_point);
    }

    pub(super) fn multipliers(&mut self, multipliers: &[Multiplier]) {
        for multiplier in multipliers {
            self.i32(multiplier.mantissa());
            // Within -31..=30.
            self.u8(multiplier.shift() as i8 as u8);
        }
    }

    pub(super) fn range(&mut self, range: OutputRange) {
        self.0.extend([range.min as u8, range.max as u8]);
    }

    pub(super) fn nhwc(&mut self, shape: Nhwc) {
        self.varints(&[shape.batch, shape.height, shape.width, shape.channels]);
    }

    pub(super) fn window(&mut self, window: &Window) {
        [window.size, window.stride, window.dilation, window.padding].iter().for_each(|pair| self.varints(pair));
    }

    pub(super) fn walk(&mut self, walk: &Strided) {
        self.varints(&[walk.rank, walk.origin]);
        for axis in 0..walk.rank {
            self.varint(walk.extents[axis]);
            self.signed(walk.strides[axis]);
        }
    }
}

/// Pieces that the program refers to. Equal ones stand there once.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) bytes: Vec<u8>,
    offsets: HashMap<Vec<u8>, usize>,
}

impl Pool {
    /// Where a piece stands; puts it there if it is new.
    pub(super) fn place(&mut self, piece: Vec<u8>) -> usize {
        let end = self.bytes.len();
        *self.offsets.entry(piece).or_insert_with_key(|piece| {
            self.bytes.extend(piece);
            end
        })
    }
}

/// Biases in as few bytes each as the largest needs; the width, and the bytes.
pub(super) fn narrow(bias: &[i32]) -> (usize, Vec<u8>) {
    let fits = |value: i32, width: usize| {
        let spare = 32 - 8 * width as u32;
        width > 0 && value << spare >> spare == value
    };
    let width = (1..=4).find(|width| bias.iter().all(|value| fits(*value, *width))).unwrap_or(4);
    (width, bias.iter().flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect())
}
