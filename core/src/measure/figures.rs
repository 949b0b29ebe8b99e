//! All figures that follow from a graph without running it.

use std::collections::HashMap;
use std::ops::Range;

use super::device::Device;
use super::{ArenaFigures, LayerFigures, SizeFigures, StaticFigures, arena, energy, latency, obstacles};
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Op, Operands};
use crate::tensor::{Data, ElementType, Tensor};

/// Size, MACs, arena, latency, energy and obstacles of `graph`, which is exported as a file of `file_bytes`, on `device` with
/// its preferred software.
pub fn static_figures(graph: &Graph, file_bytes: u64, device: &Device) -> StaticFigures {
    let latency = latency::latency(graph, device, device.stack());
    let nodes = graph.node_ids().zip(latency.nodes_us);
    let layers: Vec<LayerFigures> = nodes.map(|(id, us)| LayerFigures { latency_us: us, ..layer_figures(graph, id) }).collect();
    let sum = |of: fn(&LayerFigures) -> u64| layers.iter().map(of).fold(0, u64::saturating_add);
    let size = size_figures(graph, file_bytes);
    let arena: ArenaFigures = arena::arena_figures(graph, device.core.abi());
    let power = device.active_power.as_ref();
    StaticFigures {
        parameters: parameters(graph),
        macs: sum(|l| l.macs),
        flops: sum(|l| l.flops),
        energy_uj: latency.total_us.as_ref().zip(power).map(|(us, mw)| energy::energy(us, mw)),
        latency_us: latency.total_us,
        obstacles: obstacles::obstacles(graph, device, &size, &arena),
        size,
        arena,
        layers,
        front_end: None,
    }
}

/// Where the bytes of a file of `file_bytes` go. Equal constants are counted once, as the exporter writes them once.
pub fn size_figures(graph: &Graph, file_bytes: u64) -> SizeFigures {
    let roles = roles(graph);
    let mut figures = SizeFigures { file_bytes, ..SizeFigures::default() };
    let mut seen: HashMap<Fingerprint, Vec<&Data>> = HashMap::new();
    for (tensor, role) in graph.tensors.iter().zip(roles) {
        let (Some(data), Some(role)) = (&tensor.data, role) else { continue };
        let alike = seen.entry(fingerprint(data)).or_default();
        if alike.contains(&data) {
            continue;
        }
        alike.push(data);
        let bytes = constant_bytes(tensor, data);
        match role {
            Role::Weights => figures.weights_bytes += bytes,
            Role::Bias => figures.bias_bytes += bytes,
            Role::Other => figures.other_constants_bytes += bytes,
        }
    }
    let constants = figures.weights_bytes + figures.bias_bytes + figures.other_constants_bytes;
    figures.structure_bytes = file_bytes.saturating_sub(constants);
    figures
}

/// What a constant is to the nodes that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Other,
    Bias,
    Weights,
}

/// The role of each tensor that a node reads; the weightiest, if several.
fn roles(graph: &Graph) -> Vec<Option<Role>> {
    let mut roles = vec![None; graph.tensors.len()];
    for node in &graph.nodes {
        let [weights, biases] = node.op.trained_operands();
        for (index, id) in node.inputs.iter().enumerate() {
            let role = match () {
                () if weights.contains(&index) => Role::Weights,
                () if biases.contains(&index) => Role::Bias,
                () => Role::Other,
            };
            if let Some(id) = id {
                let slot: &mut Option<Role> = &mut roles[id.index()];
                *slot = (*slot).max(Some(role));
            }
        }
    }
    roles
}

/// Type, length, and the first, middle and last value: equal for equal constants, and nearly always different for others.
type Fingerprint = (ElementType, usize, [u64; 3]);

fn fingerprint(data: &Data) -> Fingerprint {
    let n = data.len();
    let at = |i: usize| match data {
        Data::F32(v) => v[i].to_bits().into(),
        Data::F16(v) => v[i].into(),
        Data::I4(v) | Data::I8(v) => v[i] as u64,
        Data::U8(v) | Data::Bool(v) | Data::Other(_, v) => v[i].into(),
        Data::I16(v) => v[i] as u64,
        Data::I32(v) => v[i] as u64,
        Data::I64(v) => v[i] as u64,
    };
    (data.element(), n, if n == 0 { [0; 3] } else { [at(0), at(n / 2), at(n - 1)] })
}

fn constant_bytes(tensor: &Tensor, data: &Data) -> u64 {
    match tensor.element.byte_len(data.len()) {
        Some(bytes) => bytes as u64,
        None => data.len() as u64,
    }
}

/// Elements of weights and biases, shared ones once.
pub fn parameters(graph: &Graph) -> u64 {
    let trained = graph.tensors.iter().zip(roles(graph));
    let trained = trained.filter(|(t, role)| t.is_constant() && role.is_some_and(|r| r > Role::Other));
    trained.map(|(t, _)| t.n_elements() as u64).fold(0, u64::saturating_add)
}

fn layer_figures(graph: &Graph, id: NodeId) -> LayerFigures {
    let node = graph.node(id);
    let operands = Operands::new(graph, node);
    let facts = node.op.facts();
    let output = graph.output(node, 0);
    let constants = |range: Range<usize>| range.filter_map(|index| graph.input(node, index)).filter(|t| t.is_constant());
    let bytes = |range| constants(range).filter_map(|t| Some(constant_bytes(t, t.data.as_ref()?))).sum();
    let elements = |range| constants(range).map(|t| t.n_elements() as u64).fold(0, u64::saturating_add);
    let [weights, biases] = node.op.trained_operands();
    let macs = facts.macs(&operands);
    LayerFigures {
        node: id,
        name: node.name.clone(),
        label: label(node, &operands),
        output_shape: output.map_or_else(Vec::new, |t| t.shape.clone()),
        output_bytes: output.map_or(0, |t| t.n_bytes() as u64),
        scheme: constants(weights.clone()).next().or(output).map_or_else(String::new, |tensor| scheme(tensor, output)),
        weights_bytes: bytes(weights.clone()),
        bias_bytes: bytes(biases.clone()),
        parameters: elements(weights).saturating_add(elements(biases)),
        macs,
        flops: macs.saturating_mul(2).saturating_add(facts.elementwise(&operands)),
        latency_us: None,
    }
}

/// `Conv 10×4, ReLU`.
fn label(node: &Node, operands: &Operands<'_>) -> String {
    let facts = node.op.facts();
    match facts.activation().name() {
        "" => facts.label(operands),
        activation => format!("{}, {activation}", facts.label(operands)),
    }
}

/// `int8 channel`: element type, `int16x8` for weights beside an output of 16 bits, and whether each channel has a scale.
fn scheme(tensor: &Tensor, output: Option<&Tensor>) -> String {
    let per_channel = tensor.quantization.as_ref().is_some_and(|q| q.scales.len() > 1);
    let is_wide = tensor.is_constant() && output.is_some_and(|output| output.element == ElementType::I16);
    let element = if is_wide { "int16x8" } else { tensor.element.name() };
    format!("{element}{}", if per_channel { " channel" } else { "" })
}

/// The weights of a dense layer, if they have a scale for each channel.
pub(super) fn per_channel_dense(graph: &Graph, node: &Node) -> Option<TensorId> {
    let weights = (*node.inputs.get(1)?)?;
    let many = graph.tensor(weights).quantization.as_ref().is_some_and(|q| q.scales.len() > 1);
    (matches!(node.op, Op::FullyConnected(_)) && many).then_some(weights)
}
