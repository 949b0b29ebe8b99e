//! Random networks: what is left after a cut computes what the whole would with zeros in the place of the channels that went.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::follow::{Followed, Member};
use super::super::plan::PrunePlan;
use super::super::units::Unit;
use crate::execute::float::Prepared;
use crate::graph::{Graph, Node, TensorId, check};
use crate::measure::parameters;
use crate::ops::*;
use crate::optimize::Observations;
use crate::progress::Cancel;
use crate::recipe::{PruneChannels, PruneCriterion, PruneScope};
use crate::tensor::{Data, ElementType, Tensor};
use crate::test_graph::{Chain, constant, values};

/// One choice of the generator: what to add, and with which settings.
type Choice = (usize, usize, usize);

/// A network that grows. Images are `[1, h, w, c]`.
struct Net {
    chain: Chain,
    images: Vec<TensorId>,
    /// Only operators for which zero in is zero out.
    keeps_zero: bool,
    seed: usize,
}

impl Net {
    fn shape(&self, id: TensorId) -> Vec<usize> {
        self.chain.graph.tensor(id).shape.clone()
    }

    fn constant(&mut self, shape: &[usize]) -> TensorId {
        self.seed += 1;
        constant(&mut self.chain.graph, shape, self.seed)
    }

    fn positive(&mut self, shape: &[usize]) -> TensorId {
        self.seed += 1;
        let all: Vec<f32> = values(shape.iter().product(), self.seed).iter().map(|v| v.abs() + 0.5).collect();
        self.chain.graph.add_tensor(Tensor::constant("p", shape, Data::F32(all.into())))
    }

    fn integers(&mut self, all: &[i32]) -> TensorId {
        self.chain.graph.add_tensor(Tensor::constant("i", [all.len()], Data::I32(all.into())))
    }

