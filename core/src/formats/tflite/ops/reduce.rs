//! MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD.

use super::super::schema::{BuiltinOperator, BuiltinOptions, ReducerOptions, ReducerOptionsArgs};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Operands, Reduce, ReduceKind};
use crate::tensor::ElementType;

impl Mapping for Reduce {
    const CODES: &'static [BuiltinOperator] = &[
        BuiltinOperator::MEAN,
        BuiltinOperator::SUM,
        BuiltinOperator::REDUCE_MAX,
        BuiltinOperator::REDUCE_MIN,
        BuiltinOperator::REDUCE_PROD,
    ];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let kind = match source.code {
            BuiltinOperator::MEAN => ReduceKind::Mean,
            BuiltinOperator::REDUCE_MAX => ReduceKind::Max,
            BuiltinOperator::REDUCE_MIN => ReduceKind::Min,
            BuiltinOperator::REDUCE_PROD => ReduceKind::Prod,
            _ => ReduceKind::Sum,
        };
        // Runtimes take a left-out table for "do not keep".
        let keep_dims = source.operator.builtin_options_as_reducer_options().is_some_and(|file| file.keep_dims());
        Ok(Self { kind, keep_dims })
    }

    fn code(&self) -> BuiltinOperator {
        match self.kind {
            ReduceKind::Mean => BuiltinOperator::MEAN,
            ReduceKind::Sum => BuiltinOperator::SUM,
            ReduceKind::Max => BuiltinOperator::REDUCE_MAX,
            ReduceKind::Min => BuiltinOperator::REDUCE_MIN,
            ReduceKind::Prod => BuiltinOperator::REDUCE_PROD,
        }
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let of_int16 = match self.kind {
            ReduceKind::Mean | ReduceKind::Max | ReduceKind::Min => 3,
            ReduceKind::Prod => 2,
            ReduceKind::Sum => 1,
        };
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, of_int16)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = ReducerOptionsArgs { keep_dims: self.keep_dims };
        out.options(BuiltinOptions::ReducerOptions, |builder| ReducerOptions::create(builder, &args).value())
    }
}
