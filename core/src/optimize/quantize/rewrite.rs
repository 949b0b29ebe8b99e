//! Builds the quantized graph that a [`Plan`] describes.
//!
//! Source tensors keep their ids, so that the arena planner meets them in the same order; what a tensor is needed as beside its
//! main form (another scale, float, uint8) is appended and made by a QUANTIZE or DEQUANTIZE just before its first reader.

use std::collections::HashMap;

use super::adaptive::RoundedWeights;
use super::parameters::{Parameters, quantize_bias};
use super::plan::{Plan, Width, is_real, value_operands};
use super::trained::Trained;
use super::weights::{WeightsAndBias, quantize_weights};
use crate::execute::float::real_values;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{Dequantize, Op};
use crate::optimize::prepare::moved_notes;
use crate::optimize::{Calibration, OptimizeError};
use crate::quant::Quantization;
use crate::recipe::{Granularity, IoType, Quantize, Scheme};
use crate::tensor::{Data, ElementType, Tensor};

/// The quantized graph and, for each of its tensors, the source tensor it stands for.
pub(super) struct Rewritten {
    pub graph: Graph,
    pub origin: Vec<Option<TensorId>>,
}

/// What a tensor can be present as.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Float,
    Int8(Parameters),
    Int16(Parameters),
    /// Unsigned, the zero point moved by 128.
    UInt8(Parameters),
}

impl Form {
    fn of(width: Width, parameters: Parameters) -> Self {
        match width {
            Width::I8 => Self::Int8(parameters),
            Width::I16 => Self::Int16(parameters),
        }
    }

    fn key(self) -> (u8, u32, i32) {
        match self {
            Self::Float => (0, 0, 0),
            Self::Int8(p) => (1, p.key().0, p.key().1),
            Self::UInt8(p) => (2, p.key().0, p.key().1),
            Self::Int16(p) => (3, p.key().0, p.key().1),
        }
    }

    fn element(self) -> ElementType {
        match self {
            Self::Float => ElementType::F32,
            Self::Int8(_) => ElementType::I8,
            Self::Int16(_) => ElementType::I16,
            Self::UInt8(_) => ElementType::U8,
        }
    }

    fn quantization(self) -> Option<Quantization> {
        match self {
            Self::Float => None,
            Self::Int8(p) | Self::Int16(p) => Some(p.quantization()),
            Self::UInt8(p) => Some(Quantization::per_tensor(p.scale, p.zero_point + 128)),
        }
    }
}

/// Rewrites `graph` as `plan` says; weights that are not among `rounded` become the nearest integers. The caller has seen to it that every node is known and every needed range there.
pub(super) fn rewrite(
    graph: &Graph,
    plan: &Plan,
    settings: &Quantize,
    calibration: &Calibration,
    rounded: &RoundedWeights,
) -> Result<Rewritten, OptimizeError> {
    let mut writer = Writer::new(graph, plan, settings, calibration, rounded);
    writer.inputs();
    for (node, width) in graph.nodes.iter().zip(&plan.widths) {
        match width {
            Some(width) => writer.integer_node(node, *width)?,
            None => writer.other_node(node),
        }
    }
    writer.outputs();
    Ok(writer.finish())
}

pub(super) struct Writer<'a> {
    pub(super) source: &'a Graph,
    pub(super) plan: &'a Plan,
    pub(super) settings: &'a Quantize,
    pub(super) calibration: &'a Calibration,
    rounded: &'a RoundedWeights,
    pub(super) graph: Graph,
    origin: Vec<Option<TensorId>>,
    /// What each source tensor is under its own id; `None` for what is not a float activation.
    main: Vec<Option<Form>>,
    forms: HashMap<(TensorId, (u8, u32, i32)), TensorId>,
    /// Integer constants made so far: source tensor, bits of their scales, zero point.
    constants: HashMap<(TensorId, Vec<u32>, i32), TensorId>,
    /// Constants whose own id must keep the source's values, because a float node reads them, or whose id is taken.
    occupied: Vec<bool>,
    /// For each constant that is stored in half precision the tensor that has it in single precision again.
    halves: HashMap<TensorId, TensorId>,
    new_halves: Vec<(TensorId, TensorId)>,
}

