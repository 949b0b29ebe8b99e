//! What a layer's window sees: one row of values for each place of the window, in the order of an output channel's weights.

use crate::graph::{Graph, Node};
use crate::ops::{Op, Padding};

/// How the window of a layer slides over its input. Of a dense layer each row of inputs is a place of its own.
pub(in crate::optimize) struct Windows {
    /// Height, width and channels of the input.
    image: [usize; 3],
    window: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Rows above and columns to the left that padding adds.
    before: [usize; 2],
    /// Rows and columns of the output.
    out: [usize; 2],
    /// Input channels that one output channel sees.
    n_seen: usize,
    n_outputs: usize,
}

impl Windows {
    /// Those of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED; `None` for other nodes, or if shapes do not fit.
    pub fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let weights = graph.input(node, 1)?.shape.as_slice();
        let input = graph.input(node, 0)?;
        let sliding = |n_seen, n_outputs, stride, dilation, padding: Padding| {
            let (&[1, h, w, channels], &[_, kh, kw, _]) = (input.shape.as_slice(), weights) else { return None };
            let along = |size, window, i: usize, stride: [usize; 2], dilation: [usize; 2]| {
                padding.resolve(size, window, stride[i], dilation[i])
            };
            let (out_h, top, _) = along(h, kh, 0, stride, dilation)?;
            let (out_w, left, _) = along(w, kw, 1, stride, dilation)?;
            let (image, window) = ([h, w, channels], [kh, kw]);
            Some(Self { image, window, stride, dilation, before: [top, left], out: [out_h, out_w], n_seen, n_outputs })
        };
        let windows = match &node.op {
            Op::Conv2d(op) => sliding(*weights.last()?, *weights.first()?, op.stride, op.dilation, op.padding)?,
            Op::DepthwiseConv2d(op) => sliding(1, *weights.last()?, op.stride, op.dilation, op.padding)?,
            Op::FullyConnected(_) => {
                let &[n_outputs, n_seen] = weights else { return None };
                let rows = input.n_elements().checked_div(n_seen).filter(|rows| rows * n_seen == input.n_elements())?;
                let (one, image, out) = ([1, 1], [1, rows, n_seen], [1, rows]);
                Self { image, window: one, stride: one, dilation: one, before: [0, 0], out, n_seen, n_outputs }
            }
            _ => return None,
        };
        let n_groups = windows.image[2].checked_div(windows.n_seen)?;
        let fits = n_groups > 0 && n_groups * windows.n_seen == windows.image[2] && windows.n_outputs.is_multiple_of(n_groups);
        fits.then_some(windows)
    }

    /// Groups of output channels that see the same input channels.
    pub fn n_groups(&self) -> usize {
        self.image[2] / self.n_seen
    }

    /// Output channels of one group, which stand side by side.
    pub fn outputs_of(&self, group: usize) -> std::ops::Range<usize> {
        let n = self.n_outputs / self.n_groups();
        group * n..(group + 1) * n
    }

    /// Values of one row.
    pub fn row_len(&self) -> usize {
        self.window[0] * self.window[1] * self.n_seen
    }

    /// Values of one sample of the input.
    pub fn image_len(&self) -> usize {
        self.image.iter().product()
    }

    /// Places of the window in one sample.
    pub fn n_places(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Appends the row that `group` sees at `place` of `image`; what padding adds is zero.
    pub fn push_row(&self, image: &[f32], place: usize, group: usize, rows: &mut Vec<f32>) {
        let [height, width, channels] = self.image;
        let (y, x) = (place / self.out[1] * self.stride[0], place % self.out[1] * self.stride[1]);
        for tap in 0..self.window[0] * self.window[1] {
            let (dy, dx) = (tap / self.window[1] * self.dilation[0], tap % self.window[1] * self.dilation[1]);
            let inside = |at: usize, before: usize, size: usize| at.checked_sub(before).filter(|at| *at < size);
            match (inside(y + dy, self.before[0], height), inside(x + dx, self.before[1], width)) {
                (Some(y), Some(x)) => {
                    let start = (y * width + x) * channels + group * self.n_seen;
                    rows.extend_from_slice(&image[start..start + self.n_seen]);
                }
                _ => rows.extend(std::iter::repeat_n(0.0, self.n_seen)),
            }
        }
    }
}
