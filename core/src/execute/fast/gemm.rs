//! Matrix product of bytes, requantized on the way out: the core of convolutions and fully connected layers.
//!
//! Weights are packed once into blocks of 16 output channels and, within a block, groups of 4 taps, one 64-byte line each:
//! the operand of a dot-product instruction.
//!
//! ```text
//! line = block * groups + group      [16 channels][4 taps]
//! ```
//!
//! The taps of an output pixel are runs of consecutive bytes of the (padded) input: one run for a 1x1 convolution, one for
//! each kernel row otherwise. They are read in place; nothing is unfolded. A run is filled up to 4 taps by weights of zero,
//! under which any byte may lie.
//!
//! Taps are bytes `value + 128`, so that zero points and offsets only concern the bias:
//! `sum w * (x - zero_point) = sum w * tap - (zero_point + 128) * sum w`.

use tinsmith_runtime::activation::OutputRange;
use tinsmith_runtime::fixed_point::{Multiplier, Rounding};

use super::Isa;
use super::isa::Kind;
use super::lanes::{Lanes, N_LANES, Scale, Stored, dispatch};

/// Taps of one dot product.
const GROUP: usize = 4;

/// One line of packed weights.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([i8; N_LANES * GROUP]);

/// Packed weights and everything that follows the product.
#[derive(Debug)]
pub(super) struct Product {
    isa: Isa,
    channels: usize,
    /// Offsets of the runs of taps from a pixel's first tap, in bytes.
    runs: Vec<usize>,
    /// Groups of 4 taps in each run.
    groups: usize,
    lines: Vec<Line>,
    biases: Vec<Stored>,
    scales: Vec<Scale>,
    zero_point: i32,
    range: OutputRange,
    rounding: Rounding,
}

/// What [`Product::prepare`] needs to know.
pub(super) struct ProductParams<'a> {
    pub(super) channels: usize,
    pub(super) runs: Vec<usize>,
    /// Taps of each run.
    pub(super) run_len: usize,
    pub(super) input_zero_point: i32,
    pub(super) output_zero_point: i32,
    /// One a channel, or one for all.
    pub(super) multipliers: &'a [Multiplier],
    pub(super) range: OutputRange,
    pub(super) rounding: Rounding,
}

impl Product {
    /// Packs `weights`, `[channels][runs][run_len]`. `None` if a sum might reach `2^30`, where the vectors' rounding ends.
    pub(super) fn prepare(params: ProductParams<'_>, weights: &[i8], bias: Option<&[i32]>, isa: Isa) -> Option<Self> {
        let groups = params.run_len.div_ceil(GROUP);
        let blocks = params.channels.div_ceil(N_LANES);
        let taps = params.runs.len() * params.run_len;
        let mut lines = vec![Line([0; N_LANES * GROUP]); blocks * params.runs.len() * groups];
        let mut biases = vec![Stored([0; N_LANES]); blocks];
        for channel in 0..params.channels {
            let (block, lane) = (channel / N_LANES, channel % N_LANES);
            let own = &weights[channel * taps..][..taps];
            for (index, weight) in own.iter().enumerate() {
                let (run, tap) = (index / params.run_len, index % params.run_len);
                let line = (block * params.runs.len() + run) * groups + tap / GROUP;
                lines[line].0[lane * GROUP + tap % GROUP] = *weight;
            }
            biases[block].0[lane] =
                folded_bias(own.iter().copied(), bias.map_or(0, |bias| bias[channel]), params.input_zero_point, isa)?;
        }
        Some(Self {
            isa,
            channels: params.channels,
            groups,
            runs: params.runs,
            lines,
            biases,
            scales: scales(params.multipliers, params.channels),
            zero_point: params.output_zero_point,
            range: params.range,
            rounding: params.rounding,
        })
    }

    /// Bytes that are read from a pixel's first tap on.
    pub(super) fn reach(&self) -> usize {
        self.runs.iter().max().map_or(0, |run| run + self.groups * GROUP)
    }

    /// Writes `[pixels][channels]`, the pixels' taps beginning at `offsets` in `image`.
    ///
    /// # Panics
    /// If a tap lies outside `image` or `output` has another length.
    pub(super) fn run(&self, offsets: &[u32], image: &[u8], output: &mut [i8]) {
        let last = offsets.iter().max().map_or(0, |offset| *offset as usize + self.reach());
        assert!(last <= image.len() && output.len() == offsets.len() * self.channels);
        let product = self;
        dispatch!(self.isa, all_blocks(product: &Product, offsets: &[u32], image: &[u8], output: &mut [i8]));
    }
}