impl<'a> Writer<'a> {
    fn new(
        source: &'a Graph,
        plan: &'a Plan,
        settings: &'a Quantize,
        calibration: &'a Calibration,
        rounded: &'a RoundedWeights,
    ) -> Self {
        let mut occupied = vec![false; source.tensors.len()];
        for (node, _) in source.nodes.iter().zip(&plan.widths).filter(|(_, width)| width.is_none()) {
            node.inputs.iter().flatten().for_each(|id| occupied[id.index()] = true);
        }
        let mut graph = source.clone();
        graph.nodes.clear();
        graph.memory_plan = None;
        Self {
            source,
            plan,
            settings,
            calibration,
            rounded,
            graph,
            origin: source.tensor_ids().map(Some).collect(),
            main: vec![None; source.tensors.len()],
            forms: HashMap::new(),
            constants: HashMap::new(),
            occupied,
            halves: HashMap::new(),
            new_halves: Vec::new(),
        }
    }

    fn is_activation(&self, id: TensorId) -> bool {
        let tensor = self.source.tensor(id);
        tensor.element == ElementType::F32 && !tensor.is_constant()
    }

    /// Gives a source tensor its main form.
    fn set_main(&mut self, id: TensorId, form: Form) {
        let tensor = &mut self.graph.tensors[id.index()];
        tensor.element = form.element();
        tensor.quantization = form.quantization();
        self.main[id.index()] = Some(form);
        self.forms.insert((id, form.key()), id);
    }

    /// The tensor that holds source tensor `id` in a form; makes it from the main form if it is not there yet.
    fn get(&mut self, id: TensorId, form: Form) -> TensorId {
        if let Some(&there) = self.forms.get(&(id, form.key())) {
            return there;
        }
        let (Some(main), suffix) = (self.main[id.index()], form.element().name()) else { return id };
        let from = match (main, form) {
            // There is no direct way from these to uint8, nor any need for one.
            (Form::Float | Form::Int16(_), Form::UInt8(p)) => self.get(id, Form::Int8(p)),
            _ => id,
        };
        let op = if form == Form::Float { Op::Dequantize(Dequantize) } else { Op::Quantize(crate::ops::Quantize) };
        let to = self.add_form(id, form);
        self.convert(op, from, to, &format!("{}/{suffix}", self.source.tensor(id).name));
        to
    }

    fn add_form(&mut self, id: TensorId, form: Form) -> TensorId {
        let source = self.source.tensor(id);
        let mut tensor = Tensor::activation(format!("{}_{}", source.name, form.element().name()), form.element(), &*source.shape);
        tensor.quantization = form.quantization();
        let to = self.add_tensor(tensor, id);
        self.forms.insert((id, form.key()), to);
        to
    }

    fn add_tensor(&mut self, tensor: Tensor, origin: TensorId) -> TensorId {
        self.origin.push(Some(origin));
        self.graph.add_tensor(tensor)
    }

    fn convert(&mut self, op: Op, from: TensorId, to: TensorId, name: &str) {
        let taken = |name: &str| self.source.node_named(name).is_some() || self.graph.node_named(name).is_some();
        let mut unique = if name.is_empty() { "convert".to_owned() } else { name.to_owned() };
        let mut n = 2;
        while taken(&unique) {
            unique = format!("{name}_{n}");
            n += 1;
        }
        self.graph.nodes.push(Node { name: unique, op, inputs: vec![Some(from)], outputs: vec![to], sources: Vec::new() });
    }

    fn inputs(&mut self) {
        for (i, &id) in self.source.inputs.iter().enumerate() {
            let width = if self.settings.io == IoType::Int8 { self.input_width(id) } else { Width::I8 };
            let Some(parameters) = self.plan.parameters(id, width).filter(|_| self.is_activation(id)) else { continue };
            match self.settings.io {
                IoType::Float32 => self.set_main(id, Form::Float),
                IoType::Int8 => self.set_main(id, Form::of(width, parameters)),
                IoType::UInt8 => {
                    self.set_main(id, Form::Int8(parameters));
                    let outside = self.add_form(id, Form::UInt8(parameters));
                    self.graph.inputs[i] = outside;
                    let name = format!("{}/int8", self.source.tensor(id).name);
                    self.convert(Op::Quantize(crate::ops::Quantize), outside, id, &name);
                }
            }
        }
    }

