//! One node under preparation: its operands with everything checked that a kernel relies on.

use tinsmith_runtime::activation::{Activation as Clamp, OutputRange};
use tinsmith_runtime::element::Quantized;
use tinsmith_runtime::fixed_point::{Affine, Rounding};
use tinsmith_runtime::shape::{Nhwc, Window};

use crate::execute::ExecuteError;
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Activation, OpError, Operands, Padding};
use crate::tensor::{ElementType, Tensor};

/// Type of the activations that a node computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    I8,
    I16,
}

/// A node, the graph it stands in, and how it rounds.
#[derive(Clone, Copy)]
pub(super) struct NodeCx<'a> {
    pub(super) graph: &'a Graph,
    pub(super) id: NodeId,
    pub(super) node: &'a Node,
    pub(super) rounding: Rounding,
}

impl<'a> NodeCx<'a> {
    /// Refuses a node whose results are declared with another number of elements than its operands give, or in a type of
    /// unknown width. After this, buffers fit the shapes of [`NodeCx::output_shape`].
    pub(super) fn check(&self) -> Result<(), ExecuteError> {
        let shapes = self.output_shapes()?;
        if shapes.len() != self.node.outputs.len() {
            let reason = format!("it has {} results, {} are declared", shapes.len(), self.node.outputs.len());
            return Err(self.attribute(reason));
        }
        for (shape, id) in shapes.iter().zip(&self.node.outputs) {
            let declared = self.graph.tensor(*id);
            let n = shape.iter().try_fold(1_usize, |n, extent| n.checked_mul(*extent));
            if n != Some(declared.n_elements()) {
                let reason = format!("its result has shape {shape:?}, {:?} is declared", declared.shape);
                return Err(self.attribute(reason));
            }
            if declared.element.bits().is_none_or(|bits| bits < 8) {
                return Err(self.unsupported(format!("a result of type {} cannot be computed", declared.element.name())));
            }
        }
        Ok(())
    }

    /// Why an operator that runs in floats only is refused here.
    pub(super) fn without_integer_kernel(&self) -> ExecuteError {
        self.unsupported("Tinsmith has no integer kernel for this operator; keep the layer in floats")
    }

    /// Why an operator that has no kernel for 16-bit activations is refused with them.
    pub(super) fn without_int16_kernel(&self) -> ExecuteError {
        self.unsupported("no runtime has a kernel of it for int16 activations; keep the layer in int8 or in floats")
    }

    /// Whether the node computes with 16-bit activations.
    pub(super) fn is_int16(&self) -> bool {
        let is_int16 = |tensor: &Tensor| tensor.element == ElementType::I16 && !tensor.is_constant() && !tensor.is_variable;
        let inputs = self.node.inputs.iter().flatten();
        inputs.chain(&self.node.outputs).any(|id| is_int16(self.graph.tensor(*id)))
    }

