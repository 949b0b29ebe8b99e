//! Numbers out of bytes that nobody vouches for.

use crate::activation::OutputRange;
use crate::fixed_point::{Affine, Multiplier};
use crate::shape::{MAX_RANK, Nhwc, Strided, Window};

/// What is wrong with a piece of a file, in a few words.
pub(super) type Fault = &'static str;

/// Bytes of a [`Multiplier`]: its mantissa as int32, its shift as int8.
pub const MULTIPLIER_BYTES: usize = 5;

/// Taps of a window. Nothing that fits a microcontroller has as many, and it bounds the time that a forged file takes.
const MAX_TAPS: usize = 1 << 16;

/// A cursor that refuses rather than panics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or("it ends too early")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| "it ends too early")
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn i8(&mut self) -> Result<i8, Fault> {
        Ok(i8::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn f32(&mut self) -> Result<f32, Fault> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    /// Unsigned LEB128 of at most 31 bits.
    pub(super) fn varint(&mut self) -> Result<usize, Fault> {
        let mut value = 0_u32;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            let part = u32::from(byte & 0x7f);
            if part.leading_zeros() < shift + 1 {
                return Err("a number is too large");
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value).map_err(|_| "a number is too large");
            }
        }
        Err("a number is too large")
    }

    /// An extent or a count that is at least 1.
    pub(super) fn extent(&mut self) -> Result<usize, Fault> {
        self.varint().and_then(|value| if value > 0 { Ok(value) } else { Err("an extent is zero") })
    }

    /// Zigzag LEB128: 0, -1, 1, -2, …
    pub(super) fn signed(&mut self) -> Result<i32, Fault> {
        let value = self.varint()? as i32;
        Ok((value >> 1) ^ -(value & 1))
    }

    pub(super) fn zero_point(&mut self) -> Result<i32, Fault> {
        Ok(i32::from(self.i8()?))
    }

    pub(super) fn multiplier(&mut self) -> Result<Multiplier, Fault> {
        let mantissa = i32::from_le_bytes(self.array()?);
        Multiplier::from_parts(mantissa, i32::from(self.i8()?)).ok_or("a multiplier is out of range")
    }

    pub(super) fn multipliers<const N: usize>(&mut self) -> Result<[Multiplier; N], Fault> {
        let mut all = [Multiplier::default(); N];
        for one in &mut all {
            *one = self.multiplier()?;
        }
        Ok(all)
    }

    pub(super) fn range(&mut self) -> Result<OutputRange, Fault> {
        let range = OutputRange { min: self.i8()?, max: self.i8()? };
        if range.min <= range.max { Ok(range) } else { Err("a clamp is empty") }
    }

    pub(super) fn affine(&mut self) -> Result<Affine, Fault> {
        Ok(Affine { scale: self.f32()?, zero_point: self.u32()? as i32 })
    }

    pub(super) fn nhwc(&mut self) -> Result<Nhwc, Fault> {
        let [batch, height, width, channels] = [self.extent()?, self.extent()?, self.extent()?, self.extent()?];
        product(&[batch, height, width, channels])?;
        Ok(Nhwc { batch, height, width, channels })
    }

    /// A window that slides over `output`.
    pub(super) fn window(&mut self, output: Nhwc) -> Result<Window, Fault> {
        let mut pair = || Ok::<_, Fault>([self.extent()?, self.extent()?]);
        let (size, stride, dilation) = (pair()?, pair()?, pair()?);
        let padding = [self.varint()?, self.varint()?];
        if product(&size)? > MAX_TAPS {
            return Err("a window has too many taps");
        }
        for (axis, extent) in [output.height, output.width].into_iter().enumerate() {
            let slid = product(&[extent, stride[axis]])?;
            let wide = product(&[size[axis], dilation[axis]])?;
            if slid.checked_add(wide).is_none_or(|far| far > i32::MAX as usize) {
                return Err("a window reaches too far");
            }
        }
        Ok(Window { size, stride, dilation, padding })
    }

    /// A walk that stays within `len` elements, and the largest position it visits.
    pub(super) fn walk(&mut self, len: usize) -> Result<(Strided, usize), Fault> {
        let rank = self.varint()?;
        if rank > MAX_RANK {
            return Err("a walk has too many axes");
        }
        let mut walk = Strided { rank, extents: [1; MAX_RANK], strides: [0; MAX_RANK], origin: self.varint()? };
        let (mut low, mut high) = (walk.origin as i64, walk.origin as i64);
        for axis in 0..rank {
            walk.extents[axis] = self.extent()?;
            let stride = self.signed()?;
            walk.strides[axis] = stride as isize;
            // Both factors have at most 31 bits.
            let reach = (walk.extents[axis] as i64) * i64::from(stride);
            if reach.unsigned_abs() > i32::MAX as u64 {
                return Err("a walk reaches too far");
            }
            let last = reach - i64::from(stride);
            (low, high) = (low + last.min(0), high + last.max(0));
        }
        product(&walk.extents)?;
        match usize::try_from(high) {
            Ok(high) if low >= 0 && high < len => Ok((walk, high)),
            _ => Err("a walk leaves its tensor"),
        }
    }
}

/// A product of extents, as far as a 32-bit machine's signed numbers reach.
pub(super) fn product(extents: &[usize]) -> Result<usize, Fault> {
    let product = extents.iter().try_fold(1_usize, |product, extent| product.checked_mul(*extent));
    product.filter(|product| *product <= i32::MAX as usize).ok_or("extents are too large")
}

/// Holds a length to what it has to be.
pub(super) fn expect_len(found: usize, expected: usize) -> Result<(), Fault> {
    if found == expected { Ok(()) } else { Err("a tensor's length does not fit its extents") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_31_bits_are_read_and_larger_ones_refused() {
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x07]).varint(), Ok(i32::MAX as usize));
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x08]).varint().is_err());
        assert!(Reader::new(&[0x80; 6]).varint().is_err());
        assert!(Reader::new(&[0x80]).varint().is_err());
        let signed = [0_u8, 1, 2, 3].map(|byte| Reader::new(&[byte]).signed());
        assert_eq!(signed, [Ok(0), Ok(-1), Ok(1), Ok(-2)]);
    }

    #[test]
    fn walks_stay_inside() {
        // Backward over three elements, from the last.
        let backward = [1, 2, 3, 1];
        assert_eq!(Reader::new(&backward).walk(3).map(|(walk, high)| (walk.strides[0], high)), Ok((-1, 2)));
        assert!(Reader::new(&[1, 1, 3, 1]).walk(3).is_err());
        assert!(Reader::new(&[1, 0, 4, 2]).walk(3).is_err());
    }
}
