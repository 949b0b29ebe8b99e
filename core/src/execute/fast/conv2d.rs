//! Convolution with its weights laid out for the machine.

use tinsmith_runtime::fixed_point::Multiplier;
use tinsmith_runtime::kernels::conv2d::{Conv2dParams, conv2d};

use super::Isa;
use super::gemm::{Product, ProductParams};
use super::image::PaddedImage;

/// A convolution with its constants.
#[derive(Debug)]
pub struct Conv2d {
    batch: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// A matrix product over a padded copy of the image.
    Tiled(Box<Tiled>),
    /// What the tiles cannot do: groups, sums near the end of 32 bits.
    Reference(Box<Reference>),
}

#[derive(Debug)]
struct Tiled {
    image: PaddedImage,
    input_zero_point: i32,
    input_len: usize,
    output_len: usize,
    /// Position of each output pixel's first tap in the image.
    offsets: Vec<u32>,
    product: Product,
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
    pub fn prepare(params: &Conv2dParams<'_>, weights: &[i8], bias: Option<&[i32]>, isa: Isa) -> Self {
        let form = match Tiled::prepare(params, weights, bias, isa) {
            Some(tiled) => Form::Tiled(Box::new(tiled)),
            None => Form::Reference(Box::new(Reference {
                params: Conv2dParams { multipliers: &[], ..*params },
                multipliers: params.multipliers.to_vec(),
                weights: weights.to_vec(),
                bias: bias.map(<[i32]>::to_vec),
            })),
        };
        Self { batch: params.input.batch, form }
    }

    /// Bytes that [`Conv2d::run`] needs to work in.
    pub fn workspace_bytes(&self) -> usize {
        match &self.form {
            Form::Tiled(tiled) => tiled.image.bytes(),
            Form::Reference(_) => 0,
        }
    }

    /// Computes what [`conv2d`] computes.
    pub fn run(&self, input: &[i8], output: &mut [i8], workspace: &mut [u8]) {
        match &self.form {
            Form::Tiled(tiled) => {
                for sample in 0..self.batch {
                    let input = &input[sample * tiled.input_len..][..tiled.input_len];
                    tiled.run(input, &mut output[sample * tiled.output_len..][..tiled.output_len], workspace);
                }
            }
            Form::Reference(reference) => {
                let params = Conv2dParams { multipliers: &reference.multipliers, ..reference.params };
                conv2d(&params, input, &reference.weights, reference.bias.as_deref(), output);
            }
        }
    }
}

impl Tiled {
    fn prepare(params: &Conv2dParams<'_>, weights: &[i8], bias: Option<&[i32]>, isa: Isa) -> Option<Self> {
        let (input, output, window) = (params.input, params.output, params.window);
        if params.group_channels != input.channels {
            return None;
        }
        let image = PaddedImage::new(input, output, &window, 1)?;
        let [kernel_height, kernel_width] = window.size;
        // Without gaps, the taps of one kernel row are neighbours in memory; 1x1 is one run either way.
        let dense = window.dilation[1] == 1 || kernel_width == 1;
        let columns = if dense { 1 } else { kernel_width };
        let run = |index: usize| {
            let (tap_y, tap_x) = (index / columns, index % columns);
            (tap_y * window.dilation[0] * image.width + tap_x * window.dilation[1]) * image.channels
        };
        let product = ProductParams {
            channels: output.channels,
            runs: (0..kernel_height * columns).map(run).collect(),
            run_len: if dense { kernel_width } else { 1 } * input.channels,
            input_zero_point: params.input_zero_point,
            output_zero_point: params.output_zero_point,
            multipliers: params.multipliers,
            range: params.range,
            rounding: params.rounding,
        };
        let pixels = (0..output.height).flat_map(|y| (0..output.width).map(move |x| (y, x)));
        Some(Self {
            image,
            input_zero_point: params.input_zero_point,
            input_len: input.height * input.width * input.channels,
            output_len: output.height * output.width * output.channels,
            offsets: pixels.map(|(y, x)| image.offset(&window, y, x) as u32).collect(),
            product: Product::prepare(product, weights, bias, isa)?,
        })
    }

    fn run(&self, input: &[i8], output: &mut [i8], workspace: &mut [u8]) {
        self.image.fill(input, self.input_zero_point, 0x80, workspace);
        self.product.run(&self.offsets, workspace, output);
    }
}
