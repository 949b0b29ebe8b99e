//! Depthwise convolution with its weights laid out for the machine.

use tinsmith_runtime::fixed_point::Multiplier;
use tinsmith_runtime::kernels::depthwise_conv2d::{DepthwiseConv2dParams, depthwise_conv2d};

use super::Isa;
use super::gemm::{Finish, scales};
use super::image::PaddedImage;
use super::lanes::{Lanes, N_LANES, Scale, Stored, dispatch};

/// Pixels that are computed together, so that a weight is loaded once for all.
const PIXELS: usize = 4;

/// A depthwise convolution with its constants.
#[derive(Debug)]
pub struct DepthwiseConv2d {
    batch: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Tiled(Box<Tiled>),
    /// What the vectors cannot do: sums near the end of 32 bits.
    Reference(Box<Reference>),
}

#[derive(Debug)]
struct Tiled {
    isa: Isa,
    image: PaddedImage,
    input_zero_point: i32,
    input_len: usize,
    output_len: usize,
    /// Position of each output pixel's first tap in the image.
    offsets: Vec<u32>,
    /// Offsets of the taps from a pixel's first one.
    taps: Vec<usize>,
    /// `[blocks][taps][16]`
    weights: Vec<[i8; N_LANES]>,
    /// `[blocks]`, with the zero point folded in.
    biases: Vec<[i32; N_LANES]>,
    scales: Vec<Scale>,
    channels: usize,
    finish: Finish,
}

/// The reference kernel with its constants.
#[derive(Debug)]
struct Reference {
    params: DepthwiseConv2dParams<'static>,
    multipliers: Vec<Multiplier>,
    weights: Vec<i8>,
    bias: Option<Vec<i32>>,
}

impl DepthwiseConv2d {
    /// Lays out `weights` and `bias`, which are as [`depthwise_conv2d`] takes them.
    pub fn prepare(params: &DepthwiseConv2dParams<'_>, weights: &[i8], bias: Option<&[i32]>, isa: Isa) -> Self {
        let form = match Tiled::prepare(params, weights, bias, isa) {
            Some(tiled) => Form::Tiled(Box::new(tiled)),
            None => Form::Reference(Box::new(Reference {
                params: DepthwiseConv2dParams { multipliers: &[], ..*params },
                multipliers: params.multipliers.to_vec(),
                weights: weights.to_vec(),
                bias: bias.map(<[i32]>::to_vec),
            })),
        };
        Self { batch: params.input.batch, form }
    }

    /// Bytes that [`DepthwiseConv2d::run`] needs to work in.
    pub fn workspace_bytes(&self) -> usize {
        match &self.form {
            Form::Tiled(tiled) => tiled.image.bytes(),
            Form::Reference(_) => 0,
        }
    }

    /// Computes what [`depthwise_conv2d`] computes.
    pub fn run(&self, input: &[i8], output: &mut [i8], workspace: &mut [u8]) {
        match &self.form {
            Form::Tiled(tiled) => {
                for sample in 0..self.batch {
                    let input = &input[sample * tiled.input_len..][..tiled.input_len];
                    tiled.run(input, &mut output[sample * tiled.output_len..][..tiled.output_len], workspace);
                }
            }
            Form::Reference(reference) => {
                let params = DepthwiseConv2dParams { multipliers: &reference.multipliers, ..reference.params };
                depthwise_conv2d(&params, input, &reference.weights, reference.bias.as_deref(), output);
            }
        }
    }
}

