//! A copy of an input image with its padding around it, so that kernels read every tap without asking where it lies.

use tinsmith_runtime::shape::{Nhwc, Window};

/// Bytes behind an image that a kernel may read: a vector of lanes, or the rest of four taps.
pub(super) const SLACK: usize = 64;

/// The largest copy that is worth making, and the most output pixels whose positions are worth keeping. Beyond (a hostile
/// dilation, say) the reference kernel runs, which needs no memory.
const MAX_BYTES: usize = 32 << 20;
const MAX_PIXELS: usize = 1 << 20;

/// One sample, padded: `[height, width, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaddedImage {
    input: Nhwc,
    /// Times that each input channel is repeated: the depth multiplier of a depthwise convolution.
    repeat: usize,
    top: usize,
    left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl PaddedImage {
    /// The image that all windows of `output` lie in; `None` if it is too large.
    pub(super) fn new(input: Nhwc, output: Nhwc, window: &Window, repeat: usize) -> Option<Self> {
        let reach = |axis: usize, out: usize| {
            let last_output = out.saturating_sub(1).checked_mul(window.stride[axis])?;
            let last_tap = window.size[axis].saturating_sub(1).checked_mul(window.dilation[axis])?;
            last_output.checked_add(last_tap)?.checked_add(1)
        };
        let [top, left] = window.padding;
        // Rows that no window reaches are left out, rows that a window reaches beyond the input are padding.
        let (height, width) = (reach(0, output.height)?, reach(1, output.width)?);
        let channels = input.channels.checked_mul(repeat)?;
        let bytes = height.checked_mul(width)?.checked_mul(channels)?;
        if bytes > MAX_BYTES || output.height.checked_mul(output.width)? > MAX_PIXELS {
            return None;
        }
        Some(Self { input, repeat, top, left, height, width, channels })
    }

    /// Bytes of the copy, with the slack behind it.
    pub(super) fn bytes(&self) -> usize {
        self.height * self.width * self.channels + SLACK
    }

    /// Position of the first tap of an output pixel.
    pub(super) fn offset(&self, window: &Window, y: usize, x: usize) -> usize {
        (y * window.stride[0] * self.width + x * window.stride[1]) * self.channels
    }

    /// Copies one sample. Every byte is combined with `flip` by exclusive or; the padding holds `zero_point`.
    #[inline(always)]
    pub(super) fn fill(&self, input: &[i8], zero_point: i32, flip: u8, image: &mut [u8]) {
        let padding = zero_point as u8 ^ flip;
        let row_bytes = self.width * self.channels;
        let rows = self.input.height.min(self.height.saturating_sub(self.top));
        let columns = self.input.width.min(self.width.saturating_sub(self.left));
        let input_row = self.input.width * self.input.channels;
        let copied = columns * self.input.channels;
        if rows == self.height && columns == self.width && copied == input_row && self.repeat == 1 {
            return flipped(&input[..self.height * row_bytes], flip, image);
        }
        image[..self.top * row_bytes].fill(padding);
        for y in 0..rows {
            let row = &mut image[(self.top + y) * row_bytes..][..row_bytes];
            row[..self.left * self.channels].fill(padding);
            row[(self.left + columns) * self.channels..].fill(padding);
            let source = &input[y * input_row..][..copied];
            let target = &mut row[self.left * self.channels..][..columns * self.channels];
            if self.repeat == 1 {
                flipped(source, flip, target);
            } else {
                for (value, copies) in source.iter().zip(target.chunks_exact_mut(self.repeat)) {
                    copies.fill(*value as u8 ^ flip);
                }
            }
        }
        image[(self.top + rows) * row_bytes..self.height * row_bytes].fill(padding);
    }
}

#[inline(always)]
pub(super) fn flipped(source: &[i8], flip: u8, target: &mut [u8]) {
    for (to, from) in target.iter_mut().zip(source) {
        *to = *from as u8 ^ flip;
    }
}
