//! Graph and samples in, outputs out: in floats ([`float`]) or in the device's own integers ([`int8`]).
//!
//! Both executors prepare a graph once and then run any number of samples. A sample's result depends neither on the number
//! of threads nor on which samples stand beside it: blocks have a fixed size and every sum a fixed order.
//!
//! Architecture invariant: knows no file format and no recipe.

pub mod batch;
pub mod executor;
pub mod fast;
pub mod float;
pub mod int8;
mod pool;
mod segments;

pub(crate) use float::data_operands;

use crate::graph::{CheckError, Graph, Node, NodeId};
use crate::ops::OpError;
use crate::progress::Cancelled;

/// Why a graph cannot be run, or was not run to the end.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExecuteError {
    /// An operator does not fit its operands.
    #[error("node {index} \"{node}\" ({op}): {source}")]
    Op {
        /// Position in execution order.
        index: usize,
        /// Name of the node.
        node: String,
        /// Name of the operator.
        op: String,
        /// What is wrong.
        source: OpError,
    },
    /// The operator is sound, but this executor cannot run it as it stands.
    #[error("node {index} \"{node}\" ({op}) cannot run: {reason}")]
    Unsupported {
        /// Position in execution order.
        index: usize,
        /// Name of the node.
        node: String,
        /// Name of the operator.
        op: String,
        /// Why, and what would help.
        reason: String,
    },
    /// The graph is not well formed.
    #[error(transparent)]
    Graph(#[from] CheckError),
    /// The samples do not fit the model's inputs.
    #[error("{0}")]
    Input(String),
    /// The activations of one sample take more memory than anybody's microcontroller, or this machine, has.
    #[error("the activations of one sample take {bytes} bytes, more than the {limit} that are allowed")]
    TooLarge {
        /// What they take.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Nobody wants the result any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ExecuteError {
    /// [`ExecuteError::Op`] about a node of `graph`.
    pub fn op(graph: &Graph, id: NodeId, source: OpError) -> Self {
        let (index, node, op) = place(id, graph.node(id));
        Self::Op { index, node, op, source }
    }

    /// [`ExecuteError::Unsupported`] about a node of `graph`.
    pub fn unsupported(graph: &Graph, id: NodeId, reason: impl Into<String>) -> Self {
        let (index, node, op) = place(id, graph.node(id));
        Self::Unsupported { index, node, op, reason: reason.into() }
    }
}

fn place(id: NodeId, node: &Node) -> (usize, String, String) {
    (id.index(), node.name.clone(), node.op.name().to_owned())
}