/// The bias with the zero point and the taps' offset folded in; `None` if a sum might reach `2^30`.
pub(super) fn folded_bias(weights: impl Iterator<Item = i8>, bias: i32, zero_point: i32, isa: Isa) -> Option<i32> {
    let (mut sum, mut magnitude) = (0_i64, 0_i64);
    for weight in weights {
        sum += i64::from(weight);
        magnitude += i64::from(weight).abs();
    }
    if i64::from(bias).abs() + magnitude * 255 >= 1 << 30 {
        return None;
    }
    let folded = i64::from(bias) - (i64::from(zero_point) + i64::from(tap_offset(isa))) * sum;
    i32::try_from(folded).ok()
}

/// [`Lanes::TAP_OFFSET`] of an instruction set.
fn tap_offset(isa: Isa) -> i32 {
    match isa.kind() {
        Kind::Portable => super::portable::Portable::TAP_OFFSET,
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => super::neon::Neon::TAP_OFFSET,
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => super::avx2::Avx2::TAP_OFFSET,
        #[cfg(target_arch = "x86_64")]
        Kind::AvxVnni => super::avx2::AvxVnni::TAP_OFFSET,
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512Vnni => super::avx512::Avx512::TAP_OFFSET,
    }
}

/// Scales of all channels, in blocks of lanes; lanes beyond the last channel are zero.
pub(super) fn scales(multipliers: &[Multiplier], channels: usize) -> Vec<Scale> {
    let of = |channel: usize| match multipliers {
        [one] if channel < channels => *one,
        each => each.get(channel).copied().unwrap_or_default(),
    };
    let block = |block: usize| Scale::new(&std::array::from_fn(|lane| of(block * N_LANES + lane)), 0);
    (0..channels.div_ceil(N_LANES)).map(block).collect()
}

/// All output channels, in groups of blocks as wide as the registers allow.
///
/// # Safety
/// As [`Lanes`]; [`Product::run`] has checked that all taps lie in `image` and that `output` is `[pixels][channels]`.
#[inline(always)]
unsafe fn all_blocks<L: Lanes>(product: &Product, offsets: &[u32], image: &[u8], output: &mut [i8]) {
    let mut block = 0;
    while block < product.scales.len() {
        let job = Job { product, offsets, image: image.as_ptr(), output: output.as_mut_ptr(), block };
        // Tiles keep all sums in registers: 32 of 512 bits hold 24 sums, 16 of 256 bits hold 4 pairs.
        // SAFETY: as this function; the blocks of a tile exist.
        unsafe {
            if size_of::<L::Taps>() < 64 {
                job.pixels::<L, 4, 1>();
                block += 1;
            } else if product.scales.len() - block >= 4 {
                job.pixels::<L, 6, 4>();
                block += 4;
            } else if product.scales.len() - block >= 2 {
                job.pixels::<L, 12, 2>();
                block += 2;
            } else {
                job.pixels::<L, 16, 1>();
                block += 1;
            }
        }
    }
}

/// All pixels of some blocks of channels.
struct Job<'a> {
    product: &'a Product,
    offsets: &'a [u32],
    image: *const u8,
    output: *mut i8,
    block: usize,
}

