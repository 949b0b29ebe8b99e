//! What changes nothing: an identity, dropout at inference. No TFLite operator; removed before a model is written.

use super::{OpError, OpFacts, Operands};

/// The operand as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity;

impl OpFacts for Identity {
    fn name(&self) -> &str {
        "IDENTITY"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(vec![operands.get(0)?.shape.clone()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Identity".into()
    }
}
