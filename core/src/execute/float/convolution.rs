//! CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: where windows lie, then [`crate::execute::fast`] multiplies.
//!
//! Borders are not a special case: an image that needs padding is copied once into a larger one with zeros around it, after
//! which every window lies inside.

use std::sync::Arc;

use super::constants::real_values;
use super::kernel::{Folded, Kernel, Values, Work};
use crate::execute::fast::depthwise_f32::{Depthwise, depthwise};
use crate::execute::fast::matmul_f32::{PackedWeights, Rows, Target, matmul};
use crate::execute::fast::simd_f32::SimdF32;
use crate::graph::Node;
use crate::ops::{Conv2d, DepthwiseConv2d, Operands, Padding};

/// Padded images beyond this are refused: no sensible model has one, but a damaged file may ask for it.
const MAX_PADDED_LEN: usize = 1 << 26;

/// Below this a window's runs are gathered into one row first: so short a run costs more to find than to copy.
const MIN_TAP_LEN: usize = 8;

/// No clamp.
pub(super) const ANY: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

/// A layer with weights, ready to run.
#[derive(Debug)]
pub(super) struct Convolution {
    simd: SimdF32,
    /// Values of one input image.
    input_len: usize,
    /// Values of one output image.
    output_len: usize,
    frame: Option<Frame>,
    /// Where windows start in the (padded) image, one for each output pixel.
    starts: Vec<usize>,
    /// Distances of a window's runs from its start.
    taps: Vec<usize>,
    tap_len: usize,
    weights: Weights,
    clamp: (f32, f32),
}

#[derive(Debug)]
enum Weights {
    /// One matrix for each group; `channels` are the input channels of one group.
    Groups { matrices: Vec<PackedWeights>, c_in: usize, c_out: usize },
    /// `weights: [taps, channels]`, `bias: [channels]`.
    Depthwise { weights: Arc<[f32]>, bias: Arc<[f32]> },
}

/// An image with zeros around it, each channel repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    /// Height, width and channels of the image.
    image: [usize; 3],
    top: usize,
    left: usize,
    /// Height and width with the padding.
    padded: [usize; 2],
    /// How often each channel stands in the copy, one next to the other.
    repeat: usize,
}

impl Frame {
    fn len(&self) -> Option<usize> {
        let len = self.padded[0].checked_mul(self.padded[1])?.checked_mul(self.image[2])?.checked_mul(self.repeat)?;
        (len <= MAX_PADDED_LEN).then_some(len)
    }

    fn is_plain(&self) -> bool {
        self.padded == self.image[..2] && self.repeat == 1
    }

    /// Copies one image; `to` holds zeros where the padding is.
    fn fill(&self, image: &[f32], to: &mut [f32]) {
        let [_, w, c] = self.image;
        let row_len = w * c * self.repeat;
        for (y, row) in image.chunks_exact(w * c).enumerate() {
            let start = ((y + self.top) * self.padded[1] + self.left) * c * self.repeat;
            let to = &mut to[start..][..row_len];
            if self.repeat == 1 {
                to.copy_from_slice(row);
            } else {
                to.chunks_exact_mut(self.repeat).zip(row).for_each(|(to, &x)| to.fill(x));
            }
        }
    }
}

/// How a window slides over an image.
struct Slide {
    window: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
}

impl Slide {
    /// The padded image and where each window starts in it, in units of pixels.
    fn place(&self, image: [usize; 3], repeat: usize) -> Result<(Frame, Vec<usize>), String> {
        let along = |i: usize| {
            let (out, before, _) = self.padding.resolve(image[i], self.window[i], self.stride[i], self.dilation[i])?;
            let needed = (out - 1) * self.stride[i] + (self.window[i] - 1) * self.dilation[i] + 1;
            Some((out, before, needed.max(image[i] + before)))
        };
        let (Some((out_h, top, height)), Some((out_w, left, width))) = (along(0), along(1)) else {
            return Err(format!("its window of {:?} does not fit the image of {image:?}", self.window));
        };
        let frame = Frame { image, top, left, padded: [height, width], repeat };
        frame.len().ok_or("its padding makes the image too large")?;
        let start = |p: usize| (p / out_w * self.stride[0] * width) + p % out_w * self.stride[1];
        Ok((frame, (0..out_h * out_w).map(start).collect()))
    }

    /// Distances, in pixels, of a window's taps from its start.
    fn taps(&self, padded_width: usize) -> Vec<usize> {
        let [kh, kw] = self.window;
        let tap = |t: usize| t / kw * self.dilation[0] * padded_width + t % kw * self.dilation[1];
        (0..kh * kw).map(tap).collect()
    }
}

/// The operands of a layer with weights.
pub(super) struct Parameters<'a> {
    pub operands: Operands<'a>,
    pub node: &'a Node,
    pub folded: Folded<'a>,
    /// Weights to take in place of the node's, and no bias: where only the sums are wanted.
    pub sums_of: Option<Arc<[f32]>>,
}

/// Rows of `len` values of one sample, each in one piece.
pub(super) fn whole_rows(starts: &[usize], len: usize) -> Rows<'_> {
    Rows { starts, sample_stride: 0, n_samples: 1, taps: &[0], tap_len: len }
}

