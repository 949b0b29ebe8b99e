//! Keras layers as nodes. One file a family; a new layer is one function and one line in [`build`].

mod activation;
mod call;
mod conv;
mod dense;
mod image;
mod merge;
mod normalize;
mod pool;
mod recurrent;
mod shape;
mod wrapper;

pub(super) use call::Call;

use super::super::error::Trouble;
use super::builder::Value;

/// Adds the nodes of a layer and gives its results.
///
/// # Errors
/// The layer is not known, its settings are not supported, or its weights are missing.
pub(super) fn build(call: &mut Call<'_, '_>) -> Result<Vec<Value>, Trouble> {
    let value = match call.class {
        "Dense" => dense::dense(call),
        "Conv1D" | "Convolution1D" | "Conv2D" | "Convolution2D" => conv::conv(call),
        "DepthwiseConv1D" | "DepthwiseConv2D" => conv::depthwise(call),
        "SeparableConv1D" | "SeparableConvolution1D" | "SeparableConv2D" | "SeparableConvolution2D" => conv::separable(call),
        "Conv1DTranspose" | "Convolution1DTranspose" | "Conv2DTranspose" | "Convolution2DTranspose" => {
            conv::transposed_conv(call)
        }
        "BatchNormalization" | "BatchNormalizationV1" | "BatchNormalizationV2" | "SyncBatchNormalization" => {
            normalize::batch_normalization(call)
        }
        "Rescaling" => normalize::rescaling(call),
        "Normalization" => normalize::normalization(call),
        "LayerNormalization"
        | "GroupNormalization"
        | "UnitNormalization"
        | "RMSNormalization"
        | "SpectralNormalization"
        | "Attention"
        | "Discretization"
        | "Masking" => call.unknown(),
        "Activation" => activation::activation(call),
        "ReLU" => activation::relu(call),
        "LeakyReLU" => activation::leaky_relu(call),
        "PReLU" => activation::prelu(call),
        "ELU" => activation::elu(call),
        "Softmax" => activation::softmax(call),
        "ThresholdedReLU" => call.unknown(),
        "Dropout"
        | "SpatialDropout1D"
        | "SpatialDropout2D"
        | "AlphaDropout"
        | "GaussianDropout"
        | "GaussianNoise"
        | "ActivityRegularization"
        | "Identity"
        | "RandomFlip"
        | "RandomRotation"
        | "RandomZoom"
        | "RandomTranslation"
        | "RandomContrast"
        | "RandomBrightness" => shape::identity(call),
        "MaxPooling1D" | "MaxPool1D" | "MaxPooling2D" | "MaxPool2D" | "AveragePooling1D" | "AvgPool1D" | "AveragePooling2D"
        | "AvgPool2D" => pool::window(call),
        "GlobalAveragePooling1D"
        | "GlobalAvgPool1D"
        | "GlobalAveragePooling2D"
        | "GlobalAvgPool2D"
        | "GlobalMaxPooling1D"
        | "GlobalMaxPool1D"
        | "GlobalMaxPooling2D"
        | "GlobalMaxPool2D" => pool::global(call),
        "Flatten" => shape::flatten(call),
        "Reshape" => shape::reshape(call),
        "Permute" => shape::permute(call),
        "RepeatVector" => shape::repeat_vector(call),
        "ZeroPadding1D" | "ZeroPadding2D" => image::zero_padding(call),
        "Cropping1D" | "Cropping2D" => image::cropping(call),
        "UpSampling1D" | "UpSampling2D" => image::up_sampling(call),
        "Add" | "Subtract" | "Multiply" | "Average" | "Maximum" | "Minimum" => merge::elementwise(call),
        "Concatenate" => merge::concatenate(call),
        "LSTM" | "GRU" | "SimpleRNN" => recurrent::recurrent(call),
        "Bidirectional" => wrapper::bidirectional(call),
        "TimeDistributed" => wrapper::time_distributed(call),
        "Lambda" => Err(call.refuse(
            "a Lambda layer is Python code inside the file, which is never run",
            "replace it by layers of Keras (Rescaling, Activation, Reshape, …), then save with model.save(\"model.keras\")",
        )),
        _ => Err(call.not_a_layer()),
    };
    Ok(vec![value?])
}
