//! One model that listens: features in, probabilities of classes or a distance out.

use serde::Serialize;

use super::LiveError;
use crate::data::DataSet;
use crate::data::feed::{self, Meaning};
use crate::execute::executor::Executor;
use crate::graph::Graph;
use crate::measure::accuracy::last_op;
use crate::ops::{Op, Unary};
use crate::preview::only_input;
use crate::progress::Cancel;
use crate::tensor::Tensor;

/// How the first output of a model is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// The model ends in a softmax: its values are probabilities.
    Softmax,
    /// The model ends in the logarithm of a softmax, whose exponentials are probabilities.
    LogSoftmax,
    /// The model ends in a sigmoid: its values are probabilities, each by itself.
    Sigmoid,
    /// The model ends in plain numbers, one for each class: their softmax are probabilities.
    Logits,
    /// The model ends in one plain number: its sigmoid is the probability of class 1.
    Logit,
    /// The output has the shape of the input (an autoencoder): the mean squared difference of the two, in the features' units.
    Distance,
}

impl Reading {
    /// How the first output of `graph` is read.
    fn of(graph: &Graph, input: &Tensor, output: &Tensor) -> Self {
        let n = output.n_elements();
        match last_op(graph) {
            Some(Op::Softmax(_)) if n > 1 => Self::Softmax,
            Some(Op::LogSoftmax(_)) if n > 1 => Self::LogSoftmax,
            _ if n > 1 && output.shape == input.shape => Self::Distance,
            Some(Op::Unary(Unary::Logistic)) => Self::Sigmoid,
            _ if n == 1 => Self::Logit,
            _ => Self::Logits,
        }
    }

    /// For people: what is done to the output.
    pub fn words(self) -> &'static str {
        match self {
            Self::Softmax => "probabilities of the model's own softmax",
            Self::LogSoftmax => "exponentials of the model's own log-softmax",
            Self::Sigmoid => "probabilities of the model's own sigmoid",
            Self::Logits => "the model ends in plain numbers: their softmax",
            Self::Logit => "the model ends in one plain number: its sigmoid",
            Self::Distance => "an autoencoder: the mean squared difference between input and output",
        }
    }

    fn values(self, output: Vec<f32>, input: impl FnOnce() -> Result<Vec<f32>, LiveError>) -> Result<Vec<f32>, LiveError> {
        let probabilities = match self {
            Self::Softmax | Self::Sigmoid => output,
            Self::LogSoftmax => output.into_iter().map(f32::exp).collect(),
            Self::Logits => softmax(&output),
            Self::Logit => output.into_iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            Self::Distance => return Ok(vec![mean_squared_difference(&input()?, &output)]),
        };
        // A single probability is that of class 1 of two.
        Ok(match probabilities[..] {
            [probability] => vec![1.0 - probability, probability],
            _ => probabilities,
        })
    }
}

/// What a model said of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Probabilities of the classes; of an autoencoder its distance alone.
    pub values: Vec<f32>,
    /// The bytes of its input, as a board takes them.
    pub input: Vec<u8>,
    /// The bytes of all its outputs, as a board gives them.
    pub output: Vec<u8>,
}

/// A model, ready to listen, in its own arithmetic.
#[derive(Debug)]
pub struct Runner {
    executor: Executor,
    input: Tensor,
    reading: Reading,
    n_classes: usize,
}

impl Runner {
    /// Prepares `graph`.
    ///
    /// # Errors
    /// [`LiveError::Data`] if it has several inputs; [`LiveError::Execute`] if it cannot run; [`LiveError::Misfit`] without an output.
    pub fn new(graph: &Graph) -> Result<Self, LiveError> {
        let input = only_input(graph)?;
        let output = graph.outputs.first().map(|&id| graph.tensor(id)).filter(|output| output.n_elements() > 0);
        let output = output.ok_or_else(no_output)?;
        let reading = Reading::of(graph, input, output);
        let n_classes = match reading {
            Reading::Distance => 1,
            _ => output.n_elements().max(2),
        };
        Ok(Self { executor: Executor::new(graph)?, input: input.clone(), reading, n_classes })
    }

    /// Runs one sample of [`FrontEnd::features`](super::FrontEnd::features).
    ///
    /// # Errors
    /// [`LiveError::Data`] if it does not fit the input.
    pub fn run(&self, sample: &DataSet) -> Result<Said, LiveError> {
        self.run_sample(sample, feed::meaning(sample, &self.input), 0)
    }

    /// Runs one sample of a data set whose values mean this.
    ///
    /// # Errors
    /// [`LiveError::Data`] if it does not fit the input.
    pub fn run_sample(&self, data: &DataSet, meaning: Meaning, sample: usize) -> Result<Said, LiveError> {
        let input = feed::model_samples(data, meaning, &[sample], &self.input)?;
        let outputs = self.executor.run(&[&input], 1, &Cancel::new())?;
        let (first, port) = outputs.first().zip(self.executor.outputs().first()).ok_or_else(no_output)?;
        let real = self.executor.real(port.tensor, first);
        let values = self.reading.values(real, || Ok(feed::real_samples(data, meaning, &[sample], &self.input)?))?;
        Ok(Said { values, input, output: outputs.concat() })
    }

    /// Reads the bytes of all its outputs, as a board gives them, as [`Said::values`].
    ///
    /// # Errors
    /// [`LiveError::Misfit`] if there are too few of them, or the input would be needed too, as of an autoencoder.
    pub fn read(&self, output: &[u8]) -> Result<Vec<f32>, LiveError> {
        let port = self.executor.outputs().first().ok_or_else(no_output)?;
        let first = port.element.byte_len(port.sample_len).and_then(|len| output.get(..len));
        let first = first.ok_or_else(|| LiveError::Misfit("the output is cut short".to_owned()))?;
        let no_input = || Err(LiveError::Misfit("an autoencoder's output means nothing without its input".to_owned()));
        self.reading.values(self.executor.real(port.tensor, first), no_input)
    }

    /// How its output is read.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// What it takes.
    pub fn input(&self) -> &Tensor {
        &self.input
    }

    /// Values of [`Said::values`].
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }
}

fn no_output() -> LiveError {
    LiveError::Misfit("the model has no output".to_owned())
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = logits.iter().map(|x| (x - highest).exp()).collect();
    let sum: f32 = exponentials.iter().sum();
    exponentials.into_iter().map(|x| x / sum).collect()
}

fn mean_squared_difference(a: &[f32], b: &[f32]) -> f32 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (sum / a.len().max(1) as f64) as f32
}
