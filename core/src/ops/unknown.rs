//! An operator that Tinsmith does not know: shown in the graph, not run, not exported.

use super::{OpError, OpFacts, Operands};

/// What the file says of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The builtin operator's name, or the custom operator's code string.
    pub name: String,
    /// The operator is custom: only its author's runtime can run it.
    pub is_custom: bool,
}

impl OpFacts for Unknown {
    fn name(&self) -> &str {
        &self.name
    }

    fn output_shapes(&self, _operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Err(OpError::Unknown(self.name.clone()))
    }

    /// Nothing is known, so nothing is counted; whoever sums up says that the sum leaves this node out.
    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        self.name.clone()
    }
}
