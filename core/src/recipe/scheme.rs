//! What a layer's weights and activations become, from floats down to single bits.

use serde::{Deserialize, Serialize};

/// What weights and activations become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Scheme {
    /// As it came.
    Float32,
    /// Half-precision weights, made single again before they are used; activations stay floats.
    Float16,
    /// int8 weights, float activations that LiteRT quantizes at each inference ("dynamic range"). Layers of few weights, and operators
    /// without such a kernel, stay as they came.
    Dynamic,
    /// int8 weights and activations, int32 biases: integer arithmetic throughout.
    #[default]
    Int8,
    /// int8 weights, int16 activations, int64 biases ("16x8"). Activations are symmetric: their zero point is 0. Operators
    /// without such a kernel are as in [`Scheme::Int8`].
    Int16x8,
    /// As [`Scheme::Int8`], with 4-bit weights.
    Int4,
    /// As [`Scheme::Int4`], with a factor from 1 to 15 for each 32 weights of a channel; as [`Scheme::Int4`] itself where a channel has
    /// no more, or its weights do not lie side by side (depthwise convolution).
    Int4Blocks,
    /// As [`Scheme::Int8`], with weights that are -1, 0 or 1 times their channel's scale.
    Ternary,
    /// As [`Scheme::Int8`], with weights that are -1 or 1 times their channel's scale.
    Binary,
}

impl Scheme {
    /// All, the most exact first.
    pub const ALL: [Self; 9] = [
        Self::Float32,
        Self::Float16,
        Self::Int16x8,
        Self::Dynamic,
        Self::Int8,
        Self::Int4Blocks,
        Self::Int4,
        Self::Ternary,
        Self::Binary,
    ];

    /// The name, on the command line and in the window: `int4-blocks`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Dynamic => "dynamic",
            Self::Int16x8 => "int16x8",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::Int4Blocks => "int4-blocks",
            Self::Ternary => "ternary",
            Self::Binary => "binary",
        }
    }

    /// The scheme of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether activations are integers, whose ranges have to be known.
    pub fn is_integer(self) -> bool {
        self.activation_bits().is_some()
    }

    /// Bits of an activation; `None` if activations are floats.
    pub fn activation_bits(self) -> Option<u32> {
        match self {
            Self::Float32 | Self::Float16 | Self::Dynamic => None,
            Self::Int16x8 => Some(16),
            Self::Int8 | Self::Int4 | Self::Int4Blocks | Self::Ternary | Self::Binary => Some(8),
        }
    }
}
