//! PAD, PADV2, MIRROR_PAD.

use super::super::schema::{BuiltinOperator, BuiltinOptions, MirrorPadMode, MirrorPadOptions, MirrorPadOptionsArgs};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{MirrorPad, Operands, Pad, PadV2};
use crate::tensor::ElementType;

impl Mapping for Pad {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::PAD];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let high_rank = operands.optional(0).is_some_and(|t| t.shape.len() > 4);
        let by_type = super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)]);
        if high_rank { 4 } else { by_type }
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for PadV2 {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::PADV2];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        Pad.version(operands)
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for MirrorPad {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::MIRROR_PAD];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_mirror_pad_options() else { return super::without_options() };
        match file.mode() {
            MirrorPadMode::REFLECT => Ok(Self { with_edge: false }),
            MirrorPadMode::SYMMETRIC => Ok(Self { with_edge: true }),
            other => Err(Refusal(format!("has mode {}, expected 0 (reflect) or 1 (symmetric)", other.0))),
        }
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = MirrorPadOptionsArgs { mode: if self.with_edge { MirrorPadMode::SYMMETRIC } else { MirrorPadMode::REFLECT } };
        out.options(BuiltinOptions::MirrorPadOptions, |builder| MirrorPadOptions::create(builder, &args).value())
    }
}
