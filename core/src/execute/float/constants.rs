//! Constants as real numbers, whatever they are stored as.

use std::sync::Arc;

use crate::quant::Quantization;
use crate::tensor::{Data, Tensor};

/// The real values of a constant: floats as they are, half floats widened, quantized integers dequantized channel by channel.
///
/// # Errors
/// Why there are none, for people.
pub fn real_values(tensor: &Tensor) -> Result<Arc<[f32]>, String> {
    let data = tensor.data.as_ref().ok_or("it is not a constant")?;
    match data {
        Data::F32(v) => Ok(v.clone()),
        Data::F16(v) => Ok(v.iter().map(|&bits| half::f16::from_bits(bits).to_f32()).collect()),
        Data::Bool(_) | Data::Other(..) => Err(format!("its values are {}", data.element().name())),
        Data::I4(_) | Data::I8(_) | Data::U8(_) | Data::I16(_) | Data::I32(_) | Data::I64(_) => {
            let integers = data.to_i64().unwrap_or_default();
            match &tensor.quantization {
                Some(q) => dequantize(&integers, &tensor.shape, q),
                None => Err(format!("its values are {} without a scale", data.element().name())),
            }
        }
    }
}

/// The integers of a constant as floats, without their scales.
///
/// # Errors
/// Why there are none, for people.
pub(super) fn whole_values(tensor: &Tensor) -> Result<Arc<[f32]>, String> {
    let integers = tensor.data.as_ref().and_then(Data::to_i64).ok_or("its weights are no integers")?;
    Ok(integers.iter().map(|&value| value as f32).collect())
}

/// `(q - zero_point) * scale`, with the scale and zero point of each value's index along the axis.
fn dequantize(integers: &[i64], shape: &[usize], q: &Quantization) -> Result<Arc<[f32]>, String> {
    let (channels, inner) = match q.axis {
        None => (1, 1),
        Some(axis) => {
            let extent = shape.get(axis).copied().ok_or_else(|| format!("it has no axis {axis} for its scales"))?;
            (extent.max(1), shape[axis + 1..].iter().product::<usize>().max(1))
        }
    };
    let real = |(i, &value): (usize, &i64)| {
        let channel = i / inner % channels;
        // Exact in f64: 64-bit biases stay below 2^53 in any model that means something.
        ((value as f64 - f64::from(q.zero_point_of(channel))) * f64::from(q.scale_of(channel))) as f32
    };
    Ok(integers.iter().enumerate().map(real).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_channel_weights_take_the_scale_of_their_channel() {
        let data = Data::I8([2, 4, 6, 8, 10, 12].into());
        let axis_1 = Tensor::constant("w", [1, 3, 2], data.clone()).quantized(Quantization::per_channel([1.0, 0.5, 2.0], 1));
        assert_eq!(*real_values(&axis_1).unwrap(), [2.0, 4.0, 3.0, 4.0, 20.0, 24.0]);
        let whole = Tensor::constant("w", [6], data.clone()).quantized(Quantization::per_tensor(0.5, 2));
        assert_eq!(*real_values(&whole).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(real_values(&Tensor::constant("w", [6], data)).is_err());
    }

    #[test]
    fn half_floats_widen() {
        let tensor = Tensor::constant("w", [2], Data::F16([0x3c00, 0xc000].into()));
        assert_eq!(*real_values(&tensor).unwrap(), [1.0, -2.0]);
    }
}