    fn node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        self.chain.node(op, inputs)
    }

    fn conv(&mut self, x: TensorId, c_out: usize, k: usize, n_groups: usize, b: usize) -> TensorId {
        let c = *self.shape(x).last().unwrap();
        let weights = self.constant(&[c_out, k, k, c / n_groups]);
        let bias = (b.is_multiple_of(2)).then(|| self.constant(&[c_out]));
        let activation = [Activation::None, Activation::Relu, Activation::Relu6, Activation::ReluN1To1][b % 4];
        let op = Conv2d { stride: [1 + b % 3 / 2; 2], dilation: [1, 1], padding: Padding::Same, activation };
        let inputs: Vec<TensorId> = [x, weights].into_iter().chain(bias).collect();
        self.node(Op::Conv2d(op), &inputs)
    }

    fn pointwise(&mut self, x: TensorId, c_out: usize) -> TensorId {
        self.conv(x, c_out, 1, 1, 0)
    }

    fn unary(&mut self, x: TensorId, a: usize) -> TensorId {
        let zero = [Unary::Relu, Unary::Tanh, Unary::HardSwish, Unary::Neg, Unary::Abs];
        let op = if self.keeps_zero || a.is_multiple_of(2) { zero[a / 2 % zero.len()] } else { Unary::Logistic };
        self.node(Op::Unary(op), &[x])
    }

    fn binary(&mut self, kind: BinaryKind, a: TensorId, b: TensorId) -> TensorId {
        self.node(Op::Binary(Binary { kind, activation: Activation::None }), &[a, b])
    }

    fn concat(&mut self, axis: i32, inputs: &[TensorId]) -> TensorId {
        self.node(Op::Concatenation(Concatenation { axis, activation: Activation::None }), inputs)
    }

    fn reshape(&mut self, x: TensorId, to: &[i32]) -> TensorId {
        let shape = self.integers(to);
        self.node(Op::Reshape(Reshape { new_shape: vec![] }), &[x, shape])
    }

    fn dense(&mut self, x: TensorId, c_in: usize, c_out: usize, activation: Activation) -> TensorId {
        let (weights, bias) = (self.constant(&[c_out, c_in]), self.constant(&[c_out]));
        self.node(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation }), &[x, weights, bias])
    }

    /// An earlier image as large as `x`.
    fn earlier(&self, x: TensorId, a: usize) -> Option<TensorId> {
        let (h, w) = (self.shape(x)[1], self.shape(x)[2]);
        let fitting: Vec<TensorId> =
            self.images.iter().copied().filter(|id| (self.shape(*id)[1], self.shape(*id)[2]) == (h, w)).collect();
        fitting.get(a % fitting.len().max(1)).copied()
    }

    fn grow(&mut self, (kind, a, b): Choice) {
        let x = *self.images.last().unwrap();
        let next = match kind {
            0..=3 => Some(self.conv(x, 1 + a % 6, 1 + a % 3, 1, b)),
            4..=11 => self.alone(x, kind, a, b),
            12..=18 => self.joined(x, kind, a, b),
            19..=22 => self.parts(x, kind, a),
            _ => self.moved(x, kind, a),
        };
        self.images.extend(next);
    }

    /// Operators that treat each channel by itself.
    fn alone(&mut self, x: TensorId, kind: usize, a: usize, b: usize) -> Option<TensorId> {
        let shape = self.shape(x);
        let c = shape[3];
        Some(match kind {
            4 => {
                let depth_multiplier = 1 + a % 2;
                let (stride, dilation, padding) = ([1, 1], [1, 1], Padding::Same);
                let (weights, bias) = (self.constant(&[1, 3, 3, c * depth_multiplier]), self.constant(&[c * depth_multiplier]));
                let op = DepthwiseConv2d { stride, dilation, padding, depth_multiplier, activation: Activation::Relu };
                self.node(Op::DepthwiseConv2d(op), &[x, weights, bias])
            }
            5 => self.unary(x, a),
            6 => {
                let kind = if a.is_multiple_of(2) { PoolKind::Max } else { PoolKind::Average };
                let op =
                    Pool2d { kind, window: [2, 2], stride: [1 + b % 2; 2], padding: Padding::Same, activation: Activation::None };
                self.node(Op::Pool2d(op), &[x])
            }
            7 if !self.keeps_zero => {
                let [gamma, beta, mean] = [0; 3].map(|_| self.constant(&[c]));
                let variance = self.positive(&[c]);
                self.node(Op::BatchNorm(BatchNorm { epsilon: 0.001 }), &[x, gamma, beta, mean, variance])
            }
            8 => {
                let alpha = if a.is_multiple_of(2) { self.constant(&[1, 1, c]) } else { self.constant(&shape[1..]) };
                self.node(Op::PRelu(PRelu), &[x, alpha])
            }
            9 => {
                let other = if a.is_multiple_of(2) { self.constant(&[c]) } else { self.constant(&[1]) };
                let kind = if self.keeps_zero || b.is_multiple_of(2) { BinaryKind::Mul } else { BinaryKind::Add };
                if b.is_multiple_of(3) { self.binary(kind, other, x) } else { self.binary(kind, x, other) }
            }
            10 => {
                let amounts = self.integers(&[0, 0, 1, 0, 0, 1, 0, 0]);
                self.node(
                    if a.is_multiple_of(2) { Op::Pad(Pad) } else { Op::MirrorPad(MirrorPad { with_edge: true }) },
                    &[x, amounts],
                )
            }
            11 => {
                let size = self.integers(&[5, 4]);
                self.node(Op::ResizeNearestNeighbor(ResizeNearestNeighbor::default()), &[x, size])
            }
            _ => return None,
        })
    }

    /// Operators that join several tensors, or layers that tie channels.
    fn joined(&mut self, x: TensorId, kind: usize, a: usize, b: usize) -> Option<TensorId> {
        let shape = self.shape(x);
        let c = shape[3];
        let kinds = [BinaryKind::Add, BinaryKind::Mul, BinaryKind::Sub, BinaryKind::Maximum];
        Some(match kind {
            12 | 13 => {
                let other = self.earlier(x, a)?;
                let other = if self.shape(other) == shape { other } else { self.pointwise(other, c) };
                self.binary(kinds[b % 4], x, other)
            }
            14 => {
                let other = self.earlier(x, a)?;
                self.concat(3, &[x, other])
            }
            15 if c.is_multiple_of(2) => self.conv(x, 2 * c, 1 + a % 3, if a.is_multiple_of(2) { c } else { 2 }, b),
            16 => {
                let axes = self.integers(&[1, 2]);
                let mean = self.node(Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims: true }), &[x, axes]);
                let squeezed = self.pointwise(mean, 2 + a % 3);
                let gate = self.pointwise(squeezed, c);
                let gate = self.node(Op::Unary(Unary::Logistic), &[gate]);
                self.binary(BinaryKind::Mul, x, gate)
            }
            17 => {
                let map = self.pointwise(x, 1);
                let map = self.node(Op::Unary(Unary::Tanh), &[map]);
                self.binary(BinaryKind::Mul, map, x)
            }
            // The same weights twice.
            18 => {
                let weights = self.constant(&[c, 1, 1, c]);
                let (stride, dilation, activation) = ([1, 1], [1, 1], Activation::None);
                let op = || Op::Conv2d(Conv2d { stride, dilation, padding: Padding::Valid, activation });
                let once = self.node(op(), &[x, weights]);
                self.node(op(), &[once, weights])
            }
            _ => return None,
        })
    }

    /// Operators that take some of the channels.
    fn parts(&mut self, x: TensorId, kind: usize, a: usize) -> Option<TensorId> {
        let shape = self.shape(x);
        let [h, w, c] = [1, 2, 3].map(|axis| shape[axis] as i32);
        Some(match kind {
            19 if c % 2 == 0 => {
                let axis = self.integers(&[3]);
                let parts = self.chain.nodes(Op::Split(Split { n_splits: 2 }), vec![Some(axis), Some(x)], 2);
                if a.is_multiple_of(2) {
                    self.binary(BinaryKind::Add, parts[0], parts[1])
                } else {
                    self.concat(-1, &[parts[1], parts[0]])
                }
            }
            20 if c > 1 => {
                let (sizes, axis) = (self.integers(&[1, -1]), self.integers(&[3]));
                let parts = self.chain.nodes(Op::SplitV(SplitV { n_splits: 2 }), vec![Some(x), Some(sizes), Some(axis)], 2);
                self.concat(3, &[parts[1], parts[0], parts[1]])
            }
            21 if c > 1 => {
                let (begin, size) = (self.integers(&[0, 0, 0, 1]), self.integers(&[1, h, w, -1]));
                self.node(Op::Slice(Slice), &[x, begin, size])
            }
            22 => {
                let (begin, end) = (self.integers(&[0, 0, 0, 0]), self.integers(&[1, h, w, c.max(2) - 1]));
                let strides = self.integers(&[1, 1, 1, 1]);
                let op =
                    StridedSlice { begin_mask: 8, end_mask: if a.is_multiple_of(2) { 8 } else { 0 }, ..StridedSlice::default() };
                self.node(Op::StridedSlice(op), &[x, begin, end, strides])
            }
            _ => return None,
        })
    }

    /// Operators that move values.
    fn moved(&mut self, x: TensorId, kind: usize, a: usize) -> Option<TensorId> {
        let shape = self.shape(x);
        let [h, w, c] = [1, 2, 3].map(|axis| shape[axis] as i32);
        Some(match kind {
            23 => {
                let there = if a.is_multiple_of(2) { [0, 3, 1, 2] } else { [0, 2, 3, 1] };
                let back = if a.is_multiple_of(2) { [0, 2, 3, 1] } else { [0, 3, 1, 2] };
                let [there, back] = [there, back].map(|axes| self.integers(&axes));
                let moved = self.node(Op::Transpose(Transpose), &[x, there]);
                let (before, n) = (self.shape(moved), h * w * c);
                // With channels in front, or behind the rows, the other axes together are one.
                let first = before[1] as i32;
                let flat = self.reshape(moved, &[1, first, n / first]);
                let flat = self.unary(flat, a);
                let before: Vec<i32> = before.iter().map(|&extent| extent as i32).collect();
                let moved = self.reshape(flat, &before);
                self.node(Op::Transpose(Transpose), &[moved, back])
            }
            24 => {
                let flat = self.reshape(x, &[1, h * w, c]);
                let flat = self.unary(flat, a);
                self.reshape(flat, &[1, w, h, c])
            }
            25 => {
                let packed = self.node(Op::Pack(crate::ops::Pack { axis: [1, -1][a % 2] }), &[x, x]);
                let axis = if a.is_multiple_of(2) { 1 } else { 4 };
                let op = Op::Unpack(Unpack { axis, n_parts: 2 });
                let parts = self.chain.nodes(op, vec![Some(packed)], 2);
                self.binary(BinaryKind::Add, parts[0], parts[1])
            }
            26 => {
                let other = self.unary(x, a);
                self.concat(1, &[x, other])
            }
            27 if h * w <= 64 => {
                let c_out = 1 + a % 4;
                let (to, weights) = (self.integers(&[1, 2 * h, 2 * w, c_out as i32]), self.constant(&[c_out, 2, 2, c as usize]));
                let op = TransposeConv { stride: [2, 2], padding: Padding::Same, activation: Activation::None };
                self.node(Op::TransposeConv(op), &[to, weights, x])
            }
            _ => return None,
        })
    }

    /// A classifier: the last image flattened or averaged, perhaps through an image again, and two dense layers.
    fn finish(mut self, end: usize) -> Graph {
        let x = *self.images.last().unwrap();
        let shape = self.shape(x);
        let (n, c) = (shape.iter().product::<usize>(), shape[3]);
        let (features, n) = match end % 5 {
            0 => (self.reshape(x, &[1, n as i32]), n),
            1 => (x, n),
            2 => {
                let axes = self.integers(&[1, 2]);
                (self.node(Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims: false }), &[x, axes]), c)
            }
            3 => {
                let channels_first = self.integers(&[0, 3, 1, 2]);
                let moved = self.node(Op::Transpose(Transpose), &[x, channels_first]);
                (self.reshape(moved, &[1, n as i32]), n)
            }
            _ => {
                let flat = self.dense(x, n, 12, Activation::Relu);
                let image = self.reshape(flat, &[1, 2, 2, 3]);
                let image = self.conv(image, 4, 2, 1, 1);
                let n = self.shape(image).iter().product();
                (image, n)
            }
        };
        let hidden = self.dense(features, n, 5, Activation::Relu);
        let hidden = self.unary(hidden, end);
        let logits = self.dense(hidden, 5, 3, Activation::None);
        self.chain.last = self.node(Op::Softmax(Softmax { beta: 0.01 }), &[logits]);
        let mut graph = self.chain.finish();
        graph.outputs.push(logits);
        graph
    }
}

