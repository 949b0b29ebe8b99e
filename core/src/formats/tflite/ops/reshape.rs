//! RESHAPE, SQUEEZE, EXPAND_DIMS.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, ReshapeOptions, ReshapeOptionsArgs, SqueezeOptions, SqueezeOptionsArgs,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{ExpandDims, Operands, Reshape, Squeeze};

impl Mapping for Reshape {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::RESHAPE];

    /// Kernels look at the attribute only where there is no constant operand, so it is forgotten there: it would cost
    /// flash on export.
    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let file = source.operator.builtin_options_as_reshape_options();
        let new_shape = file.filter(|_| !source.has_constant_operand_1).and_then(|file| file.new_shape());
        Ok(Self { new_shape: new_shape.map_or_else(Vec::new, |shape| shape.iter().collect()) })
    }

    fn version(&self, _operands: &Operands<'_>) -> i32 {
        1
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        if self.new_shape.is_empty() {
            return None;
        }
        out.options(BuiltinOptions::ReshapeOptions, |builder| {
            let new_shape = Some(builder.create_vector(&self.new_shape));
            ReshapeOptions::create(builder, &ReshapeOptionsArgs { new_shape }).value()
        })
    }
}

impl Mapping for Squeeze {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::SQUEEZE];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let axes = source.operator.builtin_options_as_squeeze_options().and_then(|file| file.squeeze_dims());
        Ok(Self { axes: axes.map_or_else(Vec::new, |axes| axes.iter().collect()) })
    }

    fn version(&self, _operands: &Operands<'_>) -> i32 {
        1
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        out.options(BuiltinOptions::SqueezeOptions, |builder| {
            let squeeze_dims = Some(builder.create_vector(&self.axes));
            SqueezeOptions::create(builder, &SqueezeOptionsArgs { squeeze_dims }).value()
        })
    }
}

impl Mapping for ExpandDims {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::EXPAND_DIMS];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, _operands: &Operands<'_>) -> i32 {
        1
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}
