//! TRANSPOSE, SLICE, STRIDED_SLICE, SHAPE.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, ShapeOptions, ShapeOptionsArgs, StridedSliceOptions, StridedSliceOptionsArgs, TensorType,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Operands, Shape, Slice, StridedSlice, Transpose};
use crate::tensor::ElementType;

impl Mapping for Transpose {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::TRANSPOSE];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let versions = [(ElementType::I8, 2), (ElementType::Bool, 3), (ElementType::I16, 5)];
        let by_type = super::version_by_type(operands, 0, &versions);
        match operands.optional(0).map_or(0, |t| t.shape.len()) {
            0..=4 => by_type,
            5 => by_type.max(4),
            _ => 6,
        }
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for Slice {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::SLICE];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let by_type = super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 4)]);
        if operands.optional(0).is_some_and(|t| t.shape.len() > 4) { by_type.max(5) } else { by_type }
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for StridedSlice {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::STRIDED_SLICE];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_strided_slice_options() else { return super::without_options() };
        // Masks are bits: the sign is one of them.
        Ok(Self {
            begin_mask: file.begin_mask() as u32,
            end_mask: file.end_mask() as u32,
            ellipsis_mask: file.ellipsis_mask() as u32,
            new_axis_mask: file.new_axis_mask() as u32,
            shrink_axis_mask: file.shrink_axis_mask() as u32,
            offset: file.offset(),
        })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let by_type = super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::Bool, 3)]);
        let high_rank = operands.optional(0).is_some_and(|t| t.shape.len() > 4);
        match () {
            () if self.offset => 8,
            () if self.ellipsis_mask != 0 || self.new_axis_mask != 0 => 6,
            () if high_rank => by_type.max(4),
            () => by_type,
        }
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = StridedSliceOptionsArgs {
            begin_mask: self.begin_mask as i32,
            end_mask: self.end_mask as i32,
            ellipsis_mask: self.ellipsis_mask as i32,
            new_axis_mask: self.new_axis_mask as i32,
            shrink_axis_mask: self.shrink_axis_mask as i32,
            offset: self.offset,
        };
        out.options(BuiltinOptions::StridedSliceOptions, |builder| StridedSliceOptions::create(builder, &args).value())
    }
}

impl Mapping for Shape {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::SHAPE];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, _operands: &Operands<'_>) -> i32 {
        1
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let is_wide = operands.declared_output(0).is_some_and(|t| t.element == ElementType::I64);
        let args = ShapeOptionsArgs { out_type: if is_wide { TensorType::INT64 } else { TensorType::INT32 } };
        out.options(BuiltinOptions::ShapeOptions, |builder| ShapeOptions::create(builder, &args).value())
    }
}
