//! Any graph that can be run, behind one door: bytes in and bytes out, or real numbers to compare.

use std::collections::HashMap;

use super::batch::run_blocks;
use super::segments::{Segment, has_integer_activations, in_whole_graph, segments};
use super::{ExecuteError, float, int8};
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;
use crate::quant::Quantization;
use crate::tensor::ElementType;

/// A graph, ready to run in the arithmetic that it is made for.
#[derive(Debug)]
pub struct Executor {
    /// One, but for graphs that mix integer and float layers.
    parts: Vec<Part>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// For each tensor its type and quantization, to make observed bytes real.
    meanings: Vec<(ElementType, Option<Quantization>)>,
}

/// A run of nodes of one arithmetic.
#[derive(Debug)]
struct Part {
    arithmetic: Arithmetic,
    inputs: Vec<TensorId>,
    outputs: Vec<TensorId>,
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

/// For each of several tensors the bytes of all samples.
pub(crate) type BytesOfEach = Vec<Vec<u8>>;

/// Memory of one thread.
#[derive(Debug)]
pub(crate) struct Scratch(Vec<PartScratch>);

#[derive(Debug)]
enum PartScratch {
    Float(float::Scratch),
    Integer(int8::Scratch),
}

impl Executor {
    /// Prepares `graph`: integer layers in integers, rounding as TFLM does by default, float layers in floats.
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
        let parts = segments(graph);
        let single = parts.len() == 1;
        let part = |segment: Segment| {
            let nodes = || graph.nodes[segment.nodes.clone()].to_vec();
            let part = (!single).then(|| graph.part(nodes(), segment.inputs.clone(), segment.outputs.clone()));
            let part = part.as_ref().unwrap_or(graph);
            let arithmetic = match segment.is_float {
                false => int8::Prepared::new(part, rounding).map(Arithmetic::Integer),
                true => float::Prepared::new(part).map(Arithmetic::Float),
            };
            let arithmetic = arithmetic.map_err(|error| in_whole_graph(error, &segment))?;
            Ok(Part { arithmetic, inputs: segment.inputs, outputs: segment.outputs })
        };
        let parts = parts.into_iter().map(part).collect::<Result<Vec<_>, ExecuteError>>()?;
        let port = |&tensor: &TensorId| {
            let t = graph.tensor(tensor);
            Port { tensor, element: t.element, quantization: t.quantization.clone(), sample_len: t.n_elements() }
        };
        Ok(Self {
            parts,
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

    /// Whether some of the graph runs in integers.
    pub fn is_integer(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.arithmetic, Arithmetic::Integer(_)))
    }

    /// Runs `n_samples` on rayon's current pool. `inputs` holds for each input the bytes of all samples, little-endian, in the
    /// input's own type; the result likewise for each output.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the bytes do not fit; [`ExecuteError::Cancelled`].
    pub fn run(&self, inputs: &[&[u8]], n_samples: usize, cancel: &Cancel) -> Result<Vec<Vec<u8>>, ExecuteError> {
        match self.parts.as_slice() {
            [Part { arithmetic: Arithmetic::Integer(prepared), .. }] => prepared.run_batch(inputs, n_samples, cancel, |_| {}),
            [Part { arithmetic: Arithmetic::Float(prepared), .. }] => {
                let inputs: Vec<Vec<f32>> = inputs.iter().map(|bytes| floats(bytes)).collect();
                let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
                Ok(prepared.run(&inputs, cancel)?.iter().map(|values| bytes_of(values)).collect())
            }
            _ => self.run_mixed(inputs, n_samples, cancel),
        }
    }

    fn run_mixed(&self, inputs: &[&[u8]], n_samples: usize, cancel: &Cancel) -> Result<Vec<Vec<u8>>, ExecuteError> {
        Ok(self.run_keeping(inputs, n_samples, &[], cancel)?.0)
    }