    /// How an input of the model is to come: as its widest reader takes it, or the model's layers in general if floats read it.
    fn input_width(&self, id: TensorId) -> Width {
        let readers = self.source.nodes.iter().zip(&self.plan.widths).filter(|(node, _)| node.inputs.contains(&Some(id)));
        readers.filter_map(|(_, width)| *width).max().unwrap_or(self.usual_width())
    }

    fn usual_width(&self) -> Width {
        Width::of(self.settings.scheme).unwrap_or(Width::I8)
    }

    fn outputs(&mut self) {
        for (i, &id) in self.source.outputs.iter().enumerate() {
            let width = match (self.settings.io, self.main[id.index()]) {
                (IoType::Int8, Some(Form::Int16(_))) => Width::I16,
                (IoType::Int8, Some(Form::Float)) => self.usual_width(),
                _ => Width::I8,
            };
            let Some(parameters) = self.plan.parameters(id, width).filter(|_| self.is_activation(id)) else { continue };
            let form = match self.settings.io {
                IoType::Float32 => Form::Float,
                IoType::Int8 => Form::of(width, parameters),
                IoType::UInt8 => Form::UInt8(parameters),
            };
            self.graph.outputs[i] = self.get(id, form);
        }
    }

    /// A float node, or one that computes no real numbers: float activations are handed to it as floats.
    fn other_node(&mut self, source: &Node) {
        let mut node = source.clone();
        let real = is_real(self.source, &node);
        for input in node.inputs.iter_mut().flatten() {
            if real && self.is_activation(*input) {
                *input = self.get(*input, Form::Float);
            }
        }
        match self.settings.scheme_of(&node.name) {
            Scheme::Float16 if real => self.halve_constants(&mut node),
            Scheme::Dynamic if real => self.narrow_weights(source, &mut node),
            _ => {}
        }
        for &output in &node.outputs {
            if self.is_activation(output) {
                self.set_main(output, Form::Float);
            }
        }
        self.graph.nodes.push(node);
    }

    /// Stores what training found in half precision, with a DEQUANTIZE before the node: the form of TensorFlow's converter.
    fn halve_constants(&mut self, node: &mut Node) {
        for operand in node.op.trained_operands().into_iter().flatten() {
            let Some(id) = node.inputs.get(operand).copied().flatten() else { continue };
            let tensor = self.source.tensor(id);
            let Some(values) = tensor.data.as_ref().and_then(Data::as_f32) else { continue };
            let single = *self.halves.entry(id).or_insert_with(|| {
                let data = Data::F16(values.iter().map(|value| half::f16::from_f32(*value).to_bits()).collect());
                let half = Tensor::constant(format!("{}_float16", tensor.name), tensor.shape.clone(), data);
                let single = Tensor::activation(tensor.name.clone(), ElementType::F32, tensor.shape.clone());
                let [half, single] = [half, single].map(|tensor| {
                    self.origin.push(Some(id));
                    self.graph.add_tensor(tensor)
                });
                self.new_halves.push((half, single));
                single
            });
            node.inputs[operand] = Some(single);
        }
        for (half, single) in std::mem::take(&mut self.new_halves) {
            let name = format!("{}/float32", self.graph.tensor(single).name);
            self.convert(Op::Dequantize(Dequantize), half, single, &name);
        }
    }

