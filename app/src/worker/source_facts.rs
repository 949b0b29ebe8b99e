//! What there is to say of a model as it came: its kinds of operators, and what an engineer would want to be told.

use std::sync::Arc;

use tinsmith_core::graph::{Graph, Node, NodeId, Note, Severity};
use tinsmith_core::measure::device::Device;
use tinsmith_core::measure::weights::weight_stats;
use tinsmith_core::measure::{Lifetime, StaticFigures};
use tinsmith_core::ops::{BinaryKind, Op, Operands};
use tinsmith_core::preview::Source;

use crate::gui::panels::graph::short_name;
use crate::gui::units;

/// Of findings of one sort at most so many are told one by one.
const MAX_ALIKE: usize = 4;

/// So many notes of the file's reader are told.
const MAX_NOTES: usize = 3 * MAX_ALIKE;

/// The layers with the worst channels are named, the others counted.
const MAX_OUTLIERS: usize = 2;

/// Bits lost to a single scale from which on a layer is worth a sentence.
const MIN_WASTED_BITS: f64 = 0.5;

/// What there is to say of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFacts {
    /// Its operators by kind, the one with the most multiply-accumulates first.
    pub kinds: Vec<Kind>,
    /// Plain sentences.
    pub findings: Vec<Finding>,
}

impl SourceFacts {
    /// What is told if the model could not be looked over.
    pub(super) fn unknown(why: String) -> Self {
        Self { kinds: Vec::new(), findings: vec![finding(Tone::Warning, sentence(&why), None)] }
    }
}

/// All operators that people call by the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `Conv 1×1`.
    pub name: String,
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Trained numbers.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
}

/// How a sentence is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Worth knowing.
    Plain,
    /// Worth acting on.
    Warning,
}

/// One plain sentence, and the node it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is meant.
    pub tone: Tone,
    /// What was found, and what follows.
    pub text: String,
    /// Name of the node to look at.
    pub node: Option<String>,
}

/// Looks a model over; `statics` are the figures of just this model on just this board.
pub(super) fn source_facts(source: &Source, statics: &StaticFigures, device: &Device) -> SourceFacts {
    let graph = &*source.graph;
    let mut findings = kernels(graph, statics, device);
    findings.extend(batch_norms(graph));
    findings.extend(ram_peak(graph, &statics.arena.lifetimes));
    findings.extend(kept_alive(graph, &statics.arena.lifetimes));
    findings.extend(outliers(graph));
    findings.extend(import_notes(graph));
    SourceFacts { kinds: kinds(graph, statics), findings }
}

fn kinds(graph: &Graph, statics: &StaticFigures) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for layer in &statics.layers {
        let node = graph.node(layer.node);
        let name = node.op.facts().label(&Operands::new(graph, node));
        let at = kinds.iter().position(|k| k.name == name).unwrap_or_else(|| {
            kinds.push(Kind { name, nodes: Vec::new(), parameters: 0, macs: 0 });
            kinds.len() - 1
        });
        let kind = &mut kinds[at];
        kind.nodes.push(node.name.clone());
        kind.parameters += layer.parameters;
        kind.macs += layer.macs;
    }
    kinds.sort_by_key(|k| std::cmp::Reverse((k.macs, k.parameters, k.nodes.len())));
    kinds
}

fn finding(tone: Tone, text: String, node: Option<&Node>) -> Finding {
    Finding { tone, text, node: node.map(|n| n.name.clone()) }
}

/// Whether the board's runtime has a kernel for everything, and else what stands in the way.
fn kernels(graph: &Graph, statics: &StaticFigures, device: &Device) -> Vec<Finding> {
    let about_node = |note: &&Note| note.node.is_some() && note.severity == Severity::Obstacle;
    let stopped: Vec<&Note> = statics.obstacles.iter().filter(about_node).collect();
    if stopped.is_empty() {
        let text = format!("Every op has a kernel in TensorFlow Lite Micro, which runs on {}.", device.name);
        return vec![finding(Tone::Good, text, None)];
    }
    let one = |note: &&Note| finding(Tone::Warning, sentence(&note.text), note.node.map(|id| graph.node(id)));
    let mut findings: Vec<Finding> = stopped.iter().take(MAX_ALIKE).map(one).collect();
    if stopped.len() > MAX_ALIKE {
        let text = format!("{} more ops have no kernel in TensorFlow Lite Micro.", stopped.len() - MAX_ALIKE);
        findings.push(finding(Tone::Warning, text, None));
    }
    findings
}

