//! Tensors as plain data: element type, shape, quantization and, for constants, the values.
//!
//! Knows nothing of graphs, operators or files.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::quant::Quantization;

/// The type of one element of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ElementType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// Two's complement, 4 bits; two to a byte in files, low nibble first.
    I4,
    /// Two's complement, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// Two's complement, 16 bits.
    I16,
    /// Two's complement, 32 bits.
    I32,
    /// Two's complement, 64 bits.
    I64,
    /// One byte, zero or one.
    Bool,
    /// A type that Tinsmith shows but does not compute with; the number is the TFLite schema's `TensorType`.
    Other(i8),
}

impl ElementType {
    /// The name shown to the user, as in TFLite documentation: `float32`, `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::I4 => "int4",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Bool => "bool",
            Self::Other(_) => "other",
        }
    }

    /// Bits of one element; `None` for types of unknown width.
    pub fn bits(self) -> Option<usize> {
        match self {
            Self::I4 => Some(4),
            Self::I8 | Self::U8 | Self::Bool => Some(8),
            Self::F16 | Self::I16 => Some(16),
            Self::F32 | Self::I32 => Some(32),
            Self::I64 => Some(64),
            Self::Other(_) => None,
        }
    }

    /// Bytes that `n` elements take in memory and in a file; `None` if unknown or too many to count.
    pub fn byte_len(self, n: usize) -> Option<usize> {
        Some(n.checked_mul(self.bits()?)?.div_ceil(8))
    }

    /// Smallest and largest value of an integer type of at most 32 bits.
    pub fn integer_range(self) -> Option<(i32, i32)> {
        match self {
            Self::I4 => Some((-8, 7)),
            Self::I8 => Some((i8::MIN.into(), i8::MAX.into())),
            Self::U8 => Some((0, u8::MAX.into())),
            Self::I16 => Some((i16::MIN.into(), i16::MAX.into())),
            Self::I32 => Some((i32::MIN, i32::MAX)),
            Self::F32 | Self::F16 | Self::I64 | Self::Bool | Self::Other(_) => None,
        }
    }
}

/// The values of a constant, in row-major order. Cloning shares them.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Single precision values.
    F32(Arc<[f32]>),
    /// Half precision values as their bits.
    F16(Arc<[u16]>),
    /// 4-bit values, one to an `i8`, each in -8..=7.
    I4(Arc<[i8]>),
    /// 8-bit values.
    I8(Arc<[i8]>),
    /// Unsigned 8-bit values.
    U8(Arc<[u8]>),
    /// 16-bit values.
    I16(Arc<[i16]>),
    /// 32-bit values.
    I32(Arc<[i32]>),
    /// 64-bit values.
    I64(Arc<[i64]>),
    /// Bytes that are zero or one.
    Bool(Arc<[u8]>),
    /// The bytes of a type that is only shown.
    Other(i8, Arc<[u8]>),
}

impl Data {
    /// The element type of these values.
    pub fn element(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F16(_) => ElementType::F16,
            Self::I4(_) => ElementType::I4,
            Self::I8(_) => ElementType::I8,
            Self::U8(_) => ElementType::U8,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
            Self::Bool(_) => ElementType::Bool,
            Self::Other(code, _) => ElementType::Other(*code),
        }
    }

    /// Number of elements (bytes for [`Data::Other`]).
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F16(v) => v.len(),
            Self::I4(v) | Self::I8(v) => v.len(),
            Self::U8(v) | Self::Bool(v) | Self::Other(_, v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as they lie in memory here, 4-bit values one to a byte: for hashing and comparing.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::F32(v) => bytemuck::cast_slice(v),
            Self::F16(v) => bytemuck::cast_slice(v),
            Self::I4(v) | Self::I8(v) => bytemuck::cast_slice(v),
            Self::U8(v) | Self::Bool(v) | Self::Other(_, v) => v,
            Self::I16(v) => bytemuck::cast_slice(v),
            Self::I32(v) => bytemuck::cast_slice(v),
            Self::I64(v) => bytemuck::cast_slice(v),
        }
    }

    /// The values as single precision, if that is their type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let Self::F32(v) = self { Some(v) } else { None }
    }

    /// The values as `i8`: 8-bit values, or 4-bit values one to an `i8`.
    pub fn as_i8(&self) -> Option<&[i8]> {
        if let Self::I8(v) | Self::I4(v) = self { Some(v) } else { None }
    }

    /// The values as `i32`, if that is their type.
    pub fn as_i32(&self) -> Option<&[i32]> {
        if let Self::I32(v) = self { Some(v) } else { None }
    }

    /// Integers of any width as `i64`: axes, shapes, paddings, biases. `None` for floats and unknown types.
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        match self {
            Self::I4(v) | Self::I8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::U8(v) | Self::Bool(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::I16(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::I32(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::I64(v) => Some(v.to_vec()),
            Self::F32(_) | Self::F16(_) | Self::Other(..) => None,
        }
    }
}

/// One value of a graph: an activation, or a constant if it has [`Tensor::data`].
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name in the source file; may be empty or not unique.
    pub name: String,
    /// Extents, outermost first; images are `[batch, height, width, channels]`. Batch is 1 after import. `[]` is a scalar.
    pub shape: Vec<usize>,
    /// Type of one element.
    pub element: ElementType,
    /// How integers stand for real numbers; `None` for plain numbers.
    pub quantization: Option<Quantization>,
    /// The values, for constants.
    pub data: Option<Data>,
    /// Keeps its value from one inference to the next (the state of a recurrent layer).
    pub is_variable: bool,
}

impl Tensor {
    /// An activation: no values, no quantization.
    pub fn activation(name: impl Into<String>, element: ElementType, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into(), element, quantization: None, data: None, is_variable: false }
    }

    /// A constant with the given values and shape; the caller makes their lengths agree.
    pub fn constant(name: impl Into<String>, shape: impl Into<Vec<usize>>, data: Data) -> Self {
        Self {
            name: name.into(),
            shape: shape.into(),
            element: data.element(),
            quantization: None,
            data: Some(data),
            is_variable: false,
        }
    }

    /// The same tensor with a quantization.
    #[must_use]
    pub fn quantized(mut self, quantization: Quantization) -> Self {
        self.quantization = Some(quantization);
        self
    }

    /// Product of the extents, 1 for a scalar; `usize::MAX` if it does not fit (the graph check refuses such shapes).
    pub fn n_elements(&self) -> usize {
        self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).unwrap_or(usize::MAX)
    }

    /// Bytes of all elements; 0 for types of unknown width.
    pub fn n_bytes(&self) -> usize {
        self.element.byte_len(self.n_elements()).unwrap_or(0)
    }

    /// Whether the tensor has values of its own.
    pub fn is_constant(&self) -> bool {
        self.data.is_some()
    }
}
