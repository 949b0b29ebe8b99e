//! BATCH_MATMUL.

use super::super::schema::{BatchMatMulOptions, BatchMatMulOptionsArgs, BuiltinOperator, BuiltinOptions};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{BatchMatMul, Operands};
use crate::tensor::ElementType;

impl Mapping for BatchMatMul {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::BATCH_MATMUL];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        // Runtimes take a left-out table for "neither".
        let file = source.operator.builtin_options_as_batch_mat_mul_options();
        Ok(Self { adj_x: file.is_some_and(|o| o.adj_x()), adj_y: file.is_some_and(|o| o.adj_y()) })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        if super::asymmetric_inputs(operands, 1) {
            return 4;
        }
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)])
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let asymmetric_quantize_inputs = super::asymmetric_inputs(operands, 1);
        let args = BatchMatMulOptionsArgs { adj_x: self.adj_x, adj_y: self.adj_y, asymmetric_quantize_inputs };
        out.options(BuiltinOptions::BatchMatMulOptions, |builder| BatchMatMulOptions::create(builder, &args).value())
    }
}