impl Job<'_> {
    /// Tiles of `P` pixels and `N` blocks; the last one begins early enough to be whole, and writes some pixels again.
    #[inline(always)]
    unsafe fn pixels<L: Lanes, const P: usize, const N: usize>(&self) {
        let n = self.offsets.len();
        // SAFETY: as `all_blocks`; every tile lies within the pixels.
        unsafe {
            if n >= P {
                self.tiles::<L, P, N>();
            } else if n >= 4 {
                self.tiles::<L, 4, N>();
            } else {
                self.tiles::<L, 1, N>();
            }
        }
    }

    #[inline(always)]
    unsafe fn tiles<L: Lanes, const P: usize, const N: usize>(&self) {
        let n = self.offsets.len();
        let mut pixel = 0;
        while pixel < n {
            let first = pixel.min(n - P);
            // SAFETY: as `all_blocks`; pixels `first..first + P` exist.
            unsafe { self.tile::<L, P, N>(first) };
            pixel = first + P;
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes, const P: usize, const N: usize>(&self, first: usize) {
        let product = self.product;
        let lines_per_block = product.runs.len() * product.groups;
        // SAFETY: `P` pixels from `first` on and `N` blocks from `self.block` on exist. Offsets and runs stay within the image,
        // as `Product::run` has checked; there is a line for each block, run and group.
        unsafe {
            let pixels: [*const u8; P] = std::array::from_fn(|p| self.image.add(*self.offsets.get_unchecked(first + p) as usize));
            let mut line = product.lines.as_ptr().add(self.block * lines_per_block).cast::<i8>();
            let mut sums = [[L::splat(0); N]; P];
            for n in 0..N {
                let bias = L::load(product.biases.get_unchecked(self.block + n).0.as_ptr());
                for sums in &mut sums {
                    sums[n] = bias;
                }
            }
            for run in &product.runs {
                for group in 0..product.groups {
                    let mut weights = [L::load_weights(line); N];
                    for (n, weights) in weights.iter_mut().enumerate().skip(1) {
                        *weights = L::load_weights(line.add(n * lines_per_block * size_of::<Line>()));
                    }
                    for p in 0..P {
                        let taps = L::load_taps(pixels[p].add(run + group * GROUP));
                        for n in 0..N {
                            sums[p][n] = L::dot(sums[p][n], taps, weights[n]);
                        }
                    }
                    line = line.add(size_of::<Line>());
                }
            }
            // By way of memory: were the loop below to index the sums themselves, they would live there all along.
            let mut finished = [[Stored([0; N_LANES]); N]; P];
            for p in 0..P {
                for n in 0..N {
                    L::store(sums[p][n], finished[p][n].0.as_mut_ptr());
                }
            }
            let finish = Finish { zero_point: product.zero_point, range: product.range, rounding: product.rounding };
            for n in 0..N {
                let channel = (self.block + n) * N_LANES;
                let scale = product.scales.get_unchecked(self.block + n);
                let factors = L::factors(scale);
                for (p, sums) in finished.iter().enumerate() {
                    let to = self.output.add((first + p) * product.channels + channel);
                    finish.store::<L>(L::load(sums[n].0.as_ptr()), (scale, factors), to, product.channels - channel);
                }
            }
        }
    }
}

/// What follows a sum: requantization, zero point, clamp, and the way to memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    pub(super) zero_point: i32,
    pub(super) range: OutputRange,
    pub(super) rounding: Rounding,
}

impl Finish {
    /// Stores sixteen results, or as many as are `left`.
    ///
    /// # Safety
    /// As [`Lanes`]; `to` is valid for `left` bytes, or for sixteen; the factors are those of the scale.
    #[inline(always)]
    pub(super) unsafe fn store<L: Lanes>(self, sum: L::I32, (scale, factors): (&Scale, L::Factors), to: *mut i8, left: usize) {
        // SAFETY: as this function; the buffer holds sixteen bytes.
        unsafe {
            let scaled = L::add(L::scale(sum, scale, factors, self.rounding), L::splat(self.zero_point));
            let value = L::clamp(scaled, L::splat(self.range.min.into()), L::splat(self.range.max.into()));
            if left >= N_LANES {
                L::store_i8(value, to);
            } else {
                let mut lanes = [0_i8; N_LANES];
                L::store_i8(value, lanes.as_mut_ptr());
                store_some(lanes, to, left);
            }
        }
    }
}

/// Stores the first `n` bytes of sixteen, `n < 16`. A call of `memcpy` would empty all vector registers of the loop around it.
///
/// # Safety
/// `to` is valid for `n` bytes.
#[inline(always)]
unsafe fn store_some(lanes: [i8; N_LANES], mut to: *mut i8, n: usize) {
    let mut bits = u128::from_le_bytes(lanes.map(|lane| lane as u8));
    // SAFETY: the widths of the set bits of `n` add up to `n`; these writes need no alignment.
    unsafe {
        if n & 8 != 0 {
            to.cast::<u64>().write_unaligned((bits as u64).to_le());
            (bits, to) = (bits >> 64, to.add(8));
        }
        if n & 4 != 0 {
            to.cast::<u32>().write_unaligned((bits as u32).to_le());
            (bits, to) = (bits >> 32, to.add(4));
        }
        if n & 2 != 0 {
            to.cast::<u16>().write_unaligned((bits as u16).to_le());
            (bits, to) = (bits >> 16, to.add(2));
        }
        if n & 1 != 0 {
            to.write(bits as i8);
        }
    }
}