impl Parameters<'_> {
    pub(super) fn shape<const N: usize>(&self, index: usize, expected: &str) -> Result<[usize; N], String> {
        self.operands.shape(index, expected).map_err(|error| error.to_string())
    }

    /// The real values of a constant operand.
    pub(super) fn values(&self, index: usize, what: &str) -> Result<Arc<[f32]>, String> {
        if let Some(values) = self.node.inputs.get(index).copied().flatten().and_then(self.folded) {
            return Ok(values);
        }
        let tensor = self.operands.get(index).map_err(|error| error.to_string())?;
        real_values(tensor).map_err(|why| format!("its {what} cannot be read: {why}"))
    }

    /// The same of an operand that may be left out.
    pub(super) fn optional_values(&self, index: usize, what: &str) -> Result<Option<Arc<[f32]>>, String> {
        self.operands.optional(index).map(|_| self.values(index, what)).transpose()
    }

    fn weights(&self) -> Result<Arc<[f32]>, String> {
        self.sums_of.clone().map_or_else(|| self.values(1, "weights"), Ok)
    }

    pub(super) fn bias(&self, c_out: usize) -> Result<Arc<[f32]>, String> {
        match self.operands.optional(2) {
            Some(_) if self.sums_of.is_none() => self.values(2, "bias"),
            _ => Ok(vec![0.0; c_out].into()),
        }
    }
}

/// Joins taps that follow one another in memory into longer ones.
fn joined(taps: &[usize], tap_len: usize) -> (Vec<usize>, usize) {
    let run = 1 + (1..taps.len()).take_while(|&i| taps[i] == taps[i - 1] + tap_len).count();
    let regular = taps.len().is_multiple_of(run)
        && taps.chunks_exact(run).all(|chunk| chunk.windows(2).all(|pair| pair[1] == pair[0] + tap_len));
    if regular { (taps.iter().copied().step_by(run).collect(), run * tap_len) } else { (taps.to_vec(), tap_len) }
}

impl Convolution {
    /// CONV_2D, grouped or not.
    pub fn conv2d(op: &Conv2d, parameters: &Parameters<'_>, clamp: (f32, f32), simd: SimdF32) -> Result<Self, String> {
        let [_, h, w, c_in] = parameters.shape(0, "[n, h, w, c]")?;
        let [c_out, kh, kw, c_group] = parameters.shape(1, "[c_out, kh, kw, c_in]")?;
        let slide = Slide { window: [kh, kw], stride: op.stride, dilation: op.dilation, padding: op.padding };
        let (frame, starts) = slide.place([h, w, c_in], 1)?;
        let (weights, bias) = (parameters.weights()?, parameters.bias(c_out)?);
        let (n_groups, k) = (c_in / c_group, kh * kw * c_group);
        let c_out_group = c_out / n_groups;
        let matrix = |g: usize| {
            let channels = g * c_out_group..(g + 1) * c_out_group;
            let rows = &weights[channels.start * k..channels.end * k];
            PackedWeights::new(simd, rows, Some(&bias[channels]), c_out_group, k)
        };
        let weights = Weights::Groups { matrices: (0..n_groups).map(matrix).collect(), c_in: c_group, c_out: c_out_group };
        Ok(Self::new(simd, &slide, frame, starts, weights, c_out, clamp))
    }

    /// DEPTHWISE_CONV_2D. With one input channel it is an ordinary convolution.
    pub fn depthwise(
        op: &DepthwiseConv2d,
        parameters: &Parameters<'_>,
        clamp: (f32, f32),
        simd: SimdF32,
    ) -> Result<Self, String> {
        let [_, h, w, c_in] = parameters.shape(0, "[n, h, w, c]")?;
        let [_, kh, kw, c_out] = parameters.shape(1, "[1, kh, kw, c_out]")?;
        let slide = Slide { window: [kh, kw], stride: op.stride, dilation: op.dilation, padding: op.padding };
        let (weights, bias) = (parameters.weights()?, parameters.bias(c_out)?);
        let repeat = if c_in == 1 { 1 } else { op.depth_multiplier };
        let (frame, starts) = slide.place([h, w, c_in], repeat)?;
        let weights = if c_in == 1 {
            let rows: Vec<f32> = (0..c_out).flat_map(|c| weights.iter().skip(c).step_by(c_out).copied()).collect();
            let matrix = PackedWeights::new(simd, &rows, Some(&bias), c_out, kh * kw);
            Weights::Groups { matrices: vec![matrix], c_in: 1, c_out }
        } else {
            Weights::Depthwise { weights, bias }
        };
        Ok(Self::new(simd, &slide, frame, starts, weights, c_out, clamp))
    }

