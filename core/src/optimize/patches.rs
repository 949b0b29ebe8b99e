//! What a layer with weights sees on average: the mean of its input under every tap of its window.
//!
//! A convolution is linear, so the mean of its output over samples and pixels is its weights times this mean. That is all that
//! bias correction needs to know of the data.

use crate::graph::{Graph, Node};
use crate::ops::{Op, Padding};

/// The mean patch of a layer whose input has the mean `input`, element by element: `[kh, kw, c_in]` for convolutions (padding
/// counts as zeros), `[c_in]` for dense layers. `None` if the node is no such layer or its shapes do not fit.
pub(super) fn patch_mean(graph: &Graph, node: &Node, input: &[f64]) -> Option<Vec<f32>> {
    let weights = &graph.input(node, 1)?.shape;
    match &node.op {
        Op::Conv2d(op) => windows(graph, node, input, [*weights.get(1)?, *weights.get(2)?], op.stride, op.dilation, op.padding),
        Op::DepthwiseConv2d(op) => {
            windows(graph, node, input, [*weights.get(1)?, *weights.get(2)?], op.stride, op.dilation, op.padding)
        }
        Op::FullyConnected(_) => {
            let c_in = *weights.get(1)?;
            let rows = input.len().checked_div(c_in)?;
            let mean = |c: usize| input.iter().skip(c).step_by(c_in).sum::<f64>() / rows as f64;
            (rows * c_in == input.len()).then(|| (0..c_in).map(|c| mean(c) as f32).collect())
        }
        _ => None,
    }
}

fn windows(
    graph: &Graph,
    node: &Node,
    input: &[f64],
    window: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
) -> Option<Vec<f32>> {
    let &[1, h, w, channels] = graph.input(node, 0)?.shape.as_slice() else { return None };
    let (out_h, top, _) = padding.resolve(h, window[0], stride[0], dilation[0])?;
    let (out_w, left, _) = padding.resolve(w, window[1], stride[1], dilation[1])?;
    let mut sums = vec![0.0; window[0] * window[1] * channels];
    for (tap, sums) in sums.chunks_exact_mut(channels).enumerate() {
        let (ky, kx) = (tap / window[1] * dilation[0], tap % window[1] * dilation[1]);
        for y in (0..out_h).filter_map(|y| (y * stride[0] + ky).checked_sub(top)).filter(|&y| y < h) {
            for x in (0..out_w).filter_map(|x| (x * stride[1] + kx).checked_sub(left)).filter(|&x| x < w) {
                let pixel = input.get((y * w + x) * channels..)?.get(..channels)?;
                sums.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
            }
        }
    }
    let n_pixels = (out_h * out_w) as f64;
    Some(sums.into_iter().map(|sum| (sum / n_pixels) as f32).collect())
}
