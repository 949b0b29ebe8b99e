//! From the samples of a data set to the numbers that a model's input takes.
//!
//! What integers of a set mean is settled once, against the *source* model ([`meaning`]), so that source and candidate see
//! the same real values:
//!
//! * the set says so (`scale`, `zero_point`), or
//! * it is silent and of the integer type of the source model's input: they are that input's own integers, or
//! * they are real numbers as they stand (pixels 0 to 255 for a float model).
//!
//! Images may be channels first in the set, as PyTorch has them, and are put channels last, as the graph has them: the set says
//! which, or shapes tell the two apart. Where neither does, channels last is taken, which [`check_layout`] refuses to guess of a
//! model that has its own images channels first.
//!
//! An input with the very same type, scale and zero point takes the integers as they are. Any other gets the real values,
//! rounded as TensorFlow Lite's QUANTIZE does: half away from zero, saturating.

use super::{DataProblem, DataSet, Layout, Values};
use crate::quant::Quantization;
use crate::tensor::{ElementType, Tensor};

/// What the integers of a set mean: `real = (x - zero_point) * scale`. Real values are `(1, 0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meaning {
    /// Real value of one step.
    pub scale: f32,
    /// The integer that stands for 0.0.
    pub zero_point: i32,
}

/// What the values of `data` mean to someone who feeds them to the source model whose input is `source_input`.
pub fn meaning(data: &DataSet, source_input: &Tensor) -> Meaning {
    let own = data.scale.map(|scale| Meaning { scale, zero_point: data.zero_point });
    let of_input = || {
        let quantization = source_input.quantization.as_ref().filter(|_| element(&data.values) == source_input.element)?;
        Some(Meaning { scale: quantization.scale(), zero_point: quantization.zero_point() })
    };
    own.or_else(of_input).unwrap_or(Meaning { scale: 1.0, zero_point: 0 })
}

/// Checks that a sample fits the model's input: the same shape but for axes of extent 1 and channels in front, or one of the two is flat.
///
/// # Errors
/// [`DataProblem::Shape`].
pub fn check_shape(data: &DataSet, input: &Tensor) -> Result<(), DataProblem> {
    let fit = Fit::of(data, input);
    let as_it_is = fit.is_channels_last && data.layout != Some(Layout::Nchw);
    if data.sample_len() == input.n_elements() && (fit.is_flat || as_it_is || channels_in_front(data, input).is_some()) {
        return Ok(());
    }
    Err(DataProblem::Shape { sample: data.sample_shape.clone(), input: input_shape(input) })
}

/// Whether shapes do not tell where samples have their channels, so that it has to be said. `order` is how the axes of the input stand
/// in the file, empty if as here.
pub fn is_layout_open(data: &DataSet, input: &Tensor, order: &[usize]) -> bool {
    let fit = Fit::of(data, input);
    let either = fit.is_channels_first && (fit.is_channels_last || fit.is_flat) && !fit.is_same_order;
    either && !order.is_empty()
}

/// Checks that it is known where samples have their channels: said, told by the shapes, or the same in the model's file and in the
/// graph. `order` is how the axes of the input stand in the file, empty if as here.
///
/// # Errors
/// [`DataProblem::Layout`].
pub fn check_layout(data: &DataSet, input: &Tensor, order: &[usize]) -> Result<(), DataProblem> {
    if data.layout.is_none() && is_layout_open(data, input, order) {
        return Err(DataProblem::Layout { sample: data.sample_shape.clone(), input: input_shape(input) });
    }
    Ok(())
}

/// How many channels the samples have in front, if they have them there and the input has them last.
pub fn channels_in_front(data: &DataSet, input: &Tensor) -> Option<usize> {
    let fit = Fit::of(data, input);
    let is_in_front = match data.layout {
        Some(Layout::Nhwc) => false,
        Some(Layout::Nchw) => fit.is_channels_first,
        None => fit.is_channels_first && !fit.is_channels_last && !fit.is_flat,
    };
    (is_in_front && !fit.is_same_order).then_some(*input.shape.last()?)
}

/// How samples may lie for an input whose channels are last. Axes of extent 1 make no difference.
#[derive(Clone, Copy, Debug)]
struct Fit {
    /// The samples have the shape of the input.
    is_channels_last: bool,
    /// They have it with the channels in front, or are flat.
    is_channels_first: bool,
    /// Samples or input are a single row of numbers.
    is_flat: bool,
    /// The values stand in the same order either way.
    is_same_order: bool,
}

impl Fit {
    fn of(data: &DataSet, input: &Tensor) -> Self {
        let proper = |shape: &[usize]| shape.iter().copied().filter(|&extent| extent != 1).collect::<Vec<_>>();
        let (sample, wanted) = (proper(&data.sample_shape), proper(&input.shape));
        let (size, channels) = match input.shape.as_slice() {
            [_batch, size @ .., channels] => (proper(size), *channels),
            _ => (vec![], 1),
        };
        let first = [proper(&[channels]), size.clone()].concat();
        let is_flat = sample.len() <= 1 || wanted.len() <= 1;
        let is_same_order = channels == 1 || size.is_empty();
        Self { is_channels_last: sample == wanted, is_channels_first: is_flat || sample == first, is_flat, is_same_order }
    }
}