fn net(choices: &[Choice], end: usize, keeps_zero: bool) -> Graph {
    let chain = Chain::new(&[1, 5, 4, 3]);
    let mut net = Net { images: vec![chain.last], chain, keeps_zero, seed: end };
    net.grow((0, 5, 2 * end + 1));
    for choice in choices {
        let n: usize = net.images.iter().map(|id| net.shape(*id).iter().product::<usize>()).sum();
        if n < 20_000 {
            net.grow(*choice);
        }
    }
    net.finish(end)
}

fn run(graph: &Graph) -> Vec<Vec<f32>> {
    let x = values(graph.tensor(graph.inputs[0]).n_elements() * 3, 17);
    Prepared::new(graph).unwrap().run(&[&x], &Cancel::new()).unwrap()
}

fn stays(cut: &BTreeSet<Unit>, unit: Unit) -> f32 {
    if cut.contains(&unit) { 0.0 } else { 1.0 }
}

/// The graph with zeros in the place of channels that were cut, wherever a layer reads them.
fn masked(graph: &Graph, followed: &Followed, cut: &BTreeSet<Unit>) -> Graph {
    let mut masked = graph.clone();
    for (i, member) in followed.members.iter().enumerate().filter(|(_, member)| !member.input.is_empty()) {
        let Member { layer, input, .. } = member;
        let shape = graph.tensor(layer.input).shape.clone();
        let n: usize = shape.iter().product();
        let mask: Vec<f32> = (0..n).map(|i| stays(cut, input[i % input.len()])).collect();
        let mask = masked.add_tensor(Tensor::constant("mask", shape.clone(), Data::F32(mask.into())));
        let product = masked.add_tensor(Tensor::activation("masked", ElementType::F32, shape));
        let name = graph.node(layer.node).name.clone();
        let place = masked.nodes.iter().position(|node| node.name == name).unwrap();
        masked.nodes[place].inputs[layer.input_operand] = Some(product);
        let op = Op::Binary(Binary { kind: BinaryKind::Mul, activation: Activation::None });
        let inputs = vec![Some(layer.input), Some(mask)];
        masked.nodes.insert(place, Node { name: format!("mask{i}"), op, inputs, outputs: vec![product], sources: vec![] });
    }
    masked
}

