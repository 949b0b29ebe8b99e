//! CONCATENATION, PACK, UNPACK, SPLIT, SPLIT_V.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, ConcatenationOptions, ConcatenationOptionsArgs, PackOptions, PackOptionsArgs, SplitOptions,
    SplitOptionsArgs, SplitVOptions, SplitVOptionsArgs, UnpackOptions, UnpackOptionsArgs,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Concatenation, Operands, Pack, Split, SplitV, Unpack};
use crate::tensor::ElementType;

impl Mapping for Concatenation {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::CONCATENATION];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_concatenation_options() else { return super::without_options() };
        Ok(Self { axis: file.axis(), activation: super::activation_from(file.fused_activation_function())? })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = ConcatenationOptionsArgs { axis: self.axis, fused_activation_function: super::activation_to(self.activation) };
        out.options(BuiltinOptions::ConcatenationOptions, |builder| ConcatenationOptions::create(builder, &args).value())
    }
}

impl Mapping for Pack {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::PACK];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_pack_options() else { return super::without_options() };
        let n_operands = source.operator.inputs().map_or(0, |inputs| inputs.len());
        if usize::try_from(file.values_count()) != Ok(n_operands) {
            return Err(Refusal(format!("stacks {} tensors but has {n_operands} operands", file.values_count())));
        }
        Ok(Self { axis: file.axis() })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)])
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = PackOptionsArgs { values_count: super::narrow(operands.len()), axis: self.axis };
        out.options(BuiltinOptions::PackOptions, |builder| PackOptions::create(builder, &args).value())
    }
}

impl Mapping for Unpack {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::UNPACK];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_unpack_options() else { return super::without_options() };
        Ok(Self { axis: file.axis(), n_parts: super::positive(file.num(), "number of parts")? })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::Bool, 3), (ElementType::I16, 4)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = UnpackOptionsArgs { num: super::narrow(self.n_parts), axis: self.axis };
        out.options(BuiltinOptions::UnpackOptions, |builder| UnpackOptions::create(builder, &args).value())
    }
}

impl Mapping for Split {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::SPLIT];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_split_options() else { return super::without_options() };
        Ok(Self { n_splits: super::positive(file.num_splits(), "number of parts")? })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 1, &[(ElementType::I8, 2), (ElementType::I32, 3), (ElementType::I16, 4)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = SplitOptionsArgs { num_splits: super::narrow(self.n_splits) };
        out.options(BuiltinOptions::SplitOptions, |builder| SplitOptions::create(builder, &args).value())
    }
}

impl Mapping for SplitV {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::SPLIT_V];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_split_voptions() else { return super::without_options() };
        Ok(Self { n_splits: super::positive(file.num_splits(), "number of parts")? })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = SplitVOptionsArgs { num_splits: super::narrow(self.n_splits) };
        out.options(BuiltinOptions::SplitVOptions, |builder| SplitVOptions::create(builder, &args).value())
    }
}
