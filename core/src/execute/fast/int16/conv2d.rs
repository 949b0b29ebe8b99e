//! Convolution of 16-bit activations: a matrix product over the windows, which are copied out of the image.

use tinsmith_runtime::kernels::conv2d::Conv2dParams;

use super::{Bias, Finish, Product, ROWS};

/// A convolution with its constants.
#[derive(Debug)]
pub struct Conv2d {
    params: Conv2dParams<'static, i16>,
    /// One for each group of channels.
    groups: Vec<Product>,
    /// Values of one window of one group.
    depth: usize,
}

impl Conv2d {
    /// Lays out `weights`, which are as [`tinsmith_runtime::kernels::conv2d::conv2d`] takes them.
    pub fn prepare(params: &Conv2dParams<'_, i16>, weights: &[i8], bias: Bias<'_>) -> Self {
        let depth = params.window.size.iter().product::<usize>() * params.group_channels;
        let n_groups = params.input.channels.checked_div(params.group_channels).unwrap_or(0);
        let filters = params.output.channels.checked_div(n_groups).unwrap_or(0);
        let finish = Finish::new(bias, params.multipliers, params.output.channels, params.range, params.rounding);
        let group = |index: usize| {
            let channels = index * filters..(index + 1) * filters;
            let finish = Finish {
                biases: finish.biases[channels.clone()].to_vec(),
                multipliers: finish.multipliers[channels.clone()].to_vec(),
                ..finish
            };
            Product::new(&weights[channels.start * depth..channels.end * depth], depth, finish)
        };
        let groups = (0..n_groups).map(group).collect();
        Self { params: Conv2dParams { multipliers: &[], ..*params }, groups, depth }
    }

    /// Values that [`Conv2d::run`] needs to work in.
    pub fn workspace_len(&self) -> usize {
        self.depth * ROWS
    }

    /// Computes what [`tinsmith_runtime::kernels::conv2d::conv2d`] computes.
    pub fn run(&self, input: &[i16], output: &mut [i16], workspace: &mut [i16]) {
        let out = self.params.output;
        if self.depth == 0 || out.is_empty() {
            return;
        }
        let filters = out.channels / self.groups.len();
        for (block, output) in output.chunks_mut(ROWS * out.channels).enumerate() {
            let n = output.len() / out.channels;
            let rows = &mut workspace[..n * self.depth];
            for (group, product) in self.groups.iter().enumerate() {
                for (row, window) in rows.chunks_exact_mut(self.depth).enumerate() {
                    self.copy_window(input, block * ROWS + row, group, window);
                }
                product.run(rows, &mut output[group * filters..], out.channels);
            }
        }
    }

    /// The window of one output pixel, counted over all samples, with zeros outside the image.
    fn copy_window(&self, input: &[i16], pixel: usize, group: usize, to: &mut [i16]) {
        let (source, out, window) = (self.params.input, self.params.output, &self.params.window);
        let (line, x) = (pixel / out.width, pixel % out.width);
        let (batch, y) = (line / out.height, line % out.height);
        let channels = self.params.group_channels;
        for (tap_y, row) in to.chunks_exact_mut(window.size[1] * channels).enumerate() {
            let Some(in_y) = window.input_coordinate(0, y, tap_y, source.height) else {
                row.fill(0);
                continue;
            };
            for (tap_x, tap) in row.chunks_exact_mut(channels).enumerate() {
                match window.input_coordinate(1, x, tap_x, source.width) {
                    Some(in_x) => {
                        let from = source.offset(batch, in_y, in_x, group * channels);
                        tap.copy_from_slice(&input[from..from + channels]);
                    }
                    None => tap.fill(0),
                }
            }
        }
    }
}
