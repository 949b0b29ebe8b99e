//! Depthwise convolution with its weights laid out for the machine.

use tinsmith_runtime::fixed_point::Multiplier;
use tinsmith_runtime::kernels::depthwise_conv2d::{DepthwiseConv2dParams, depthwise_conv2d};

use super::Isa;

/// A depthwise convolution with its constants.
#[derive(Debug)]
pub struct DepthwiseConv2d {
    reference: Reference,
}

/// The reference kernel with its constants.
#[derive(Debug)]
struct Reference {
    params: DepthwiseConv2dParams<'static>,
    multipliers: Vec<Multiplier>,
    weights: Vec<i8>,
    bias: Option<Vec<i32>>,
}

impl DepthwiseConv2d {
    /// Lays out `weights` and `bias`, which are as [`depthwise_conv2d`] takes them.
    pub fn prepare(params: &DepthwiseConv2dParams<'_>, weights: &[i8], bias: Option<&[i32]>, _isa: Isa) -> Self {
        let reference = Reference {
            params: DepthwiseConv2dParams { multipliers: &[], ..*params },
            multipliers: params.multipliers.to_vec(),
            weights: weights.to_vec(),
            bias: bias.map(<[i32]>::to_vec),
        };
        Self { reference }
    }

    /// Bytes that [`DepthwiseConv2d::run`] needs to work in.
    pub fn workspace_bytes(&self) -> usize {
        0
    }

    /// Computes what [`depthwise_conv2d`] computes.
    pub fn run(&self, input: &[i8], output: &mut [i8], _workspace: &mut [u8]) {
        let params = DepthwiseConv2dParams { multipliers: &self.reference.multipliers, ..self.reference.params };
        depthwise_conv2d(&params, input, &self.reference.weights, self.reference.bias.as_deref(), output);
    }
}
