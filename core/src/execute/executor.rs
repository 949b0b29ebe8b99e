//! Any graph that can be run, behind one door: bytes in and bytes out, or real numbers to compare.

use std::ops::Range;

use super::{ExecuteError, float, int8};
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;
use crate::quant::Quantization;
use crate::tensor::ElementType;

/// A graph, ready to run in the arithmetic that it is made for.
#[derive(Debug)]
pub struct Executor {
    arithmetic: Arithmetic,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// For each tensor its type and quantization, to make observed bytes real.
    meanings: Vec<(ElementType, Option<Quantization>)>,
}

#[derive(Debug)]
enum Arithmetic {
    Float(float::Prepared),
    Integer(int8::Prepared),
}

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Which tensor of the graph.
    pub tensor: TensorId,
    /// Type of its elements.
    pub element: ElementType,
    /// How its integers stand for real numbers.
    pub quantization: Option<Quantization>,
    /// Values of one sample.
    pub sample_len: usize,
}

/// Memory of one thread.
#[derive(Debug)]
pub(crate) enum Scratch {
    Float(float::Scratch),
    Integer(int8::Scratch),
}

/// Whether some activation is an integer that stands for a real number: then the integer executor runs the graph.
fn has_integer_activations(graph: &Graph) -> bool {
    let mut activations = graph.nodes.iter().flat_map(|node| &node.outputs).chain(&graph.inputs);
    activations.any(|&id| {
        let tensor = graph.tensor(id);
        !tensor.is_constant() && tensor.quantization.is_some() && tensor.element != ElementType::F32
    })
}

impl Executor {
    /// Prepares `graph`: in integers, rounding as TFLM does by default, if any of its activations are, else in floats.
    ///
    /// # Errors
    /// [`ExecuteError`] names what cannot be run.
    pub fn new(graph: &Graph) -> Result<Self, ExecuteError> {
        Self::with_rounding(graph, int8::Rounding::default())
    }

    /// As [`Executor::new`], for firmware that rounds otherwise.
    ///
    /// # Errors
    /// As [`Executor::new`].
    pub fn with_rounding(graph: &Graph, rounding: int8::Rounding) -> Result<Self, ExecuteError> {
        let arithmetic = match has_integer_activations(graph) {
            true => Arithmetic::Integer(int8::Prepared::new(graph, rounding)?),
            false => Arithmetic::Float(float::Prepared::new(graph)?),
        };
        let port = |&tensor: &TensorId| {
            let t = graph.tensor(tensor);
            Port { tensor, element: t.element, quantization: t.quantization.clone(), sample_len: t.n_elements() }
        };
        Ok(Self {
            arithmetic,
            inputs: graph.inputs.iter().map(port).collect(),
            outputs: graph.outputs.iter().map(port).collect(),
            meanings: graph.tensors.iter().map(|t| (t.element, t.quantization.clone())).collect(),
        })
    }

    /// Whether [`Executor::new`] runs `graph` in integers: some activation is an integer that stands for a real number.
    pub fn runs_in_integers(graph: &Graph) -> bool {
        has_integer_activations(graph)
    }

    /// The graph's inputs, in order.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The graph's outputs, in order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Whether the graph runs in integers.
    pub fn is_integer(&self) -> bool {
        matches!(self.arithmetic, Arithmetic::Integer(_))
    }

    /// Runs `n_samples` on rayon's current pool. `inputs` holds for each input the bytes of all samples, little-endian, in the
    /// input's own type; the result likewise for each output.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the bytes do not fit; [`ExecuteError::Cancelled`].
    pub fn run(&self, inputs: &[&[u8]], n_samples: usize, cancel: &Cancel) -> Result<Vec<Vec<u8>>, ExecuteError> {
        match &self.arithmetic {
            Arithmetic::Integer(prepared) => prepared.run_batch(inputs, n_samples, cancel, |_| {}),
            Arithmetic::Float(prepared) => {
                let inputs: Vec<Vec<f32>> = inputs.iter().map(|bytes| floats(bytes)).collect();
                let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
                let outputs = prepared.run(&inputs, cancel)?;
                Ok(outputs.iter().map(|values| values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect())
            }
        }
    }

    /// As [`Executor::run`], with the outputs as real numbers.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn run_real(&self, inputs: &[&[u8]], n_samples: usize, cancel: &Cancel) -> Result<Vec<Vec<f32>>, ExecuteError> {
        let outputs = self.run(inputs, n_samples, cancel)?;
        Ok(outputs.iter().zip(&self.outputs).map(|(bytes, port)| self.real(port.tensor, bytes)).collect())
    }

