//! Shapes as the kernels take them: plain numbers, no ownership, at most [`MAX_RANK`] axes.

/// The largest number of axes that a kernel handles.
pub const MAX_RANK: usize = 6;

/// Extents of a tensor in NHWC order: channels vary fastest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nhwc {
    /// Samples.
    pub batch: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Nhwc {
    /// Number of elements.
    pub fn len(self) -> usize {
        self.batch * self.height * self.width * self.channels
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Position of an element in the flat buffer.
    #[inline]
    pub fn offset(self, batch: usize, y: usize, x: usize, channel: usize) -> usize {
        ((batch * self.height + y) * self.width + x) * self.channels + channel
    }
}

/// A sliding window over rows and columns. All values are in elements; `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Extent of the kernel, not counting gaps.
    pub size: [usize; 2],
    /// Step of the output in the input; at least 1.
    pub stride: [usize; 2],
    /// Distance between taps; 1 is dense.
    pub dilation: [usize; 2],
    /// Rows and columns of padding before the first input row and column. Padding after follows from the output's extent.
    pub padding: [usize; 2],
}

impl Window {
    /// Input coordinate on `axis` (0 vertical, 1 horizontal) that tap `tap` of output `out` reads; `None` in the padding.
    #[inline]
    pub fn input_coordinate(&self, axis: usize, out: usize, tap: usize, extent: usize) -> Option<usize> {
        let padded = out * self.stride[axis] + tap * self.dilation[axis];
        padded.checked_sub(self.padding[axis]).filter(|coordinate| *coordinate < extent)
    }
}

/// Extents and strides of up to [`MAX_RANK`] axes, for walks over tensors of any rank. Outermost axis first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strided {
    /// Number of axes in use.
    pub rank: usize,
    /// Extent of each axis.
    pub extents: [usize; MAX_RANK],
    /// Elements between neighbours on each axis; 0 repeats one element (broadcast), negative walks backward.
    pub strides: [isize; MAX_RANK],
    /// Position of the first element.
    pub origin: usize,
}

impl Strided {
    /// A contiguous tensor. `None` above [`MAX_RANK`] axes.
    pub fn contiguous(extents: &[usize]) -> Option<Self> {
        let mut this = Self { rank: extents.len(), extents: [1; MAX_RANK], strides: [0; MAX_RANK], origin: 0 };
        this.extents.get_mut(..extents.len())?.copy_from_slice(extents);
        let mut stride = 1;
        for axis in (0..this.rank).rev() {
            this.strides[axis] = stride as isize;
            stride *= this.extents[axis];
        }
        Some(this)
    }

    /// The same elements seen with the extents of `target`: missing leading axes and extents of 1 repeat.
    ///
    /// `None` where an extent is neither 1 nor the target's (NumPy's and TensorFlow's rule).
    pub fn broadcast_to(&self, target: &[usize]) -> Option<Self> {
        let missing = target.len().checked_sub(self.rank)?;
        let mut wide = Self::contiguous(target)?;
        for (axis, extent) in target.iter().enumerate() {
            let own = axis.checked_sub(missing);
            wide.strides[axis] = match own {
                Some(own) if self.extents[own] == *extent => self.strides[own],
                Some(own) if self.extents[own] != 1 => return None,
                _ => 0,
            };
        }
        wide.origin = self.origin;
        Some(wide)
    }

    /// The same tensor's elements along the axes that `pick` chooses, with the first index on the others.
    pub fn along(&self, pick: impl Fn(usize) -> bool) -> Self {
        let mut part = Self { rank: 0, extents: [1; MAX_RANK], strides: [0; MAX_RANK], origin: self.origin };
        for axis in (0..self.rank).filter(|axis| pick(*axis)) {
            part.extents[part.rank] = self.extents[axis];
            part.strides[part.rank] = self.strides[axis];
            part.rank += 1;
        }
        part
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.extents[..self.rank].iter().product()
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Buffer positions in row-major order of the extents.
    pub fn positions(&self) -> Positions<'_> {
        Positions { walk: self, index: [0; MAX_RANK], position: self.origin as isize, left: self.len() }
    }
}

/// Iterator over buffer positions, see [`Strided::positions`].
pub struct Positions<'a> {
    walk: &'a Strided,
    index: [usize; MAX_RANK],
    position: isize,
    left: usize,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let current = self.position as usize;
        for axis in (0..self.walk.rank).rev() {
            self.index[axis] += 1;
            self.position += self.walk.strides[axis];
            if self.index[axis] < self.walk.extents[axis] {
                break;
            }
            self.position -= self.walk.strides[axis] * self.walk.extents[axis] as isize;
            self.index[axis] = 0;
        }
        Some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_visit_row_major_order() {
        let dense = Strided::contiguous(&[2, 3]).unwrap();
        assert!(dense.positions().eq(0..6));
        let row = Strided::contiguous(&[3]).unwrap().broadcast_to(&[2, 3]).unwrap();
        assert!(row.positions().eq([0, 1, 2, 0, 1, 2]));
        assert_eq!(Strided::contiguous(&[2]).unwrap().broadcast_to(&[2, 3]), None);
        assert_eq!(Strided::contiguous(&[1; MAX_RANK + 1]), None);
    }

    #[test]
    fn padding_is_outside() {
        let window = Window { size: [3, 3], stride: [2, 2], dilation: [1, 1], padding: [1, 1] };
        assert_eq!(window.input_coordinate(0, 0, 0, 5), None);
        assert_eq!(window.input_coordinate(0, 2, 1, 5), Some(4));
        assert_eq!(window.input_coordinate(0, 2, 2, 5), None);
    }
}
