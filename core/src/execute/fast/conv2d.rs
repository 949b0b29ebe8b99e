//! Convolution with its weights laid out for the machine.

use tinsmith_runtime::fixed_point::Multiplier;
use tinsmith_runtime::kernels::conv2d::{Conv2dParams, conv2d};

use super::Isa;

/// A convolution with its constants.
#[derive(Debug)]
pub struct Conv2d {
    reference: Reference,
}

/// The reference kernel with its constants.
#[derive(Debug)]
struct Reference {
    params: Conv2dParams<'static>,
    multipliers: Vec<Multiplier>,
    weights: Vec<i8>,
    bias: Option<Vec<i32>>,
}

impl Conv2d {
    /// Lays out `weights` and `bias`, which are as [`conv2d`] takes them.
    pub fn prepare(params: &Conv2dParams<'_>, weights: &[i8], bias: Option<&[i32]>, _isa: Isa) -> Self {
        let reference = Reference {
            params: Conv2dParams { multipliers: &[], ..*params },
            multipliers: params.multipliers.to_vec(),
            weights: weights.to_vec(),
            bias: bias.map(<[i32]>::to_vec),
        };
        Self { reference }
    }

    /// Bytes that [`Conv2d::run`] needs to work in.
    pub fn workspace_bytes(&self) -> usize {
        0
    }

    /// Computes what [`conv2d`] computes.
    pub fn run(&self, input: &[i8], output: &mut [i8], _workspace: &mut [u8]) {
        let params = Conv2dParams { multipliers: &self.reference.multipliers, ..self.reference.params };
        conv2d(&params, input, &self.reference.weights, self.reference.bias.as_deref(), output);
    }
}
