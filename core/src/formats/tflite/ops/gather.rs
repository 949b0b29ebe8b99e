//! GATHER and CAST.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, CastOptions, CastOptionsArgs, GatherOptions, GatherOptionsArgs, TensorType,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Cast, Gather, Operands};
use crate::tensor::ElementType;

impl Mapping for Gather {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::GATHER];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        // Runtimes take a left-out table for the first axis.
        let file = source.operator.builtin_options_as_gather_options();
        Ok(Self { axis: file.map_or(0, |o| o.axis()), batch_dims: file.map_or(0, |o| o.batch_dims()) })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let versions = [(ElementType::I8, 2), (ElementType::Bool, 3), (ElementType::I16, 4), (ElementType::I4, 7)];
        let by_type = super::version_by_type(operands, 0, &versions);
        let by_indices = super::version_by_type(operands, 1, &[(ElementType::I16, 6)]);
        if self.batch_dims != 0 { by_type.max(by_indices).max(5) } else { by_type.max(by_indices) }
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = GatherOptionsArgs { axis: self.axis, batch_dims: self.batch_dims };
        out.options(BuiltinOptions::GatherOptions, |builder| GatherOptions::create(builder, &args).value())
    }
}

impl Mapping for Cast {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::CAST];

    /// The types in the options are those of the tensors.
    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let of = |element: Option<ElementType>| match element {
            Some(ElementType::I4) => 6,
            Some(ElementType::F16) => 5,
            Some(ElementType::I8) => 3,
            Some(ElementType::I16) => 2,
            _ => 1,
        };
        of(super::element(operands, 0)).max(of(operands.declared_output(0).map(|t| t.element)))
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let file_type = |element: Option<ElementType>| element.map_or(TensorType::FLOAT32, super::super::write::element_to);
        let args = CastOptionsArgs {
            in_data_type: file_type(super::element(operands, 0)),
            out_data_type: file_type(operands.declared_output(0).map(|t| t.element)),
        };
        out.options(BuiltinOptions::CastOptions, |builder| CastOptions::create(builder, &args).value())
    }
}