    fn integer_node(&mut self, source: &Node, width: Width) -> Result<(), OptimizeError> {
        let mut node = source.clone();
        for (position, id) in value_operands(source) {
            let Some(parameters) = self.plan.operand_parameters(source, id, width) else { continue };
            node.inputs[position] = Some(match self.is_activation(id) {
                true => self.get(id, Form::of(width, parameters)),
                false => self.integer_constant(source, id, parameters, width)?,
            });
        }
        if node.op.has_weights() {
            self.layer_weights(source, &mut node, width)?;
        }
        if matches!(node.op, Op::Lstm(_)) {
            self.lstm(source, &mut node)?;
        }
        for &output in &node.outputs {
            if let Some(parameters) = self.plan.parameters(output, width) {
                self.set_main(output, Form::of(width, parameters));
            }
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    pub(super) fn error(node: &Node, trouble: impl Into<String>) -> OptimizeError {
        OptimizeError::Node { node: node.name.clone(), op: node.op.name().to_owned(), trouble: trouble.into() }
    }

    /// A constant operand at an activation's parameters.
    fn integer_constant(
        &mut self,
        node: &Node,
        id: TensorId,
        parameters: Parameters,
        width: Width,
    ) -> Result<TensorId, OptimizeError> {
        let tensor = self.source.tensor(id);
        let values = real_values(tensor).map_err(|why| Self::error(node, why))?;
        let data = match width {
            Width::I8 => Data::I8(values.iter().map(|&x| parameters.quantize(x)).collect()),
            Width::I16 => Data::I16(values.iter().map(|&x| parameters.quantize_16(x)).collect()),
        };
        Ok(self.add_constant(id, data, parameters.quantization()))
    }

    /// An integer constant that stands for source tensor `id`: under its own id, or appended where that is taken.
    pub(super) fn add_constant(&mut self, id: TensorId, data: Data, quantization: Quantization) -> TensorId {
        let bits = quantization.scales.iter().map(|s| s.to_bits()).collect();
        let key = (id, bits, quantization.zero_point());
        if let Some(&there) = self.constants.get(&key)
            && self.graph.tensor(there).data.as_ref() == Some(&data)
        {
            return there;
        }
        let source = self.source.tensor(id);
        let tensor = Tensor::constant(source.name.clone(), source.shape.clone(), data).quantized(quantization);
        let to = if self.occupied[id.index()] {
            self.add_tensor(tensor, id)
        } else {
            self.occupied[id.index()] = true;
            self.graph.tensors[id.index()] = tensor;
            id
        };
        self.constants.insert(key, to);
        to
    }

    fn layer_weights(&mut self, source: &Node, node: &mut Node, width: Width) -> Result<(), OptimizeError> {
        let trained = Trained::of(self.source, self.plan, self.settings, source, width)?;
        let (layer, bias) = match self.rounded.get(&source.name, &trained)? {
            Some(rounded) => rounded,
            None => self.nearest(source, &trained),
        };
        let granularity = trained.settings.granularity;
        let data = layer.data(packs_int4(&source.op, granularity));
        let quantization = spread(layer.scales.clone(), granularity, trained.axis);
        node.inputs[1] = Some(self.add_constant(trained.weights_id, data, quantization));
        // LiteRT refuses a convolution of 16-bit activations without.
        let bias = bias.or_else(|| (width == Width::I16).then(|| vec![0.0; trained.layout.n_channels]));
        if let Some(bias) = bias {
            self.layer_bias(source, node, &bias, (&trained, &layer.scales), width);
        }
        Ok(())
    }

    /// Biases as wide as the layer's sums: another type would mean another arithmetic to TensorFlow Lite Micro.
    fn layer_bias(&mut self, source: &Node, node: &mut Node, bias: &[f32], (trained, weights): (&Trained, &[f32]), width: Width) {
        let (data, scales) = match width {
            Width::I8 => {
                let (integers, scales) = quantize_bias(bias, trained.input_scale, weights, |x| x as i32);
                (Data::I32(integers), scales)
            }
            Width::I16 => {
                let (integers, scales) = quantize_bias(bias, trained.input_scale, weights, |x| x as i64);
                (Data::I64(integers), scales)
            }
        };
        let quantization = spread(scales, trained.settings.granularity, 0);
        let constant = match &trained.bias {
            Some((id, _)) => self.add_constant(*id, data, quantization),
            None => {
                self.origin.push(None);
                let tensor = Tensor::constant(format!("{}/bias", source.name), [bias.len()], data);
                self.graph.add_tensor(tensor.quantized(quantization))
            }
        };
        node.inputs.resize(node.inputs.len().max(3), None);
        node.inputs[2] = Some(constant);
    }

    /// Each weight at its nearest integer, and the bias without the mean error that this makes, if it is to be corrected.
    fn nearest(&self, source: &Node, trained: &Trained) -> WeightsAndBias {
        let Trained { weights, layout, settings, input_scale, .. } = trained;
        let layer = quantize_weights(weights, trained.bias_values(), *layout, *settings, *input_scale);
        let mut bias = trained.bias_values().map(<[f32]>::to_vec);
        if let Some(bias) = &mut bias
            && self.settings.correct_bias
            && let Some(means) = self.calibration.input_means.get(&source.name)
        {
            let shape = &self.source.tensor(trained.weights_id).shape;
            let shift = output_shift(source, shape, weights, &layer.weights, &layer.scales, means);
            bias.iter_mut().zip(shift).for_each(|(b, shift)| *b -= shift);
        }
        (layer, bias)
    }

    /// Points signatures at the new ports and notes at the new places of their nodes.
    fn finish(mut self) -> Rewritten {
        for signature in &mut self.graph.signatures {
            let renamed =
                |id: TensorId, from: &[TensorId], to: &[TensorId]| from.iter().position(|&old| old == id).map_or(id, |i| to[i]);
            signature.inputs.iter_mut().for_each(|(_, id)| *id = renamed(*id, &self.source.inputs, &self.graph.inputs));
            signature.outputs.iter_mut().for_each(|(_, id)| *id = renamed(*id, &self.source.outputs, &self.graph.outputs));
        }
        self.graph.notes = moved_notes(self.source.notes.clone(), self.source, &self.graph);
        Rewritten { graph: self.graph, origin: self.origin }
    }
}

/// One scale for all, or one for each channel along `axis`.
pub(super) fn spread(scales: Vec<f32>, granularity: Granularity, axis: usize) -> Quantization {
    match granularity {
        Granularity::PerTensor => Quantization::per_tensor(scales[0], 0),
        Granularity::PerChannel => Quantization::per_channel(scales, axis),
    }
}

/// Whether both TensorFlow Lite Micro and LiteRT take a layer's 4-bit weights two to a byte: LiteRT has no such depthwise kernel, TFLM no
/// such dense one with a scale for each channel. Elsewhere they stand one to a byte, and run alike.
fn packs_int4(op: &Op, granularity: Granularity) -> bool {
    match op {
        Op::Conv2d(_) => true,
        Op::FullyConnected(_) => granularity == Granularity::PerTensor,
        _ => false,
    }
}

/// How much quantized weights shift the mean of each output channel: `Σ_k (s_w * q[c, k] - w[c, k]) * mean[k]`.
///
/// Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.2.
fn output_shift(node: &Node, shape: &[usize], weights: &[f32], integers: &[i8], scales: &[f32], means: &[f32]) -> Vec<f32> {
    let depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
    let n_channels = if depthwise { shape[3] } else { shape[0] };
    let per_channel = weights.len() / n_channels.max(1);
    let taps: usize = if shape.len() == 4 { shape[1] * shape[2] } else { 1 };
    // Values under one tap: all input channels, of which a channel of a grouped convolution sees a part.
    let seen = means.len() / taps.max(1);
    let mut shift = vec![0.0f64; n_channels];
    for (i, (&w, &q)) in weights.iter().zip(integers).enumerate() {
        let (channel, mean) = if depthwise {
            let (tap, c) = (i / n_channels, i % n_channels);
            (c, tap * seen + c * seen / n_channels)
        } else {
            let (c, k) = (i / per_channel, i % per_channel);
            let group_in = per_channel / taps.max(1);
            let group = c * (seen / group_in.max(1)) / n_channels;
            (c, k / group_in * seen + group * group_in + k % group_in)
        };
        let scale = f64::from(scales[if scales.len() == 1 { 0 } else { channel }]);
        let mean = f64::from(means.get(mean).copied().unwrap_or(0.0));
        shift[channel] += (scale * f64::from(q) - f64::from(w)) * mean;
    }
    shift.into_iter().map(|x| x as f32).collect()
}
