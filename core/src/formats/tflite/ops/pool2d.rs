//! AVERAGE_POOL_2D and MAX_POOL_2D.

use super::super::schema::{BuiltinOperator, BuiltinOptions, Pool2DOptions, Pool2DOptionsArgs};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Operands, Pool2d, PoolKind};
use crate::tensor::ElementType;

impl Mapping for Pool2d {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::AVERAGE_POOL_2D, BuiltinOperator::MAX_POOL_2D];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_pool_2_doptions() else { return super::without_options() };
        let is_average = source.code == BuiltinOperator::AVERAGE_POOL_2D;
        Ok(Self {
            kind: if is_average { PoolKind::Average } else { PoolKind::Max },
            window: [super::positive(file.filter_height(), "window")?, super::positive(file.filter_width(), "window")?],
            stride: [super::positive(file.stride_h(), "stride")?, super::positive(file.stride_w(), "stride")?],
            padding: super::padding_from(file.padding())?,
            activation: super::activation_from(file.fused_activation_function())?,
        })
    }

    fn code(&self) -> BuiltinOperator {
        match self.kind {
            PoolKind::Average => BuiltinOperator::AVERAGE_POOL_2D,
            PoolKind::Max => BuiltinOperator::MAX_POOL_2D,
        }
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = Pool2DOptionsArgs {
            padding: super::padding_to(self.padding),
            stride_w: super::narrow(self.stride[1]),
            stride_h: super::narrow(self.stride[0]),
            filter_width: super::narrow(self.window[1]),
            filter_height: super::narrow(self.window[0]),
            fused_activation_function: super::activation_to(self.activation),
        };
        out.options(BuiltinOptions::Pool2DOptions, |builder| Pool2DOptions::create(builder, &args).value())
    }
}