fn input_shape(input: &Tensor) -> Vec<usize> {
    input.shape.get(1..).unwrap_or_default().to_vec()
}

/// The chosen samples as real numbers, `[samples.len(), sample_len]`, for a float model.
///
/// # Errors
/// [`DataProblem::Shape`].
pub fn real_samples(data: &DataSet, meaning: Meaning, samples: &[usize], input: &Tensor) -> Result<Vec<f32>, DataProblem> {
    check_shape(data, input)?;
    let channels = channels_in_front(data, input).unwrap_or(1);
    Ok(match &data.values {
        Values::F32(v) => gather(v, (data.sample_len(), channels), samples, |x| x),
        Values::I8(v) => gather(v, (data.sample_len(), channels), samples, |x| meaning.real(x.into())),
        Values::U8(v) => gather(v, (data.sample_len(), channels), samples, |x| meaning.real(x.into())),
        Values::I16(v) => gather(v, (data.sample_len(), channels), samples, |x| meaning.real(x.into())),
    })
}

/// The chosen samples as the model's input takes them: little-endian bytes, `[samples.len(), sample_len]` elements of the
/// input's type.
///
/// # Errors
/// [`DataProblem::Shape`]; [`DataProblem::Input`] for input types that no sample can become.
pub fn model_samples(data: &DataSet, meaning: Meaning, samples: &[usize], input: &Tensor) -> Result<Vec<u8>, DataProblem> {
    check_shape(data, input)?;
    if input.element == ElementType::F32 {
        let reals = real_samples(data, meaning, samples, input)?;
        return Ok(reals.iter().flat_map(|x| x.to_le_bytes()).collect());
    }
    let Some(quantization) = input.quantization.as_ref().filter(|q| q.scale() > 0.0) else {
        return Err(DataProblem::Input(format!(
            "the model's input is {} without a scale: what its integers mean is not known",
            input.element.name()
        )));
    };
    let same = meaning == Meaning { scale: quantization.scale(), zero_point: quantization.zero_point() };
    if same && element(&data.values) == input.element {
        let channels = channels_in_front(data, input).unwrap_or(1);
        return Ok(match &data.values {
            Values::I8(v) => gather(v, (data.sample_len(), channels), samples, |x| x as u8),
            Values::U8(v) => gather(v, (data.sample_len(), channels), samples, |x| x),
            Values::I16(v) => gather(v, (data.sample_len(), channels), samples, i16::to_le_bytes).into_flattened(),
            Values::F32(v) => gather(v, (data.sample_len(), channels), samples, f32::to_le_bytes).into_flattened(),
        });
    }
    let reals = real_samples(data, meaning, samples, input)?;
    quantized(&reals, quantization, input.element)
}

/// Real numbers as little-endian integers of a type.
fn quantized(reals: &[f32], quantization: &Quantization, element: ElementType) -> Result<Vec<u8>, DataProblem> {
    let q = |x: &f32| quantization.quantized_from_real(*x, element);
    match element {
        ElementType::I8 | ElementType::U8 => Ok(reals.iter().map(|x| q(x) as u8).collect()),
        ElementType::I16 => Ok(reals.iter().flat_map(|x| (q(x) as i16).to_le_bytes()).collect()),
        ElementType::I32 => Ok(reals.iter().flat_map(|x| q(x).to_le_bytes()).collect()),
        other => Err(DataProblem::Input(format!("the model's input is {}, which samples cannot become", other.name()))),
    }
}

impl Meaning {
    fn real(self, q: i32) -> f32 {
        (q - self.zero_point) as f32 * self.scale
    }
}

fn element(values: &Values) -> ElementType {
    match values {
        Values::F32(_) => ElementType::F32,
        Values::I8(_) => ElementType::I8,
        Values::U8(_) => ElementType::U8,
        Values::I16(_) => ElementType::I16,
    }
}

