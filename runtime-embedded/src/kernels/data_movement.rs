//! Kernels that move elements and change none. A reshape is a copy of the buffer and needs no kernel.
//!
//! They are generic over the element, so that one definition serves every type.

use crate::shape::Strided;

/// `output[i] = input[walk(i)]` in row-major order of the walk.
///
/// A transposition, a strided slice and a broadcast differ only in the walk. `output` is contiguous and as long as the walk.
pub fn gather<T: Copy>(walk: &Strided, input: &[T], output: &mut [T]) {
    for (out, position) in output.iter_mut().zip(walk.positions()) {
        *out = input[position];
    }
}

/// The walk that transposes a contiguous tensor: output axis `i` is input axis `permutation[i]`.
///
/// `None` if `permutation` is not one of the axes, or there are too many.
pub fn transposition(extents: &[usize], permutation: &[usize]) -> Option<Strided> {
    let dense = Strided::contiguous(extents)?;
    if permutation.len() != extents.len() || (0..extents.len()).any(|axis| !permutation.contains(&axis)) {
        return None;
    }
    let mut walk = dense;
    for (axis, from) in permutation.iter().enumerate() {
        walk.extents[axis] = dense.extents[*from];
        walk.strides[axis] = dense.strides[*from];
    }
    Some(walk)
}

/// A tensor cut at one axis: everything before it, and everything from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joint {
    /// Number of blocks: the product of the extents before the axis.
    pub blocks: usize,
    /// Elements of one block of the whole tensor: the product of the extents from the axis on.
    pub whole: usize,
    /// Elements of one block of the part.
    pub part: usize,
    /// Elements of a block that lie before the part.
    pub offset: usize,
}

/// Writes one input of a concatenation (or of a PACK, whose parts have an extent of 1) to its place in the output.
///
/// * `part`: `[blocks, part]`; `whole`: `[blocks, whole]`
pub fn concatenate_part<T: Copy>(joint: &Joint, part: &[T], whole: &mut [T]) {
    for block in 0..joint.blocks {
        let at = block * joint.whole + joint.offset;
        whole[at..at + joint.part].copy_from_slice(&part[block * joint.part..][..joint.part]);
    }
}

/// Reads one output of a split from its place in the input; the inverse of [`concatenate_part`].
pub fn split_part<T: Copy>(joint: &Joint, whole: &[T], part: &mut [T]) {
    for block in 0..joint.blocks {
        let at = block * joint.whole + joint.offset;
        part[block * joint.part..][..joint.part].copy_from_slice(&whole[at..at + joint.part]);
    }
}

/// Surrounds a tensor with `value`.
///
/// * `inner`: the positions in `output` that `input`'s elements take, in the input's order
/// * `input`: contiguous; `output`: contiguous
pub fn pad<T: Copy>(inner: &Strided, value: T, input: &[T], output: &mut [T]) {
    output.fill(value);
    for (element, position) in input.iter().zip(inner.positions()) {
        output[position] = *element;
    }
}

/// How an output coordinate of a resize maps to the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resize {
    /// Corners of input and output coincide.
    pub align_corners: bool,
    /// A pixel's centre lies half a unit into it.
    pub half_pixel_centers: bool,
}

impl Resize {
    /// The input coordinate nearest to output coordinate `out`; single precision, as TensorFlow Lite has it.
    pub fn nearest(self, out: usize, input_extent: usize, output_extent: usize) -> usize {
        let scale = if self.align_corners && output_extent > 1 {
            (input_extent.saturating_sub(1)) as f32 / (output_extent - 1) as f32
        } else {
            input_extent as f32 / output_extent as f32
        };
        let offset = if self.half_pixel_centers { 0.5 } else { 0.0 };
        let position = (out as f32 + offset) * scale;
        // Coordinates are not negative: truncation is the floor, and adding a half rounds half away from zero.
        let nearest = if self.align_corners { (f64::from(position) + 0.5) as usize } else { position as usize };
        nearest.min(input_extent.saturating_sub(1))
    }
}

/// Copies the pixel `[coordinate(0, y), coordinate(1, x)]` of each sample to `[y, x]`.
///
/// * `coordinate`: input coordinate of an output row (axis 0) or column (axis 1), see [`Resize::nearest`]
/// * `extents`: rows and columns of the input and of the output
/// * `input`: `[n, rows, columns, channels]`; `output`: `[n, rows, columns, channels]`
pub fn resize_nearest_neighbor<T: Copy>(
    coordinate: impl Fn(usize, usize) -> usize,
    [[height, width], [rows, columns]]: [[usize; 2]; 2],
    channels: usize,
    input: &[T],
    output: &mut [T],
) {
    if channels == 0 {
        return;
    }
    for (index, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (line, x) = (index / columns, index % columns);
        let (batch, y) = (line / rows, line % rows);
        let from = ((batch * height + coordinate(0, y)) * width + coordinate(1, x)) * channels;
        pixel.copy_from_slice(&input[from..from + channels]);
    }
}
