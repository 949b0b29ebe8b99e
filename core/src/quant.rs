//! How integers stand for real numbers: `real = (q - zero_point) * scale`, for a tensor or for each channel of one axis.
//!
//! Source: TFLite 8-bit quantization specification. Integer requantization is not here but in `tinsmith_runtime`.

use std::sync::Arc;

use crate::tensor::ElementType;

/// Scales and zero points of a quantized tensor. Cloning shares them.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantization {
    /// Real value of one step: one scale, or one for each index along [`Quantization::axis`].
    pub scales: Arc<[f32]>,
    /// The integer that stands for 0.0; as many as there are scales.
    pub zero_points: Arc<[i32]>,
    /// The axis that the scales run along; `None` for one scale for the whole tensor.
    pub axis: Option<usize>,
    /// For weights that float activations meet: whether LiteRT quantizes those with a zero point of their own, as the file says
    /// (`asymmetric_quantize_inputs` of FULLY_CONNECTED, BATCH_MATMUL and the recurrent layers). Means nothing elsewhere.
    pub asymmetric_inputs: bool,
}

impl Quantization {
    /// One scale and zero point for the whole tensor.
    pub fn per_tensor(scale: f32, zero_point: i32) -> Self {
        Self { scales: [scale].into(), zero_points: [zero_point].into(), axis: None, asymmetric_inputs: false }
    }

    /// Symmetric (zero points 0), one scale for each index along `axis`.
    pub fn per_channel(scales: impl Into<Arc<[f32]>>, axis: usize) -> Self {
        let scales = scales.into();
        let zero_points = vec![0; scales.len()].into();
        Self { scales, zero_points, axis: Some(axis), asymmetric_inputs: false }
    }

    /// The same for weights whose float activations are quantized with a zero point: see [`Quantization::asymmetric_inputs`].
    #[must_use]
    pub fn with_asymmetric_inputs(self, asymmetric_inputs: bool) -> Self {
        Self { asymmetric_inputs, ..self }
    }

    /// The first (for per-tensor quantization: the only) scale; 0 if there is none.
    pub fn scale(&self) -> f32 {
        self.scales.first().copied().unwrap_or(0.0)
    }

    /// The first (for per-tensor quantization: the only) zero point; 0 if there is none.
    pub fn zero_point(&self) -> i32 {
        self.zero_points.first().copied().unwrap_or(0)
    }

    /// Scale of one channel; the only scale if there is one for the whole tensor.
    pub fn scale_of(&self, channel_idx: usize) -> f32 {
        self.scales.get(channel_idx).copied().unwrap_or_else(|| self.scale())
    }

    /// Zero point of one channel; the only one if there is one for the whole tensor.
    pub fn zero_point_of(&self, channel_idx: usize) -> i32 {
        self.zero_points.get(channel_idx).copied().unwrap_or_else(|| self.zero_point())
    }

    /// Whether there is a scale for each channel of an axis.
    pub fn is_per_channel(&self) -> bool {
        self.axis.is_some()
    }

    /// The real number that `q` stands for in channel `channel_idx`.
    pub fn real_from_quantized(&self, q: i32, channel_idx: usize) -> f32 {
        (f64::from(q) - f64::from(self.zero_point_of(channel_idx))) as f32 * self.scale_of(channel_idx)
    }

    /// The integer of `element` nearest to `real` in a per-tensor quantization: ties away from zero, saturating, as TFLite's
    /// QUANTIZE (`TfLiteRound`).
    pub fn quantized_from_real(&self, real: f32, element: ElementType) -> i32 {
        let (lo, hi) = element.integer_range().unwrap_or((i32::MIN, i32::MAX));
        let q = (real / self.scale()).round() + self.zero_point() as f32;
        // `as` saturates and turns NaN into 0, so no input can panic here.
        (q as i64).clamp(lo.into(), hi.into()) as i32
    }
}