impl Tiled {
    fn prepare(params: &DepthwiseConv2dParams<'_>, weights: &[i8], bias: Option<&[i32]>, isa: Isa) -> Option<Self> {
        let (input, output, window) = (params.input, params.output, params.window);
        let repeat = output.channels / input.channels;
        let image = PaddedImage::new(input, output, &window, repeat)?;
        let [kernel_height, kernel_width] = window.size;
        let n_taps = kernel_height * kernel_width;
        let blocks = output.channels.div_ceil(N_LANES);
        let mut packed = vec![[0; N_LANES]; blocks * n_taps];
        let mut biases = vec![[0; N_LANES]; blocks];
        for channel in 0..output.channels {
            let (block, lane) = (channel / N_LANES, channel % N_LANES);
            let (mut sum, mut magnitude) = (0_i64, 0_i64);
            for tap in 0..n_taps {
                let weight = weights[tap * output.channels + channel];
                packed[block * n_taps + tap][lane] = weight;
                sum += i64::from(weight);
                magnitude += i64::from(weight).abs();
            }
            let bias = i64::from(bias.map_or(0, |bias| bias[channel]));
            if bias.abs() + magnitude * 255 >= 1 << 30 {
                return None;
            }
            biases[block][lane] = i32::try_from(bias - i64::from(params.input_zero_point) * sum).ok()?;
        }
        let tap = |index: usize| {
            let (tap_y, tap_x) = (index / kernel_width, index % kernel_width);
            (tap_y * window.dilation[0] * image.width + tap_x * window.dilation[1]) * image.channels
        };
        let pixels = (0..output.height).flat_map(|y| (0..output.width).map(move |x| (y, x)));
        Some(Self {
            isa,
            image,
            input_zero_point: params.input_zero_point,
            input_len: input.height * input.width * input.channels,
            output_len: output.height * output.width * output.channels,
            offsets: pixels.map(|(y, x)| image.offset(&window, y, x) as u32).collect(),
            taps: (0..n_taps).map(tap).collect(),
            weights: packed,
            biases,
            scales: scales(params.multipliers, output.channels),
            channels: output.channels,
            finish: Finish { zero_point: params.output_zero_point, range: params.range, rounding: params.rounding },
        })
    }

    fn run(&self, input: &[i8], output: &mut [i8], workspace: &mut [u8]) {
        self.image.fill(input, self.input_zero_point, 0, workspace);
        // The last lane of the last block of the last tap of the last pixel; the image's slack makes it fit.
        let reach = self.taps.iter().max().map_or(0, |tap| tap + self.scales.len() * N_LANES);
        let last = self.offsets.iter().max().map_or(0, |offset| *offset as usize + reach);
        assert!(last <= workspace.len() && output.len() == self.offsets.len() * self.channels);
        let (tiled, image) = (self, &*workspace);
        dispatch!(self.isa, all_blocks(tiled: &Tiled, image: &[u8], output: &mut [i8]));
    }
}

/// All pixels of all blocks of channels.
///
/// # Safety
/// As [`Lanes`]; [`Tiled::run`] has checked that all taps lie in `image` and that `output` is `[pixels][channels]`.
#[inline(always)]
unsafe fn all_blocks<L: Lanes>(tiled: &Tiled, image: &[u8], output: &mut [i8]) {
    let n = tiled.offsets.len();
    for block in 0..tiled.scales.len() {
        let mut pixel = 0;
        while pixel < n {
            // SAFETY: as this function; the pixels exist.
            unsafe {
                if n >= PIXELS {
                    let first = pixel.min(n - PIXELS);
                    tile::<L, PIXELS>(tiled, block, first, image, output);
                    pixel = first + PIXELS;
                } else {
                    tile::<L, 1>(tiled, block, pixel, image, output);
                    pixel += 1;
                }
            }
        }
    }
}

/// `P` pixels of one block.
///
/// # Safety
/// As [`all_blocks`]; pixels `first..first + P` and the block exist.
#[inline(always)]
unsafe fn tile<L: Lanes, const P: usize>(tiled: &Tiled, block: usize, first: usize, image: &[u8], output: &mut [i8]) {
    let channel = block * N_LANES;
    // SAFETY: pixels and block exist; offsets, taps and lanes stay within the image, as `Tiled::run` has checked.
    unsafe {
        let base = image.as_ptr().cast::<i8>().add(channel);
        let pixels: [*const i8; P] = std::array::from_fn(|p| base.add(*tiled.offsets.get_unchecked(first + p) as usize));
        let mut sums = [L::load(tiled.biases.get_unchecked(block).as_ptr()); P];
        let weights = tiled.weights.as_ptr().add(block * tiled.taps.len());
        for (index, tap) in tiled.taps.iter().enumerate() {
            let weight = L::load_factor(weights.add(index).cast());
            for p in 0..P {
                sums[p] = L::multiply_add(sums[p], L::load_i8(pixels[p].add(*tap)), weight);
            }
        }
        // By way of memory: were the loop below to index the sums themselves, they would live there all along.
        let mut finished = [Stored([0; N_LANES]); P];
        for p in 0..P {
            L::store(sums[p], finished[p].0.as_mut_ptr());
        }
        let scale = tiled.scales.get_unchecked(block);
        let factors = L::factors(scale);
        for (p, sum) in finished.iter().enumerate() {
            let to = output.as_mut_ptr().add((first + p) * tiled.channels + channel);
            tiled.finish.store::<L>(L::load(sum.0.as_ptr()), (scale, factors), to, tiled.channels - channel);
        }
    }
}