/// A scale or a shift by constants right after a layer with weights: what a converter leaves of a BatchNorm.
fn batch_norms(graph: &Graph) -> Option<Finding> {
    let (producers, consumers) = (graph.producers(), graph.consumers());
    let is_left_over = |id: &NodeId| {
        let node = graph.node(*id);
        if !matches!(node.op, Op::Binary(_)) {
            return false;
        }
        let operands = [graph.input(node, 0), graph.input(node, 1)];
        let by_constant = operands.iter().flatten().filter(|t| t.is_constant()).count() == 1;
        let from_weights = node.inputs.iter().flatten().any(|t| {
            let maker = producers[t.index()].map(|id| &graph.node(id).op);
            let scaled = |op: &Op| matches!(op, Op::Binary(b) if b.kind == BinaryKind::Mul);
            maker.is_some_and(|op| op.has_weights() || scaled(op)) && consumers[t.index()].len() == 1
        });
        by_constant && from_weights
    };
    let left: Vec<NodeId> = graph.node_ids().filter(is_left_over).collect();
    let first = graph.node(*left.first()?);
    let text = match left.len() {
        1 => format!(
            "{} scales or shifts by a constant right after a layer: a BatchNorm that the converter did not fold.",
            short_name(&first.name)
        ),
        n => format!("{n} ops scale or shift by constants right after a layer: BatchNorms that the converter did not fold."),
    };
    Some(finding(Tone::Plain, text, Some(first)))
}

/// The node during which most bytes are alive; as many as are alive then.
fn peak_of(graph: &Graph, lifetimes: &[Lifetime]) -> Option<(NodeId, u64)> {
    let bytes = bytes_alive(graph.nodes.len(), lifetimes);
    let (index, &most) = bytes.iter().enumerate().max_by_key(|&(i, &b)| (b, std::cmp::Reverse(i)))?;
    (most > 0).then(|| (NodeId::new(index), most))
}

fn is_alive(life: &Lifetime, node: usize) -> bool {
    (life.first_node..=life.last_node).contains(&node)
}

/// Bytes alive during each node, in one pass.
fn bytes_alive(n_nodes: usize, lifetimes: &[Lifetime]) -> Vec<u64> {
    let mut change = vec![0i64; n_nodes + 1];
    for life in lifetimes.iter().filter(|l| l.last_node < n_nodes) {
        change[life.first_node] += life.bytes as i64;
        change[life.last_node + 1] -= life.bytes as i64;
    }
    let mut sum = 0;
    change[..n_nodes]
        .iter()
        .map(|c| {
            sum += c;
            sum.max(0) as u64
        })
        .collect()
}

fn ram_peak(graph: &Graph, lifetimes: &[Lifetime]) -> Option<Finding> {
    let (id, bytes) = peak_of(graph, lifetimes)?;
    let n = lifetimes.iter().filter(|l| is_alive(l, id.index())).count();
    let node = graph.node(id);
    let text = format!(
        "{} sets the RAM peak: {n} tensors, together {}, are alive while it runs.",
        short_name(&node.name),
        units::bytes(bytes).joined()
    );
    Some(finding(Tone::Plain, text, Some(node)))
}