    /// As [`Executor::run`], and hands out beside the outputs what nodes made of the tensors `keep`, in their own types.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub(crate) fn run_keeping(
        &self,
        inputs: &[&[u8]],
        n_samples: usize,
        keep: &[TensorId],
        cancel: &Cancel,
    ) -> Result<(BytesOfEach, BytesOfEach), ExecuteError> {
        let lens: Vec<usize> = inputs.iter().map(|bytes| bytes.len().checked_div(n_samples).unwrap_or(0)).collect();
        let blocks = run_blocks(
            n_samples,
            self.block(),
            cancel,
            || self.scratch(),
            |scratch, samples| {
                let part = inputs.iter().zip(&lens).map(|(bytes, len)| bytes[samples.start * len..samples.end * len].to_vec());
                let mut kept = vec![Vec::new(); keep.len()];
                let mut see = |tensor, values: Observed<'_>| {
                    if let Some(index) = keep.iter().position(|id| *id == tensor) {
                        kept[index] = values.to_bytes();
                    }
                };
                let values = self.run_parts(scratch, part.collect(), samples.len(), &mut see)?;
                let output = |port: &Port| values.get(&port.tensor).cloned().unwrap_or_default();
                Ok((self.outputs.iter().map(output).collect::<Vec<_>>(), kept))
            },
        )?;
        let (mut outputs, mut kept) = (vec![Vec::new(); self.outputs.len()], vec![Vec::new(); keep.len()]);
        for (some_outputs, some_kept) in blocks {
            outputs.iter_mut().zip(some_outputs).for_each(|(all, part)| all.extend(part));
            kept.iter_mut().zip(some_kept).for_each(|(all, part)| all.extend(part));
        }
        Ok((outputs, kept))
    }

    /// Runs the parts one after the other on one block of at most [`block`](Self::block) samples and shows every activation that a node
    /// makes; returns what they hand on, by tensor.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the samples do not fit.
    pub(crate) fn run_parts(
        &self,
        scratch: &mut Scratch,
        inputs: Vec<Vec<u8>>,
        n_samples: usize,
        observe: &mut dyn FnMut(TensorId, Observed<'_>),
    ) -> Result<HashMap<TensorId, Vec<u8>>, ExecuteError> {
        let mut values: HashMap<TensorId, Vec<u8>> = self.inputs.iter().map(|port| port.tensor).zip(inputs).collect();
        for (part, scratch) in self.parts.iter().zip(&mut scratch.0) {
            let inputs: Vec<&[u8]> = part.inputs.iter().map(|id| values.get(id).map_or(&[][..], Vec::as_slice)).collect();
            let outputs = match (&part.arithmetic, scratch) {
                (Arithmetic::Float(prepared), PartScratch::Float(scratch)) => {
                    let inputs: Vec<Vec<f32>> = inputs.iter().map(|bytes| floats(bytes)).collect();
                    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
                    if prepared.n_samples(&inputs)? != n_samples {
                        return Err(ExecuteError::Input("the model's inputs hold different numbers of samples".into()));
                    }
                    let mut see = |tensor, values: &[f32]| observe(tensor, Observed::Real(values));
                    let outputs = prepared.run_sequential(scratch, &inputs, 0..n_samples, &mut see);
                    outputs.iter().map(|values| bytes_of(values)).collect()
                }
                (Arithmetic::Integer(prepared), PartScratch::Integer(scratch)) => {
                    let mut outputs: Vec<Vec<u8>> =
                        prepared.outputs().iter().map(|port| vec![0; port.sample_bytes * n_samples]).collect();
                    let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
                    let mut see = |tensor, bytes: &[u8]| observe(tensor, Observed::Bytes(bytes));
                    prepared.run_observed(scratch, &inputs, &mut views, &mut see)?;
                    outputs
                }
                (Arithmetic::Float(_), PartScratch::Integer(_)) | (Arithmetic::Integer(_), PartScratch::Float(_)) => {
                    return Err(ExecuteError::Input("the scratch memory belongs to another model".into()));
                }
            };
            values.extend(part.outputs.iter().copied().zip(outputs));
        }
        Ok(values)
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
        let scratch = |part: &Part| match &part.arithmetic {
            Arithmetic::Float(_) => PartScratch::Float(float::Scratch::default()),
            Arithmetic::Integer(prepared) => PartScratch::Integer(prepared.scratch()),
        };
        Scratch(self.parts.iter().map(scratch).collect())
    }

    /// How many samples [`Executor::run_parts`] takes at most.
    pub(crate) fn block(&self) -> usize {
        let block = |part: &Part| match &part.arithmetic {
            Arithmetic::Float(prepared) => prepared.block(),
            Arithmetic::Integer(prepared) => prepared.block(),
        };
        self.parts.iter().map(block).min().unwrap_or(1)
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

impl Observed<'_> {
    /// Those of one of `n` samples.
    pub(crate) fn part(self, sample: usize, n: usize) -> Self {
        match self {
            Self::Real(values) => Self::Real(part(values, sample, n)),
            Self::Bytes(bytes) => Self::Bytes(part(bytes, sample, n)),
        }
    }

    /// The values in the tensor's own type, little-endian.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Real(values) => bytes_of(values),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// What belongs to one of `n` samples.
pub(crate) fn part<T>(values: &[T], sample: usize, n: usize) -> &[T] {
    let len = values.len() / n.max(1);
    &values[sample * len..(sample + 1) * len]
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

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
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
