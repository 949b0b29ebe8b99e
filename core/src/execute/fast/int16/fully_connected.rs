//! Fully connected layer of 16-bit activations.

use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;

use super::{Bias, Finish, Product, ROWS};

/// A fully connected layer with its constants.
#[derive(Debug)]
pub struct FullyConnected {
    inputs: usize,
    outputs: usize,
    product: Product,
}

impl FullyConnected {
    /// Widens `weights`, which are as [`tinsmith_runtime::kernels::fully_connected::fully_connected`] takes them.
    pub fn prepare(params: &FullyConnectedParams<'_, i16>, weights: &[i8], bias: Bias<'_>) -> Self {
        let finish = Finish::new(bias, params.multipliers, params.outputs, params.range, params.rounding);
        Self { inputs: params.inputs, outputs: params.outputs, product: Product::new(weights, params.inputs, finish) }
    }

    /// Computes what [`tinsmith_runtime::kernels::fully_connected::fully_connected`] computes, for as many rows as `input` and
    /// `output` hold.
    pub fn run(&self, input: &[i16], output: &mut [i16]) {
        if self.inputs == 0 || self.outputs == 0 {
            return;
        }
        let inputs = input.chunks(self.inputs * ROWS);
        for (rows, output) in inputs.zip(output.chunks_mut(self.outputs * ROWS)) {
            self.product.run(rows, output, self.outputs);
        }
    }
}