/// Tensors that wait for a node far below: residuals.
fn kept_alive(graph: &Graph, lifetimes: &[Lifetime]) -> Vec<Finding> {
    let (producers, consumers) = (graph.producers(), graph.consumers());
    let peak = peak_of(graph, lifetimes).map(|(id, _)| id.index());
    let mut waiting: Vec<(u64, Finding)> = lifetimes
        .iter()
        .filter_map(|life| {
            let maker = producers[life.tensor.index()]?;
            let reader = *consumers[life.tensor.index()].last()?;
            let n_ops = reader.index().checked_sub(maker.index() + 1).filter(|n| *n > 0)?;
            let part = if peak.is_some_and(|p| is_alive(life, p)) { ", part of the RAM peak" } else { "" };
            let ops = if n_ops == 1 { "1 op".to_owned() } else { format!("{n_ops} ops") };
            let reader = graph.node(reader);
            let text = format!(
                "{} keeps the output of {} alive over {ops}: {}{part}.",
                short_name(&reader.name),
                short_name(&graph.node(maker).name),
                units::bytes(life.bytes).joined()
            );
            Some((life.bytes * n_ops as u64, finding(Tone::Plain, text, Some(reader))))
        })
        .collect();
    waiting.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    waiting.into_iter().take(MAX_ALIKE).map(|(_, finding)| finding).collect()
}

/// Layers of which a few channels would widen a scale that all channels share.
fn outliers(graph: &Graph) -> Vec<Finding> {
    let mut found: Vec<(f64, Finding)> = graph
        .nodes
        .iter()
        .filter_map(|node| {
            let axis = node.op.weights_channel_axis()?;
            let stats = weight_stats(graph.input(node, 1)?, Some(axis), 1)?;
            let n_outliers = stats.channels.iter().filter(|c| c.is_outlier).count();
            // Weights that are no numbers give no figure either.
            if n_outliers == 0 || stats.wasted_bits.is_nan() || stats.wasted_bits < MIN_WASTED_BITS {
                return None;
            }
            let channels = if n_outliers == 1 { "1 channel" } else { &format!("{n_outliers} channels") };
            let reach = if n_outliers == 1 { "reaches" } else { "reach" };
            let text = format!(
                "{channels} of {} {reach} {:.1} times the median channel: one scale for all would cost it {:.1} bits.",
                short_name(&node.name),
                stats.wasted_bits.exp2(),
                stats.wasted_bits
            );
            Some((stats.wasted_bits, finding(Tone::Warning, text, Some(node))))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let n = found.len();
    let mut findings: Vec<Finding> = found.into_iter().take(MAX_OUTLIERS).map(|(_, finding)| finding).collect();
    if n > MAX_OUTLIERS {
        let layers = if n == MAX_OUTLIERS + 1 { "1 more layer has" } else { &format!("{} more layers have", n - MAX_OUTLIERS) };
        let text = format!("{layers} such channels: per-channel scales serve them all.");
        findings.push(finding(Tone::Plain, text, None));
    }
    findings
}

fn import_notes(graph: &Graph) -> Vec<Finding> {
    let tone = |severity| if severity == Severity::Info { Tone::Plain } else { Tone::Warning };
    let one = |note: &Note| finding(tone(note.severity), sentence(&note.text), note.node.map(|id| graph.node(id)));
    let mut findings: Vec<Finding> = graph.notes.iter().take(MAX_NOTES).map(one).collect();
    if graph.notes.len() > MAX_NOTES {
        let text = format!("{} more notes were made when the file was read.", graph.notes.len() - MAX_NOTES);
        findings.push(finding(Tone::Plain, text, None));
    }
    findings
}

/// Ends with a full stop.
fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// The question: everything the answer is made from.
#[derive(Clone, Debug)]
pub struct FactsQuestion {
    /// The model.
    pub source: Arc<Source>,
    /// Its figures on the board.
    pub statics: Arc<StaticFigures>,
    /// The board.
    pub device: Arc<Device>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::graph::TensorId;

    fn life(first_node: usize, last_node: usize, bytes: u64) -> Lifetime {
        Lifetime { tensor: TensorId::new(0), first_node, last_node, bytes, offset: 0 }
    }

    #[test]
    fn bytes_alive_are_the_same_node_by_node_and_in_one_pass() {
        let lives = [life(0, 1, 16), life(1, 4, 32), life(2, 2, 64)];
        let slow = |node| lives.iter().filter(|l| is_alive(l, node)).map(|l| l.bytes).sum::<u64>();
        assert_eq!(bytes_alive(5, &lives), (0..5).map(slow).collect::<Vec<_>>());
    }
}