/// The graph with zeros for the weights and biases that make the channels that were cut.
fn zeroed(graph: &Graph, followed: &Followed, cut: &BTreeSet<Unit>) -> Graph {
    let mut zeroed = graph.clone();
    for Member { layer, output, .. } in &followed.members {
        let weights = layer.weights(graph);
        let n = weights.len();
        let masked = |(i, w): (usize, &f32)| w * stays(cut, output[layer.channels_of(i, n).0]);
        let masked: Vec<f32> = weights.iter().enumerate().map(masked).collect();
        zeroed.tensors[layer.weights.index()].data = Some(Data::F32(masked.into()));
        if let (Some(id), Some(bias)) = (layer.bias, layer.bias(graph)) {
            let masked: Vec<f32> = bias.iter().zip(output).map(|(b, unit)| b * stays(cut, *unit)).collect();
            zeroed.tensors[id.index()].data = Some(Data::F32(masked.into()));
        }
    }
    zeroed
}

/// Parameters and multiply-accumulates that are left by the share of channels that each layer keeps.
fn predicted(graph: &Graph, followed: &Followed, cut: &BTreeSet<Unit>) -> (u64, u64) {
    let kept = |units: &[Unit]| units.iter().filter(|unit| !cut.contains(unit)).count() as u64;
    let (mut n_parameters, mut macs, mut counted) = (0, 0, BTreeSet::new());
    for member in &followed.members {
        let node = graph.node(member.layer.node);
        let seen = member.input.get(..member.layer.n_seen).unwrap_or_default();
        let share = |n: u64| {
            let (n_seen, kept_seen) = if seen.is_empty() { (1, 1) } else { (seen.len() as u64, kept(seen)) };
            n * kept(&member.output) * kept_seen / (member.output.len() as u64 * n_seen)
        };
        if counted.insert(member.layer.weights) {
            n_parameters += share(member.layer.weights(graph).len() as u64);
        }
        n_parameters += member.layer.bias.map_or(0, |_| kept(&member.output));
        macs += share(node.op.facts().macs(&Operands::new(graph, node)));
    }
    for node in &graph.nodes {
        let operands = if let Op::BatchNorm(_) = node.op { 1..5 } else { 1..2 };
        if let (Op::BatchNorm(_) | Op::PRelu(_), Some(lanes)) = (&node.op, &followed.lanes[node.outputs[0].index()]) {
            let n = |operand| graph.input(node, operand).unwrap().n_elements() as u64;
            n_parameters += operands.map(n).sum::<u64>() * kept(&lanes.units) / lanes.units.len() as u64;
        }
    }
    (n_parameters, macs)
}

