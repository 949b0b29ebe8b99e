//! Time of one inference: an estimate from cycles per operation, layer by layer.
//!
//! Rates and their spread come from the device's profile. What the estimate cannot know: where tensors lie (PSRAM is many times
//! slower than internal RAM), the library's version, flash wait states other than those of the board that was measured.

use super::Estimate;
use super::device::{Arithmetic, Device, Rate, Stack};
use crate::graph::{Graph, Node};
use crate::ops::hybrid::is_hybrid;
use crate::ops::{Op, Operands};
use crate::tensor::ElementType;

/// Latency of one inference and of each node, microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// All nodes together; `None` if the stack has no rate for this model's arithmetic, or a node is not known.
    pub total_us: Option<Estimate>,
    /// Each node; `None` likewise.
    pub nodes_us: Vec<Option<Estimate>>,
}

/// Estimates the latency of `graph` on `device` with one of its stacks.
pub fn latency(graph: &Graph, device: &Device, stack: &Stack) -> Latency {
    let rate = arithmetic(graph).and_then(|a| stack.rate(a));
    let Some(rate) = rate else { return Latency { total_us: None, nodes_us: vec![None; graph.nodes.len()] } };
    let source = format!("{}, {} at {} MHz. {}", stack.name, device.name, device.clock_mhz, rate.source).into();
    let estimate = |cycles: f64| {
        let value = cycles / device.clock_mhz;
        Estimate { value, low: value / rate.spread, high: value * rate.spread, source: std::sync::Arc::clone(&source) }
    };
    let cycles: Vec<Option<f64>> = graph.nodes.iter().map(|n| node_cycles(graph, n, rate)).collect();
    let total: Option<f64> = cycles.iter().copied().sum();
    Latency { total_us: total.map(estimate), nodes_us: cycles.into_iter().map(|c| c.map(estimate)).collect() }
}

/// What the weighted layers compute in; for a graph without any, its tensors. `None` for a mixture and for other types,
/// and for hybrid layers: TensorFlow Lite Micro runs none, so nobody has measured them.
pub fn arithmetic(graph: &Graph) -> Option<Arithmetic> {
    if graph.nodes.iter().any(|node| is_hybrid(graph, node)) {
        return None;
    }
    let weighted = graph.nodes.iter().filter(|n| n.op.has_weights()).filter_map(|n| graph.input(n, 0));
    let mut elements: Vec<ElementType> = weighted.map(|t| t.element).collect();
    if elements.is_empty() {
        elements.extend(graph.nodes.iter().filter_map(|n| graph.input(n, 0)).map(|t| t.element));
    }
    elements.dedup();
    match elements.as_slice() {
        [ElementType::I8] => Some(Arithmetic::Int8),
        [ElementType::F32] => Some(Arithmetic::Float32),
        _ => None,
    }
}

fn node_cycles(graph: &Graph, node: &Node, rate: &Rate) -> Option<f64> {
    let operands = Operands::new(graph, node);
    let facts = node.op.facts();
    let macs = facts.macs(&operands) as f64;
    match &node.op {
        Op::Conv2d(_) => Some(macs * rate.conv),
        Op::DepthwiseConv2d(_) => Some(macs * rate.depthwise),
        Op::FullyConnected(_) => Some(macs * rate.dense),
        Op::Unknown(_) => None,
        // What computes nothing still moves its output.
        _ => Some(facts.elementwise(&operands).max(operands.n_output_elements()) as f64 * rate.other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::Quantization;
    use crate::tensor::Data;
    use crate::test_graph::small_net;

    #[test]
    fn a_hybrid_net_has_no_latency() {
        let mut graph = small_net();
        assert_eq!(arithmetic(&graph), Some(Arithmetic::Float32));
        let weights = graph.nodes[0].inputs[1].unwrap().index();
        let tensor = &mut graph.tensors[weights];
        (tensor.element, tensor.data) = (ElementType::I8, Some(Data::I8(vec![1; tensor.n_elements()].into())));
        tensor.quantization = Some(Quantization::per_tensor(0.5, 0));
        assert_eq!(arithmetic(&graph), None);
    }
}