    pub(super) fn operands(&self) -> Operands<'a> {
        Operands::new(self.graph, self.node)
    }

    pub(super) fn output_shapes(&self) -> Result<Vec<Vec<usize>>, ExecuteError> {
        self.node.op.facts().output_shapes(&self.operands()).map_err(|error| self.fail(error))
    }

    /// The shape of the first result, as it follows from the operands.
    pub(super) fn output_shape(&self) -> Result<Vec<usize>, ExecuteError> {
        self.output_shapes()?.into_iter().next().ok_or_else(|| self.attribute("it has no result".into()))
    }

    pub(super) fn operand_id(&self, index: usize) -> Result<TensorId, ExecuteError> {
        self.node.inputs.get(index).copied().flatten().ok_or_else(|| self.fail(OpError::MissingOperand(index)))
    }

    pub(super) fn input(&self, index: usize) -> Result<&'a Tensor, ExecuteError> {
        self.operands().get(index).map_err(|error| self.fail(error))
    }

    pub(super) fn output(&self) -> Result<&'a Tensor, ExecuteError> {
        self.graph.output(self.node, 0).ok_or_else(|| self.attribute("it has no result".into()))
    }

    /// The type of the node's activations: that of its operand 0.
    pub(super) fn width(&self) -> Result<Width, ExecuteError> {
        match self.input(0)?.element {
            ElementType::I8 => Ok(Width::I8),
            ElementType::I16 => Ok(Width::I16),
            ElementType::F32 => Err(self.unsupported(
                "its input is float32, the integer kernels take int8 or int16; quantize the model, or run it in floats",
            )),
            other => Err(self.unsupported(format!("its input is {}, the integer kernels take int8 or int16", other.name()))),
        }
    }

    /// Quantization of an activation of the given type. Those of 16 bits are symmetric.
    pub(super) fn activation(&self, tensor: &Tensor, what: &str, width: Width) -> Result<Affine, ExecuteError> {
        let element = match width {
            Width::I8 => ElementType::I8,
            Width::I16 => ElementType::I16,
        };
        if tensor.element != element {
            let reason = format!("its {what} is {}, expected {}", tensor.element.name(), element.name());
            return Err(self.unsupported(reason));
        }
        let affine = self.affine(tensor, what)?;
        if width == Width::I16 && affine.zero_point != 0 {
            let zero_point = affine.zero_point;
            return Err(self.unsupported(format!("its {what} is int16 with zero point {zero_point}, the kernels take 0 only")));
        }
        Ok(affine)
    }

    /// Quantization of an int8 activation, for operators that know no other.
    pub(super) fn int8(&self, tensor: &Tensor, what: &str) -> Result<Affine, ExecuteError> {
        self.activation(tensor, what, Width::I8)
    }

    /// Quantization of an activation of any integer type.
    pub(super) fn affine(&self, tensor: &Tensor, what: &str) -> Result<Affine, ExecuteError> {
        let Some(quantization) = &tensor.quantization else {
            return Err(self.unsupported(format!("its {what} has no scale and zero point")));
        };
        if quantization.scales.len() != 1 {
            return Err(self.unsupported(format!("its {what} has a scale for each channel, activations have one")));
        }
        let affine = Affine { scale: quantization.scale(), zero_point: quantization.zero_point() };
        let (low, high) = tensor.element.integer_range().unwrap_or((0, 0));
        if !affine.scale.is_normal() || affine.scale < 0.0 || !(low..=high).contains(&affine.zero_point) {
            let (scale, zero_point) = (affine.scale, affine.zero_point);
            let name = tensor.element.name();
            return Err(self.unsupported(format!("its {what} ({name}) has scale {scale}, zero point {zero_point}")));
        }
        Ok(affine)
    }

    /// The clamp that a fused activation amounts to.
    pub(super) fn range<T: Quantized>(&self, activation: Activation, output: Affine) -> Result<OutputRange<T>, ExecuteError> {
        let clamp = match activation {
            Activation::None => Clamp::None,
            Activation::Relu => Clamp::Relu,
            Activation::Relu6 => Clamp::Relu6,
            Activation::ReluN1To1 => Clamp::ReluN1To1,
            Activation::Tanh => return Err(self.unsupported("a fused tanh has no integer kernel")),
        };
        Ok(OutputRange::prepare(clamp, output))
    }

    /// Extents of input and output, and the window between them.
    pub(super) fn window(
        &self,
        size: [usize; 2],
        [stride, dilation]: [[usize; 2]; 2],
        padding: Padding,
    ) -> Result<(Nhwc, Nhwc, Window), ExecuteError> {
        let input = self.nhwc(&self.input(0)?.shape)?;
        let output = self.nhwc(&self.output_shape()?)?;
        let before = |axis: usize, extent: usize| {
            let resolved = padding.resolve(extent, size[axis], stride[axis], dilation[axis]);
            resolved.map(|(_, before, _)| before).ok_or_else(|| self.attribute("its window does not fit the image".into()))
        };
        let padding = [before(0, input.height)?, before(1, input.width)?];
        Ok((input, output, Window { size, stride, dilation, padding }))
    }

    fn nhwc(&self, shape: &[usize]) -> Result<Nhwc, ExecuteError> {
        match *shape {
            [batch, height, width, channels] => Ok(Nhwc { batch, height, width, channels }),
            _ => Err(self.attribute(format!("shape {shape:?} is not [n, h, w, c]"))),
        }
    }

    pub(super) fn fail(&self, error: OpError) -> ExecuteError {
        ExecuteError::op(self.graph, self.id, error)
    }

    pub(super) fn attribute(&self, reason: String) -> ExecuteError {
        self.fail(OpError::Attribute(reason))
    }

    pub(super) fn unsupported(&self, reason: impl Into<String>) -> ExecuteError {
        ExecuteError::unsupported(self.graph, self.id, reason)
    }

    /// Scales so far apart that no multiplier holds their ratio.
    pub(super) fn out_of_proportion(&self) -> ExecuteError {
        self.unsupported("its scales are out of all proportion: no 32-bit multiplier holds their ratio")
    }
}