/// The values of the chosen samples, one sample after another; `of_sample` is their number and that of the channels in front.
fn gather<T: Copy, U>(values: &[T], of_sample: (usize, usize), samples: &[usize], convert: impl Fn(T) -> U) -> Vec<U> {
    let (sample_len, channels) = of_sample;
    let mut gathered = Vec::with_capacity(samples.len() * sample_len);
    for &sample in samples {
        let values = &values[sample * sample_len..][..sample_len];
        if channels == 1 {
            gathered.extend(values.iter().map(|&x| convert(x)));
        } else {
            let size = sample_len / channels;
            gathered.extend((0..sample_len).map(|i| convert(values[i % channels * size + i / channels])));
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: Values, scale: Option<f32>, zero_point: i32) -> DataSet {
        DataSet { scale, zero_point, ..DataSet::plain("set".into(), vec![2], values, [0; 32]) }
    }

    fn input(element: ElementType, quantization: Option<(f32, i32)>) -> Tensor {
        let mut tensor = Tensor::activation("input", element, [1, 2]);
        tensor.quantization = quantization.map(|(scale, zero_point)| Quantization::per_tensor(scale, zero_point));
        tensor
    }

    #[test]
    fn the_same_integers_pass_unchanged() {
        let data = set(Values::I8([-128, 127].into()), Some(0.5), 83);
        let input = input(ElementType::I8, Some((0.5, 83)));
        assert_eq!(model_samples(&data, meaning(&data, &input), &[0], &input).unwrap(), [128, 127]);
    }

    #[test]
    fn a_silent_set_of_the_inputs_type_holds_the_inputs_integers() {
        let data = set(Values::I8([-1, 1].into()), None, 0);
        let source = input(ElementType::I8, Some((0.25, 10)));
        assert_eq!(meaning(&data, &source), Meaning { scale: 0.25, zero_point: 10 });
        // A candidate with another grid then gets the same real values: -2.75 and -2.25.
        let candidate = input(ElementType::I8, Some((0.5, 0)));
        let bytes = model_samples(&data, meaning(&data, &source), &[0], &candidate).unwrap();
        assert_eq!(bytes, [-6_i8 as u8, -5_i8 as u8], "ties go away from zero");
    }

    #[test]
    fn pixels_are_real_numbers_to_a_float_model() {
        let data = set(Values::U8([0, 255].into()), None, 0);
        let input = input(ElementType::F32, None);
        assert_eq!(real_samples(&data, meaning(&data, &input), &[0], &input).unwrap(), [0.0, 255.0]);
    }

    #[test]
    fn values_beyond_the_range_saturate() {
        let data = set(Values::F32([1e9, f32::NEG_INFINITY].into()), None, 0);
        let input = input(ElementType::I8, Some((0.5, 0)));
        assert_eq!(model_samples(&data, meaning(&data, &input), &[0], &input).unwrap(), [127, 128]);
    }

    #[test]
    fn axes_of_extent_one_do_not_matter_but_order_does() {
        let fits = |sample: &[usize], wanted: &[usize]| {
            let mut data = set(Values::F32(vec![0.0; sample.iter().product()].into()), None, 0);
            data.sample_shape = sample.to_vec();
            check_shape(&data, &Tensor::activation("input", ElementType::F32, wanted)).is_ok()
        };
        assert!(fits(&[49, 10], &[1, 49, 10, 1]));
        assert!(fits(&[490], &[1, 49, 10, 1]));
        assert!(fits(&[128, 5], &[1, 640]));
        assert!(!fits(&[10, 49], &[1, 49, 10, 1]));
        assert!(!fits(&[32, 32, 3], &[1, 96, 96, 3]));
    }

    #[test]
    fn channels_in_front_go_last() {
        let mut data = set(Values::F32([1.0, 2.0, 3.0, 4.0, 5.0, 6.0].into()), None, 0);
        data.sample_shape = vec![2, 1, 3];
        let input = Tensor::activation("input", ElementType::F32, [1, 1, 3, 2]);
        let meaning = meaning(&data, &input);
        assert_eq!(real_samples(&data, meaning, &[0], &input).unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }

    #[test]
    fn where_shapes_do_not_tell_the_layout_is_asked_for() {
        let mut data = set(Values::F32([1.0, 2.0, 3.0, 4.0].into()), None, 0);
        let input = Tensor::activation("input", ElementType::F32, [1, 2, 2]);
        let meaning = meaning(&data, &input);
        let read = |data: &DataSet| real_samples(data, meaning, &[0], &input).unwrap();
        // As many channels as positions, or samples without a shape.
        for shape in [vec![2, 2], vec![4]] {
            data.sample_shape = shape;
            data.layout = None;
            assert!(check_layout(&data, &input, &[]).is_ok(), "a model that has channels last itself");
            assert_eq!(read(&data), [1.0, 2.0, 3.0, 4.0]);
            let error = check_layout(&data, &input, &[0, 2, 1]).unwrap_err().to_string();
            assert!(error.contains("--layout nchw or --layout nhwc"), "{error}");
            data.layout = Some(Layout::Nchw);
            assert!(check_layout(&data, &input, &[0, 2, 1]).is_ok());
            assert_eq!(read(&data), [1.0, 3.0, 2.0, 4.0]);
            data.layout = Some(Layout::Nhwc);
            assert_eq!(read(&data), [1.0, 2.0, 3.0, 4.0]);
        }
    }

    #[test]
    fn a_layout_that_the_shapes_contradict_is_refused() {
        let mut data = set(Values::F32(vec![0.0; 6].into()), None, 0);
        data.sample_shape = vec![2, 3];
        let input = Tensor::activation("input", ElementType::F32, [1, 3, 2]);
        data.layout = Some(Layout::Nhwc);
        assert!(matches!(check_shape(&data, &input), Err(DataProblem::Shape { .. })));
        data.layout = Some(Layout::Nchw);
        assert!(check_shape(&data, &input).is_ok());
        data.sample_shape = vec![3, 2];
        assert!(matches!(check_shape(&data, &input), Err(DataProblem::Shape { .. })));
    }
}
