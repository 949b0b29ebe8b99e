//! Fully connected layer with its weights laid out for the machine.

use tinsmith_runtime::fixed_point::Multiplier;
use tinsmith_runtime::kernels::fully_connected::{FullyConnectedParams, fully_connected};

use super::Isa;
use super::gemm::{Product, ProductParams};
use super::image::{SLACK, flipped};

/// Rows that are multiplied together.
const ROWS: usize = 16;

/// A fully connected layer with its constants.
#[derive(Debug)]
pub struct FullyConnected {
    inputs: usize,
    outputs: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Tiled {
        product: Box<Product>,
        /// Position of each row in the workspace.
        offsets: Vec<u32>,
    },
    /// What the tiles cannot do: sums near the end of 32 bits.
    Reference(Box<Reference>),
}

/// The reference kernel with its constants.
#[derive(Debug)]
struct Reference {
    params: FullyConnectedParams<'static>,
    multipliers: Vec<Multiplier>,
    weights: Vec<i8>,
    bias: Option<Vec<i32>>,
}

impl FullyConnected {
    /// Lays out `weights` and `bias`, which are as [`fully_connected`] takes them.
    pub fn prepare(params: &FullyConnectedParams<'_>, weights: &[i8], bias: Option<&[i32]>, isa: Isa) -> Self {
        let product = ProductParams {
            channels: params.outputs,
            runs: vec![0],
            run_len: params.inputs,
            input_zero_point: params.input_zero_point,
            output_zero_point: params.output_zero_point,
            multipliers: params.multipliers,
            range: params.range,
            rounding: params.rounding,
        };
        let product =
            u32::try_from(params.inputs.saturating_mul(ROWS)).ok().and_then(|_| Product::prepare(product, weights, bias, isa));
        let form = match product {
            Some(product) => {
                Form::Tiled { product: Box::new(product), offsets: (0..ROWS).map(|row| (row * params.inputs) as u32).collect() }
            }
            None => Form::Reference(Box::new(Reference {
                params: FullyConnectedParams { multipliers: &[], ..*params },
                multipliers: params.multipliers.to_vec(),
                weights: weights.to_vec(),
                bias: bias.map(<[i32]>::to_vec),
            })),
        };
        Self { inputs: params.inputs, outputs: params.outputs, form }
    }

    /// Bytes that [`FullyConnected::run`] needs to work in.
    pub fn workspace_bytes(&self) -> usize {
        match self.form {
            Form::Tiled { .. } => self.inputs * ROWS + SLACK,
            Form::Reference(_) => 0,
        }
    }

    /// Computes what [`fully_connected`] computes, for as many rows as `input` and `output` hold.
    pub fn run(&self, input: &[i8], output: &mut [i8], workspace: &mut [u8]) {
        match &self.form {
            Form::Tiled { product, offsets } if self.outputs > 0 => {
                let inputs = input.chunks(self.inputs * ROWS);
                for (input, output) in inputs.zip(output.chunks_mut(self.outputs * ROWS)) {
                    flipped(input, 0x80, workspace);
                    product.run(&offsets[..input.len() / self.inputs], workspace, output);
                }
            }
            Form::Tiled { .. } => {}
            Form::Reference(reference) => {
                let batch = input.len() / self.inputs;
                let params = FullyConnectedParams { batch, multipliers: &reference.multipliers, ..reference.params };
                fully_connected(&params, input, &reference.weights, reference.bias.as_deref(), output);
            }
        }
    }
}
