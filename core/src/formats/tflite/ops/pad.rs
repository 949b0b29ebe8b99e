//! PAD.

use super::super::schema::BuiltinOperator;
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Operands, Pad};
use crate::tensor::ElementType;

impl Mapping for Pad {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::PAD];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let high_rank = operands.optional(0).is_some_and(|t| t.shape.len() > 4);
        let by_type = super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 4)]);
        if high_rank { by_type.max(3) } else { by_type }
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}