fn assert_alike(expected: &Graph, found: &Graph) -> Result<(), TestCaseError> {
    let (expected, found) = (run(expected), run(found));
    for (expected, found) in expected.iter().zip(&found) {
        prop_assert_eq!(expected.len(), found.len());
        let largest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        prop_assume!(largest.is_finite());
        for (e, f) in expected.iter().zip(found) {
            prop_assert!((e - f).abs() <= 1e-4 * largest, "{} for {}, of {}", f, e, largest);
        }
    }
    Ok(())
}

fn settings() -> impl Strategy<Value = PruneChannels> {
    let criteria = [PruneCriterion::L1, PruneCriterion::L2, PruneCriterion::BatchNorm];
    let scopes = [PruneScope::PerLayer, PruneScope::Global];
    (0.1f32..=0.95, 0..3usize, 0..2usize, 1..3usize).prop_map(move |(fraction, criterion, scope, multiple)| PruneChannels {
        fraction,
        criterion: criteria[criterion],
        scope: scopes[scope],
        multiple,
        compensate: false,
        ..PruneChannels::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_left_computes_what_the_whole_would_with_zeros(
        choices in vec((0..28usize, 0..12usize, 0..12usize), 1..14),
        end in 0..10usize,
        keeps_zero in any::<bool>(),
        settings in settings(),
    ) {
        let graph = net(&choices, end, keeps_zero);
        let plan = PrunePlan::new(&graph, &settings, &Observations::none()).unwrap();
        let followed = plan.followed.as_ref().unwrap();
        let (narrow, origin) = plan.narrowed();
        check(&narrow).unwrap();
        prop_assert_eq!(origin.len(), narrow.tensors.len());
        prop_assert!(!plan.cut.is_empty() || settings.fraction < 0.5, "nothing is cut: {:?}", plan.groups());
        for node in &narrow.nodes {
            let shapes = node.op.facts().output_shapes(&Operands::new(&narrow, node)).unwrap();
            prop_assert!(shapes.iter().eq(node.outputs.iter().map(|id| &narrow.tensor(*id).shape)), "{:?}", node);
        }
        assert_alike(&masked(&plan.simple, followed, &plan.cut), &narrow)?;
        if keeps_zero {
            assert_alike(&zeroed(&plan.simple, followed, &plan.cut), &narrow)?;
        }
        let macs = narrow.nodes.iter().map(|node| node.op.facts().macs(&Operands::new(&narrow, node))).sum::<u64>();
        prop_assert_eq!((parameters(&narrow), macs), predicted(&plan.simple, followed, &plan.cut));
    }
}