    pub(crate) fn scratch(&self) -> Scratch {
        match &self.arithmetic {
            Arithmetic::Float(_) => Scratch::Float(float::Scratch::default()),
            Arithmetic::Integer(prepared) => Scratch::Integer(prepared.scratch()),
        }
    }

    /// How many samples [`Executor::observe_block`] takes at most.
    pub(crate) fn block(&self) -> usize {
        match &self.arithmetic {
            Arithmetic::Float(prepared) => prepared.block(),
            Arithmetic::Integer(prepared) => prepared.block(),
        }
    }

    /// Runs one block of samples, given as real numbers `[samples, ..]` for each input, and shows every activation that a node
    /// makes: its tensor and its bytes in its own type.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the samples do not fit.
    pub(crate) fn observe_block(
        &self,
        scratch: &mut Scratch,
        inputs: &[&[f32]],
        samples: Range<usize>,
        observe: &mut dyn FnMut(TensorId, Observed<'_>),
    ) -> Result<(), ExecuteError> {
        match (&self.arithmetic, scratch) {
            (Arithmetic::Float(prepared), Scratch::Float(scratch)) => {
                prepared.run_block(scratch, inputs, samples, &mut |tensor, values| observe(tensor, Observed::Real(values)));
                Ok(())
            }
            (Arithmetic::Integer(prepared), Scratch::Integer(scratch)) => {
                let parts = inputs.iter().zip(&self.inputs).map(|(values, port)| {
                    let part = values.get(samples.start * port.sample_len..samples.end * port.sample_len);
                    Ok(port.bytes_from_real(part.ok_or_else(|| ExecuteError::Input("too few samples".into()))?))
                });
                let parts = parts.collect::<Result<Vec<_>, ExecuteError>>()?;
                let inputs: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                let mut outputs: Vec<Vec<u8>> =
                    prepared.outputs().iter().map(|port| vec![0; port.sample_bytes * samples.len()]).collect();
                let mut outputs: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
                let mut see = |tensor, bytes: &[u8]| observe(tensor, Observed::Bytes(bytes));
                prepared.run_observed(scratch, &inputs, &mut outputs, &mut see)
            }
            (Arithmetic::Float(_), Scratch::Integer(_)) | (Arithmetic::Integer(_), Scratch::Float(_)) => {
                Err(ExecuteError::Input("the scratch memory belongs to another model".into()))
            }
        }
    }

    /// Bytes of a tensor as real numbers.
    pub fn real(&self, tensor: TensorId, bytes: &[u8]) -> Vec<f32> {
        let (element, quantization) = &self.meanings[tensor.index()];
        integers(*element, bytes).map_or_else(
            || floats(bytes),
            |integers| match quantization {
                Some(q) => integers.map(|x| q.real_from_quantized(x, 0)).collect(),
                None => integers.map(|x| x as f32).collect(),
            },
        )
    }
}

/// Values of an activation, as the executor has them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observed<'a> {
    Real(&'a [f32]),
    Bytes(&'a [u8]),
}

impl Port {
    /// Real numbers as the port takes them: rounded to its grid, little-endian.
    pub fn bytes_from_real(&self, values: &[f32]) -> Vec<u8> {
        let quantized = |x: f32| match &self.quantization {
            Some(q) => q.quantized_from_real(x, self.element),
            None => x as i32,
        };
        match self.element {
            ElementType::I8 | ElementType::U8 => values.iter().map(|&x| quantized(x) as u8).collect(),
            ElementType::I16 => values.iter().flat_map(|&x| (quantized(x) as i16).to_le_bytes()).collect(),
            ElementType::I32 => values.iter().flat_map(|&x| quantized(x).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
}

/// Little-endian integers; `None` for types that are none.
pub(crate) fn integers<'a>(element: ElementType, bytes: &'a [u8]) -> Option<Box<dyn Iterator<Item = i32> + 'a>> {
    Some(match element {
        ElementType::I8 => Box::new(bytes.iter().map(|&x| i32::from(x as i8))),
        ElementType::U8 | ElementType::Bool => Box::new(bytes.iter().map(|&x| i32::from(x))),
        ElementType::I16 => Box::new(bytes.as_chunks().0.iter().map(|&c| i32::from(i16::from_le_bytes(c)))),
        ElementType::I32 => Box::new(bytes.as_chunks().0.iter().map(|&c| i32::from_le_bytes(c))),
        ElementType::F32 | ElementType::F16 | ElementType::I4 | ElementType::I64 | ElementType::Other(_) => return None,
    })
}
