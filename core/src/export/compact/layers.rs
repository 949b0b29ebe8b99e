//! Each layer of a program as the records of the nodes that compute it.

use tinsmith_runtime::fixed_point::{Affine, Multiplier};
use tinsmith_runtime::kernels::data_movement::Joint;
use tinsmith_runtime::kernels::elementwise::{AddParams, Sum};
use tinsmith_runtime::kernels::pool2d::Pool2dParams;
use tinsmith_runtime::model::{Element, tag};
use tinsmith_runtime::shape::Strided;

use super::program::{Record, narrow};
use super::{CodedTensor, CompactError, Writer, coding};
use crate::execute::int8::layer::{Integer, Layer, Lstm, Plain, Resize, Weighted};
use crate::execute::int8::program::{Place, ProgramStep};
use crate::graph::TensorId;
use crate::ops;

impl Writer<'_> {
    /// Writes a step: one node, or one for each part of a concatenation or a split.
    ///
    /// # Errors
    /// [`CompactError::Int16`] if its activations have 16 bits.
    pub(super) fn step(&mut self, step: &ProgramStep<'_>) -> Result<(), CompactError> {
        match &step.layer {
            Layer::Conv2d(conv) => self.node(step, tag::CONV2D, |writer, record| {
                let p = &conv.params;
                record.nhwc(p.input);
                record.nhwc(p.output);
                record.varint(p.group_channels);
                record.window(&p.window);
                record.zero_points(&[p.input_zero_point, p.output_zero_point]);
                record.range(p.range);
                writer.trained(record, step, conv, p.filter_len());
            }),
            Layer::DepthwiseConv2d(conv) => self.node(step, tag::DEPTHWISE_CONV2D, |writer, record| {
                let p = &conv.params;
                record.nhwc(p.input);
                record.nhwc(p.output);
                record.window(&p.window);
                record.zero_points(&[p.input_zero_point, p.output_zero_point]);
                record.range(p.range);
                writer.trained(record, step, conv, conv.values.len());
            }),
            Layer::FullyConnected(full) => self.node(step, tag::FULLY_CONNECTED, |writer, record| {
                let p = &full.params;
                record.varints(&[p.batch, p.inputs, p.outputs]);
                record.zero_points(&[p.input_zero_point, p.output_zero_point]);
                record.range(p.range);
                writer.trained(record, step, full, p.inputs);
            }),
            Layer::Add(params) => {
                let flat = Strided::contiguous(&[self.place_bytes(&step.inputs[0])]).expect("one axis is not too many");
                self.sum(step, params, &[flat, flat]);
            }
            Layer::Softmax(params) => self.node(step, tag::SOFTMAX, |_, record| {
                record.varint(params.depth);
                record.multipliers(&[params.multiplier]);
            }),
            Layer::Int16(_) => return Err(CompactError::Int16 { node: self.graph.node(step.node).name.clone() }),
            Layer::Plain(plain) => self.plain(step, plain),
        }
        Ok(())
    }

    fn plain(&mut self, step: &ProgramStep<'_>, plain: &Plain) {
        match plain {
            Plain::Add(params, walks) => self.sum(step, params, walks),
            Plain::Mul(params, walks) => self.node(step, tag::MUL, |writer, record| {
                writer.operand(record, &step.inputs[1]);
                walks.iter().for_each(|walk| record.walk(walk));
                record.zero_points(&params.zero_points);
                record.multipliers(&[params.multiplier]);
                record.range(params.range);
            }),
            Plain::AveragePool2d(params) => self.pool2d(step, tag::AVERAGE_POOL2D, params),
            Plain::MaxPool2d(params) => self.pool2d(step, tag::MAX_POOL2D, params),
            Plain::Reduce(params) => self.node(step, tag::REDUCE, |_, record| {
                [&params.kept, &params.reduced].into_iter().for_each(|walk| record.walk(walk));
                record.zero_points(&[params.input_zero_point, params.output_zero_point]);
                record.multipliers(&[params.multiplier]);
            }),
            Plain::Table(table) => self.node(step, tag::TABLE, |writer, record| {
                writer.data(record, table.iter().map(|value| *value as u8).collect());
            }),
            Plain::Gather(walk) => self.node(step, tag::GATHER, |_, record| record.walk(walk)),
            Plain::Pad(inner, value) => self.node(step, tag::PAD, |_, record| {
                record.walk(inner);
                record.u8(*value);
            }),
            Plain::Concatenate(joints) => {
                for (joint, input) in joints.iter().zip(&step.inputs) {
                    self.part(step, tag::JOIN, (step.outputs[0].1, input), joint);
                }
            }
            Plain::Split(joints) => {
                for (joint, (_, output)) in joints.iter().zip(&step.outputs) {
                    self.part(step, tag::SPLIT, (*output, &step.inputs[0]), joint);
                }
            }
            Plain::Resize(resize) => self.resize(step, resize),
            Plain::Lstm(lstm) => self.lstm(step, lstm),
            Plain::Quantize(affine, to) => self.conversion(step, tag::QUANTIZE, *affine, *to),
            Plain::Dequantize(affine, from) => self.conversion(step, tag::DEQUANTIZE, *affine, *from),
            Plain::Requantize(params, types) => self.node(step, tag::REQUANTIZE, |_, record| {
                params.zero_points.iter().for_each(|zero_point| record.i32(*zero_point));
                record.multipliers(&[params.multiplier]);
                types.iter().for_each(|integer| record.u8(element(*integer) as u8));
            }),
        }
    }

    /// Multipliers, biases and coded weights of a layer whose channels have `channel_len` weights each.
    fn trained<P>(&mut self, record: &mut Record, step: &ProgramStep<'_>, layer: &Weighted<'_, P>, channel_len: usize) {
        self.data(record, multiplier_bytes(&layer.multipliers));
        self.bias(record, layer.bias);
        self.weights(record, self.operand_id(step, 1), layer.values, channel_len);
    }

    fn bias(&mut self, record: &mut Record, bias: Option<&[i32]>) {
        let (width, bytes) = bias.map_or((0, Vec::new()), narrow);
        record.varint(width);
        self.data(record, bytes);
    }

    fn weights(&mut self, record: &mut Record, tensor: Option<TensorId>, values: &[i8], channel_len: usize) {
        let coded = coding::encode(values, channel_len, self.coding);
        if let Some(tensor) = tensor.filter(|tensor| self.weights.iter().all(|known| known.tensor != *tensor)) {
            let (values, bytes) = (values.len(), coded.bytes.len());
            self.weights.push(CodedTensor { tensor, encoding: coded.encoding, values, bytes });
        }
        self.data(record, coded.bytes);
    }

    fn sum(&mut self, step: &ProgramStep<'_>, params: &AddParams, walks: &[Strided; 2]) {
        let tag = match params.sum {
            Sum::Add => tag::ADD,
            Sum::Sub => tag::SUB,
        };
        self.node(step, tag, |writer, record| {
            writer.operand(record, &step.inputs[1]);
            walks.iter().for_each(|walk| record.walk(walk));
            record.zero_points(&params.zero_points);
            record.multipliers(&params.multipliers);
            record.range(params.range);
        });
    }

    fn pool2d(&mut self, step: &ProgramStep<'_>, tag: u8, params: &Pool2dParams) {
        self.node(step, tag, |_, record| {
            record.nhwc(params.input);
            record.nhwc(params.output);
            record.window(&params.window);
            record.range(params.range);
        });
    }

    fn part(&mut self, step: &ProgramStep<'_>, tag: u8, ends: (usize, &Place), joint: &Joint) {
        self.node_between(step, tag, ends, |_, record| {
            record.varints(&[joint.blocks, joint.whole, joint.part, joint.offset]);
        });
    }

    fn conversion(&mut self, step: &ProgramStep<'_>, tag: u8, affine: Affine, integer: Integer) {
        self.node(step, tag, |_, record| {
            record.affine(affine);
            record.u8(element(integer) as u8);
        });
    }

    fn resize(&mut self, step: &ProgramStep<'_>, resize: &Resize) {
        let [height, width] = resize.input_extent;
        let batch = self.place_bytes(&step.inputs[0]) / (height * width * resize.pixel_bytes).max(1);
        self.node(step, tag::RESIZE, |writer, record| {
            record.varints(&[batch, height, width, resize.pixel_bytes]);
            for coordinates in [&resize.rows, &resize.columns] {
                // A side of more pixels than 16 bits count does not fit a microcontroller either.
                let narrow = |at: &usize| u16::try_from(*at).unwrap_or(u16::MAX).to_le_bytes();
                writer.data(record, coordinates.iter().flat_map(narrow).collect());
            }
        });
    }

    fn lstm(&mut self, step: &ProgramStep<'_>, lstm: &Lstm) {
        let p = &lstm.params;
        let steps = self.place_bytes(&step.inputs[0]) / p.inputs.max(1);
        self.node(step, tag::LSTM, |writer, record| {
            record.varints(&[steps, p.inputs, p.units]);
            record.zero_points(&[p.input_zero_point, p.hidden_zero_point]);
            record.multipliers(&p.from_input);
            record.multipliers(&p.from_hidden);
            record.multipliers(&[p.keep, p.take, p.give]);
            // Within -20..=0.
            record.u8(p.cell_power as i8 as u8);
            record.varint(usize::try_from(p.cell_clip).unwrap_or(0));
            let sides =
                [(&lstm.input, ops::Lstm::INPUT_WEIGHTS, p.inputs), (&lstm.recurrent, ops::Lstm::RECURRENT_WEIGHTS, p.units)];
            for (gates, first, channel_len) in sides {
                for (gate, values) in gates.iter().enumerate() {
                    writer.weights(record, writer.operand_id(step, first + gate), values, channel_len);
                }
            }
            lstm.bias.iter().for_each(|bias| writer.bias(record, Some(bias)));
        });
    }
}

fn multiplier_bytes(multipliers: &[Multiplier]) -> Vec<u8> {
    let mut record = Record::default();
    record.multipliers(multipliers);
    record.0
}

fn element(integer: Integer) -> Element {
    match integer {
        Integer::I8 => Element::I8,
        Integer::U8 => Element::U8,
        Integer::I16 => Element::I16,
        Integer::I32 => Element::I32,
    }
}
