//! The Fourier transform of 16-bit numbers, whose every stage halves or quarters so that nothing overflows.
//!
//! Rounds where KISS FFT rounds when it is built for 16-bit fixed point, as TensorFlow Lite Micro's front end builds it.

/// A complex number, Q15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Complex16 {
    /// Real part.
    pub re: i16,
    /// Imaginary part.
    pub im: i16,
}

/// Rounds a product of two Q15 numbers.
fn rounded(product: i32) -> i16 {
    (product.wrapping_add(1 << 14) >> 15) as i16
}

impl Complex16 {
    fn times(self, other: Self) -> Self {
        let product = |a: i16, b: i16| i32::from(a) * i32::from(b);
        Self {
            re: rounded(product(self.re, other.re).wrapping_sub(product(self.im, other.im))),
            im: rounded(product(self.re, other.im).wrapping_add(product(self.im, other.re))),
        }
    }

    /// Divided by 2 or 4, as a product with the nearest smaller Q15 number.
    fn over(self, divisor: i16) -> Self {
        let part = |x: i16| rounded(i32::from(x) * i32::from(i16::MAX / divisor));
        Self { re: part(self.re), im: part(self.im) }
    }

    fn plus(self, other: Self) -> Self {
        Self { re: self.re.wrapping_add(other.re), im: self.im.wrapping_add(other.im) }
    }

    fn minus(self, other: Self) -> Self {
        Self { re: self.re.wrapping_sub(other.re), im: self.im.wrapping_sub(other.im) }
    }

    /// Times `-i`.
    fn turned(self) -> Self {
        Self { re: self.im, im: self.re.wrapping_neg() }
    }
}

/// Transform of every `stride`th number of `input`, of which there are as many as `out` has places, a power of two. `twiddles` are
/// the whole transform's, of which this one takes every `stride`th.
fn transform(input: &[Complex16], out: &mut [Complex16], stride: usize, twiddles: &[Complex16]) {
    let n = out.len();
    if n == 1 {
        out[0] = input[0];
        return;
    }
    let radix = if n.is_multiple_of(4) { 4 } else { 2 };
    let quarter = n / radix;
    for (part, out) in out.chunks_exact_mut(quarter).enumerate() {
        transform(&input[part * stride..], out, stride * radix, twiddles);
    }
    for k in 0..quarter {
        let at = |part: usize| part * quarter + k;
        let turned = |part: usize, out: &[Complex16]| out[at(part)].over(radix as i16).times(twiddles[part * k * stride]);
        let first = out[k].over(radix as i16);
        if radix == 2 {
            let second = turned(1, out);
            (out[k], out[at(1)]) = (first.plus(second), first.minus(second));
            continue;
        }
        let (one, two, three) = (turned(1, out), turned(2, out), turned(3, out));
        let (even, odd) = (first.plus(two), one.plus(three));
        let (even_difference, odd_difference) = (first.minus(two), one.minus(three).turned());
        out[k] = even.plus(odd);
        out[at(1)] = even_difference.plus(odd_difference);
        out[at(2)] = even.minus(odd);
        out[at(3)] = even_difference.minus(odd_difference);
    }
}

/// Spectrum `[n + 1]` of `2 n` real numbers, two of which are one complex number of `input`.
pub(super) fn real_transform(
    input: &[Complex16],
    spectrum: &mut [Complex16],
    twiddles: &[Complex16],
    real_twiddles: &[Complex16],
) {
    let n = input.len();
    transform(input, &mut spectrum[..n], 1, twiddles);
    let constant = spectrum[0].over(2);
    spectrum[0] = Complex16 { re: constant.re.wrapping_add(constant.im), im: 0 };
    spectrum[n] = Complex16 { re: constant.re.wrapping_sub(constant.im), im: 0 };
    for k in 1..=n / 2 {
        let (low, high) = (spectrum[k].over(2), spectrum[n - k]);
        let high = Complex16 { re: high.re, im: high.im.wrapping_neg() }.over(2);
        let (sum, difference) = (low.plus(high), low.minus(high).times(real_twiddles[k - 1]));
        // The halves are taken of sums that may need 17 bits.
        let half = |a: i16, b: i16| ((i32::from(a) + i32::from(b)) >> 1) as i16;
        let half_difference = |a: i16, b: i16| ((i32::from(a) - i32::from(b)) >> 1) as i16;
        spectrum[k] = Complex16 { re: half(sum.re, difference.re), im: half(sum.im, difference.im) };
        spectrum[n - k] = Complex16 { re: half_difference(sum.re, difference.re), im: half_difference(difference.im, sum.im) };
    }
}
