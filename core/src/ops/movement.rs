//! TRANSPOSE, SLICE, STRIDED_SLICE and SHAPE: values moved or counted, never changed.

use super::{OpError, OpFacts, Operands};

/// Reorders axes. Operands: input, permutation (constant): output axis `i` is input axis `permutation[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose;

/// A regular selection along each axis. Operands: input, begin, end, strides (constants, one entry an axis).
///
/// Bit `i` of a mask concerns axis `i`. `ellipsis_mask` and `new_axis_mask` are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StridedSlice {
    /// Begin at the first element whatever `begin` says.
    pub begin_mask: u32,
    /// End after the last element whatever `end` says.
    pub end_mask: u32,
    /// Stands for as many full axes as are missing.
    pub ellipsis_mask: u32,
    /// Inserts an axis.
    pub new_axis_mask: u32,
    /// Takes one element and drops the axis.
    pub shrink_axis_mask: u32,
    /// `end` counts from `begin`.
    pub offset: bool,
}

/// A part of the input. Operands: input, begin, size (constants, one entry an axis; a size of -1 goes to the end).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice;

impl Slice {
    /// What is taken along each axis of the input.
    ///
    /// # Errors
    /// [`OpError`] if begin or size are not constant or reach beyond the input.
    pub fn ranges(&self, operands: &Operands<'_>) -> Result<Vec<SliceRange>, OpError> {
        let shape = &operands.get(0)?.shape;
        let (begin, size) = (operands.constant_integers(1, "begin")?, operands.constant_integers(2, "size")?);
        let wrong = || OpError::Attribute(format!("a slice from {begin:?} of size {size:?} of {shape:?}"));
        if begin.len() != shape.len() || size.len() != shape.len() {
            return Err(wrong());
        }
        let range = |axis: usize| {
            let start = usize::try_from(begin[axis]).ok()?;
            let rest = shape[axis].checked_sub(start)?;
            let count = if size[axis] == -1 { rest } else { usize::try_from(size[axis]).ok()? };
            (count <= rest).then_some(SliceRange { start, step: 1, count, shrink: false })
        };
        (0..shape.len()).map(range).collect::<Option<_>>().ok_or_else(wrong)
    }
}

impl OpFacts for Slice {
    fn name(&self) -> &str {
        "SLICE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(vec![self.ranges(operands)?.iter().map(|range| range.count).collect()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Slice".into()
    }
}

/// The extents of the operand, as a tensor of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape;

/// What a [`StridedSlice`] takes along one axis: `start, start + step, …`, `count` elements; `step` may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceRange {
    /// Index of the first element.
    pub start: usize,
    /// Distance to the next.
    pub step: isize,
    /// How many.
    pub count: usize,
    /// The axis goes away.
    pub shrink: bool,
}

impl Transpose {
    /// The permutation, resolved and checked.
    ///
    /// # Errors
    /// [`OpError`] if it is not constant or not a permutation of the input's axes.
    pub fn permutation(&self, operands: &Operands<'_>) -> Result<Vec<usize>, OpError> {
        let rank = operands.get(0)?.shape.len();
        let raw = operands.constant_integers(1, "permutation")?;
        let resolved = raw.iter().map(|&axis| super::resolve_axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
        let mut sorted = resolved.clone();
        sorted.sort_unstable();
        if sorted.into_iter().eq(0..rank) {
            Ok(resolved)
        } else {
            Err(OpError::Attribute(format!("{raw:?} is no permutation of {rank} axes")))
        }
    }
}

impl OpFacts for Transpose {
    fn name(&self) -> &str {
        "TRANSPOSE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let shape = &operands.get(0)?.shape;
        Ok(vec![self.permutation(operands)?.into_iter().map(|axis| shape[axis]).collect()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Transpose".into()
    }
}

impl StridedSlice {
    /// What is taken along each axis of the input.
    ///
    /// Source: TFLite `strided_slice_logic.h`: negative indices count from the end, indices beyond the ends are clamped.
    ///
    /// # Errors
    /// [`OpError`] if begin, end or strides are not constant or do not fit, or a mask is set that is not supported.
    pub fn ranges(&self, operands: &Operands<'_>) -> Result<Vec<SliceRange>, OpError> {
        let shape = &operands.get(0)?.shape;
        let begin = operands.constant_integers(1, "begin")?;
        let end = operands.constant_integers(2, "end")?;
        let strides = operands.constant_integers(3, "strides")?;
        if self.ellipsis_mask != 0 || self.new_axis_mask != 0 || self.offset {
            return Err(OpError::Attribute("an ellipsis, a new axis or offset ends in a slice are not supported".into()));
        }
        if begin.len() != end.len() || begin.len() != strides.len() || begin.len() > shape.len() || begin.len() > 32 {
            let lengths = (begin.len(), end.len(), strides.len());
            return Err(OpError::Attribute(format!("begin, end and strides have {lengths:?} entries for {} axes", shape.len())));
        }
        let range = |axis: usize| {
            let extent = shape[axis];
            match begin.get(axis) {
                Some(&begin) => self.range(axis, extent, begin, end[axis], strides[axis]),
                None => Ok(SliceRange { start: 0, step: 1, count: extent, shrink: false }),
            }
        };
        (0..shape.len()).map(range).collect()
    }

    fn range(&self, axis: usize, extent: usize, begin: i64, end: i64, step: i64) -> Result<SliceRange, OpError> {
        let n = extent as i64;
        let masked = |mask: u32| mask >> axis & 1 == 1;
        let wrap = |i: i64| if i < 0 { i.saturating_add(n) } else { i };
        if masked(self.shrink_axis_mask) {
            let start = wrap(begin);
            return match usize::try_from(start) {
                Ok(start) if start < extent => Ok(SliceRange { start, step: 1, count: 1, shrink: true }),
                _ => Err(OpError::Attribute(format!("index {begin} of axis {axis}, which has {extent} elements"))),
            };
        }
        if step == 0 {
            return Err(OpError::Attribute(format!("a stride of 0 along axis {axis}")));
        }
        // Going backwards, the valid positions are -1 (before the first) to n - 1.
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let first = if masked(self.begin_mask) { if step > 0 { 0 } else { n - 1 } } else { wrap(begin).clamp(low, high) };
        let last = if masked(self.end_mask) { if step > 0 { n } else { -1 } } else { wrap(end).clamp(low, high) };
        let span = if step > 0 { last - first } else { first - last };
        let count = if span > 0 { span.unsigned_abs().div_ceil(step.unsigned_abs()) as usize } else { 0 };
        Ok(SliceRange { start: first.max(0) as usize, step: step as isize, count, shrink: false })
    }
}

impl OpFacts for StridedSlice {
    fn name(&self) -> &str {
        "STRIDED_SLICE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let ranges = self.ranges(operands)?;
        Ok(vec![ranges.iter().filter(|r| !r.shrink).map(|r| r.count).collect()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Slice".into()
    }
}

impl OpFacts for Shape {
    fn name(&self) -> &str {
        "SHAPE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(vec![vec![operands.get(0)?.shape.len()]])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Shape".into()
    }
}
