//! Fully connected layer with its weights laid out for the machine.

use tinsmith_runtime::fixed_point::Multiplier;
use tinsmith_runtime::kernels::fully_connected::{FullyConnectedParams, fully_connected};

use super::Isa;

/// A fully connected layer with its constants.
#[derive(Debug)]
pub struct FullyConnected {
    reference: Reference,
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
    pub fn prepare(params: &FullyConnectedParams<'_>, weights: &[i8], bias: Option<&[i32]>, _isa: Isa) -> Self {
        let reference = Reference {
            params: FullyConnectedParams { multipliers: &[], ..*params },
            multipliers: params.multipliers.to_vec(),
            weights: weights.to_vec(),
            bias: bias.map(<[i32]>::to_vec),
        };
        Self { reference }
    }

    /// Computes what [`fully_connected`] computes, for as many rows as `input` holds.
    pub fn run(&self, input: &[i8], output: &mut [i8]) {
        let reference = &self.reference;
        let batch = output.len() / reference.params.outputs.max(1);
        let params = FullyConnectedParams { batch, multipliers: &reference.multipliers, ..reference.params };
        fully_connected(&params, input, &reference.weights, reference.bias.as_deref(), output);
    }
}