    /// FULLY_CONNECTED: a convolution by one pixel over an image of one column.
    pub fn dense(parameters: &Parameters<'_>, clamp: (f32, f32), simd: SimdF32) -> Result<Self, String> {
        let [c_out, c_in] = parameters.shape(1, "[c_out, c_in]")?;
        let n_rows = parameters.operands.get(0).map_err(|error| error.to_string())?.n_elements() / c_in;
        let matrix = PackedWeights::new(simd, &parameters.weights()?, Some(&parameters.bias(c_out)?), c_out, c_in);
        Ok(Self {
            simd,
            input_len: n_rows * c_in,
            output_len: n_rows * c_out,
            frame: None,
            starts: (0..n_rows).map(|row| row * c_in).collect(),
            taps: vec![0],
            tap_len: c_in,
            weights: Weights::Groups { matrices: vec![matrix], c_in, c_out },
            clamp,
        })
    }

    fn new(
        simd: SimdF32,
        slide: &Slide,
        frame: Frame,
        starts: Vec<usize>,
        weights: Weights,
        c_out: usize,
        clamp: (f32, f32),
    ) -> Self {
        let pixel = frame.image[2] * frame.repeat;
        let taps: Vec<usize> = slide.taps(frame.padded[1]).into_iter().map(|t| t * pixel).collect();
        let (taps, tap_len) = match &weights {
            Weights::Groups { c_in, .. } => joined(&taps, *c_in),
            Weights::Depthwise { .. } => (taps, pixel),
        };
        Self {
            simd,
            input_len: frame.image.iter().product(),
            output_len: starts.len() * c_out,
            frame: (!frame.is_plain()).then_some(frame),
            starts: starts.into_iter().map(|s| s * pixel).collect(),
            taps,
            tap_len,
            weights,
            clamp,
        }
    }

    /// Values of one input image; of all rows of a dense layer.
    pub(super) fn input_len(&self) -> usize {
        self.input_len
    }

    /// Values of one output image.
    pub(super) fn output_len(&self) -> usize {
        self.output_len
    }

    /// Runs on the images in `input`; `padded` and `gathered` are scratch memory.
    pub(super) fn convolve(&self, input: &[f32], output: &mut [f32], padded: &mut Vec<f32>, gathered: &mut Vec<f32>) {
        let n_images = input.len() / self.input_len;
        let Some(frame) = &self.frame else {
            return self.multiply(input, n_images, output, gathered);
        };
        let len = self.padded_len();
        padded.clear();
        padded.resize(n_images * len, 0.0);
        for (image, to) in input.chunks_exact(self.input_len).zip(padded.chunks_exact_mut(len)) {
            frame.fill(image, to);
        }
        self.multiply(padded, n_images, output, gathered);
    }

    /// Values of one image as the windows see it.
    fn padded_len(&self) -> usize {
        self.frame.and_then(|f| f.len()).unwrap_or(self.input_len)
    }

    fn multiply(&self, x: &[f32], n_images: usize, output: &mut [f32], gathered: &mut Vec<f32>) {
        match &self.weights {
            Weights::Groups { matrices, c_in, c_out } => {
                let row_stride = matrices.len() * c_out;
                for (g, matrix) in matrices.iter().enumerate() {
                    let target = Target { row_stride, offset: g * c_out, clamp: self.clamp };
                    let x = &x[g * c_in..];
                    let rows = Rows {
                        starts: &self.starts,
                        sample_stride: self.padded_len(),
                        n_samples: n_images,
                        taps: &self.taps,
                        tap_len: self.tap_len,
                    };
                    if self.tap_len < MIN_TAP_LEN && self.taps.len() > 1 {
                        self.multiply_gathered(x, rows, matrix, output, target, gathered);
                    } else {
                        matmul(x, rows, matrix, output, target);
                    }
                }
            }
            Weights::Depthwise { weights, bias } => {
                let operands = Depthwise { starts: &self.starts, taps: &self.taps, weights, bias, clamp: self.clamp };
                for (x, output) in x.chunks_exact(self.padded_len()).zip(output.chunks_exact_mut(self.output_len)) {
                    depthwise(self.simd, x, operands, output);
                }
            }
        }
    }

    /// One image at a time, its windows copied together into whole rows.
    fn multiply_gathered(
        &self,
        x: &[f32],
        rows: Rows<'_>,
        matrix: &PackedWeights,
        output: &mut [f32],
        target: Target,
        gathered: &mut Vec<f32>,
    ) {
        let k = self.taps.len() * self.tap_len;
        let row_starts: Vec<usize> = (0..self.starts.len()).map(|p| p * k).collect();
        gathered.resize(self.starts.len() * k, 0.0);
        for (image, output) in output.chunks_exact_mut(self.output_len).enumerate().take(rows.n_samples) {
            for (start, row) in self.starts.iter().zip(gathered.chunks_exact_mut(k)) {
                let x = &x[image * rows.sample_stride + start..];
                for (tap, to) in self.taps.iter().zip(row.chunks_exact_mut(self.tap_len)) {
                    for (to, from) in to.iter_mut().zip(&x[*tap..]) {
                        *to = *from;
                    }
                }
            }
            let whole = Rows { starts: &row_starts, sample_stride: 0, n_samples: 1, taps: &[0], tap_len: k };
            matmul(gathered, whole, matrix, output, target);
        }
    }
}

impl Kernel for Convolution {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut Work) {
        let [padded, gathered, ..] = work;
        self.convolve(operands.all(0), &mut outputs[0], padded, gathered);
    }
}
