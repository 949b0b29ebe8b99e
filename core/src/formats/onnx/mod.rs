//! ONNX model files (protobuf), operator sets 7 to 26.
//!
//! | file | what |
//! | --- | --- |
//! | `wire`, `proto` | the protobuf messages, read in place |
//! | `tensors` | initializers as typed values, data beside the model among them |
//! | `order` | cycles, dangling and doubled values found, nodes sorted |
//! | `read` | the file as a graph, node by node |
//! | `fold` | arithmetic on what is known while importing |
//! | `view`, `permute` | NCHW to NHWC: how axes of the source lie in the graph, constants in another order |
//! | `builder`, `call` | the graph as it grows; a node with its operands |
//! | `ends` | the order of inputs and outputs |
//! | `integers` | layers between DEQUANTIZE and QUANTIZE read and write integers |
//! | `ops/` | each operator as what the graph has for it |
//!
//! Architecture invariant: the messages are read with a reader of our own, not with a protobuf library: it copies nothing and
//! does not recurse, so a file of a few bytes cannot become a tree of megabytes, and weights are copied once.

mod builder;
mod call;
mod ends;
mod fold;
mod integers;
mod ops;
mod order;
mod permute;
mod proto;
mod read;
mod tensors;
mod view;
mod wire;

use super::budget::Budget;
use builder::Fail;
use call::Call;
pub(super) use read::import;
use tensors::{Constant, Tensors};

use crate::tensor::Data;

/// Name of the format, for people.
pub(super) const NAME: &str = "ONNX";
/// How names of such files end.
pub(super) const SUFFIXES: &[&str] = &["onnx"];

/// Whether the bytes look like a model: protobuf has no identifier, but the fields of a model and their types are known.
pub(super) fn matches(bytes: &[u8]) -> bool {
    let mut n_telling = 0;
    for field in wire::Fields::new(bytes, "model") {
        // What is cut off at the end is called so later.
        let Ok(field) = field else { break };
        let is_text = matches!(field.wire, wire::Wire::Bytes(_));
        match field.number {
            1 | 5 if !is_text => n_telling += usize::from(field.number == 1),
            7 | 8 if is_text => n_telling += 1,
            2..=4 | 6 | 14 | 20 | 25 if is_text => {}
            _ => return false,
        }
    }
    n_telling > 0
}

/// The value of a Constant node.
fn constant_node(call: &Call<'_, '_>, tensors: &mut Tensors<'_>, budget: &mut Budget) -> Result<Constant, Fail> {
    if let Some(bytes) = call.tensor("value") {
        return Ok(tensors.decode(&proto::Tensor::read(bytes)?, budget)?);
    }
    if call.has("value_float") {
        return Ok(Constant::new(vec![], Data::F32([call.float("value_float", 0.0)].into())));
    }
    if call.has("value_int") {
        return Ok(Constant::new(vec![], Data::I64([call.integer("value_int", 0)].into())));
    }
    if let Some(list) = call.floats("value_floats").filter(|_| call.has("value_floats")) {
        return Ok(Constant::new(vec![list.len()], Data::F32(list.into())));
    }
    if let Some(list) = call.integers("value_ints").filter(|_| call.has("value_ints")) {
        return Ok(Constant::new(vec![list.len()], Data::I64(list.into())));
    }
    builder::refuse("holds text or a sparse tensor, which is not read")
}

/// A small tensor in an attribute.
fn attribute_tensor(call: &Call<'_, '_>, bytes: &[u8]) -> Result<Constant, Fail> {
    let tensor = proto::Tensor::read(bytes)?;
    if tensor.is_external {
        return Err(call.broken("an attribute whose values lie in another file"));
    }
    let mut tensors = Tensors { folder: None, n_other_floats: 0, outside_bytes: 0 };
    Ok(tensors.decode(&tensor, &mut Budget::for_file(bytes))?)
}
