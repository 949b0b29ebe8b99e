//! How well a candidate does on labelled or unlabelled samples, in its own arithmetic.

use std::ops::Range;

use super::AccuracyFigures;
use crate::execute::ExecuteError;
use crate::graph::Graph;
use crate::ops::Op;

/// The first figure comes after so many samples, each next one after twice as many.
const FIRST_STEP: usize = 64;

/// No step is longer than this: a cancelled evaluation stops soon.
const MAX_STEP: usize = 2048;

/// What outputs are compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Truth<'a> {
    /// Class of each sample.
    pub labels: Option<&'a [u32]>,
    /// How many classes there are, if known.
    pub n_classes: Option<usize>,
    /// The float model's first output for each sample, `[samples, ..]`.
    pub float_outputs: Option<&'a [f32]>,
}

/// Whether the first output names a class: it comes from a SOFTMAX, or it has one value for each of the labelled classes (or a
/// single one for two). An autoencoder's does not.
pub fn is_classifier(graph: &Graph, truth: &Truth<'_>) -> bool {
    let Some(&output) = graph.outputs.first() else { return false };
    let n = graph.tensor(output).n_elements();
    if n > 1 && matches!(last_op(graph), Some(Op::Softmax(_))) {
        return true;
    }
    let highest = || Some(*truth.labels?.iter().max()? as usize + 1);
    match truth.n_classes.filter(|n| *n > 0).or_else(highest) {
        Some(n_classes) if truth.labels.is_some() => n == n_classes || n == 1 && n_classes <= 2,
        _ => false,
    }
}

/// What makes the values of the first output: the last operator but for those that change no order of values.
pub(crate) fn last_op(graph: &Graph) -> Option<&Op> {
    let producers = graph.producers();
    let mut at = graph.outputs.first().copied();
    while let Some(node) = at.and_then(|id| producers[id.index()]).map(|id| graph.node(id)) {
        match node.op {
            Op::Quantize(_) | Op::Dequantize(_) | Op::Reshape(_) | Op::Squeeze(_) => at = node.inputs.first().copied().flatten(),
            _ => return Some(&node.op),
        }
    }
    None
}

/// The class that an output names: the largest value, the first of several equal ones. A single value names class 1 from 0.5 on.
pub fn class_of(output: &[f32]) -> usize {
    if let &[probability] = output {
        return usize::from(probability >= 0.5);
    }
    let mut best = 0;
    for (i, x) in output.iter().enumerate() {
        if *x > output[best] {
            best = i;
        }
    }
    best
}

/// Evaluates all samples in growing steps and reports after each. `run` gives the first output of a range of samples, real,
/// `[samples, output_len]`. `classifier` as [`is_classifier`] says of the *source* model: source and candidate are judged alike.
///
/// # Errors
/// [`ExecuteError::Input`] if samples, labels and float outputs are not equally many; those of `run`.
pub fn accuracy(
    n_samples: usize,
    output_len: usize,
    truth: Truth<'_>,
    classifier: bool,
    mut run: impl FnMut(Range<usize>) -> Result<Vec<f32>, ExecuteError>,
    mut report: impl FnMut(&AccuracyFigures),
) -> Result<AccuracyFigures, ExecuteError> {
    let misfit = |what: &str| Err(ExecuteError::Input(format!("{what} and samples are not equally many")));
    let output_len = output_len.max(1);
    if truth.labels.is_some_and(|labels| labels.len() != n_samples) {
        return misfit("labels");
    }
    if truth.float_outputs.is_some_and(|outputs| outputs.len() != n_samples * output_len) {
        return misfit("outputs of the float model");
    }
    let mut judge =
        Judge { truth, classifier, output_len, sum_abs_difference: 0.0, figures: figures(&truth, classifier, n_samples) };
    let mut step = FIRST_STEP;
    let mut first = 0;
    while first < n_samples {
        let end = (first + step).min(n_samples);
        judge.add(first, &run(first..end)?);
        report(&judge.figures);
        first = end;
        step = (step * 2).min(MAX_STEP);
    }
    Ok(judge.figures)
}

fn figures(truth: &Truth<'_>, classifier: bool, total: usize) -> AccuracyFigures {
    AccuracyFigures {
        done: 0,
        total,
        top1_correct: truth.labels.filter(|_| classifier).map(|_| 0),
        agree_with_float: truth.float_outputs.filter(|_| classifier).map(|_| 0),
        mean_abs_difference: None,
    }
}

/// Adds up samples as they come.
struct Judge<'a> {
    truth: Truth<'a>,
    classifier: bool,
    output_len: usize,
    sum_abs_difference: f64,
    figures: AccuracyFigures,
}

impl Judge<'_> {
    fn add(&mut self, first: usize, outputs: &[f32]) {
        for (sample, output) in (first..).zip(outputs.chunks_exact(self.output_len)) {
            self.figures.done += 1;
            let class = class_of(output);
            if let (Some(correct), Some(labels)) = (&mut self.figures.top1_correct, self.truth.labels) {
                *correct += usize::from(labels[sample] as usize == class);
            }
            let Some(float) = self.truth.float_outputs else { continue };
            let float = &float[sample * self.output_len..][..self.output_len];
            if let Some(agree) = self.figures.agree_with_float.as_mut().filter(|_| self.classifier) {
                *agree += usize::from(class_of(float) == class);
            }
            self.sum_abs_difference += output.iter().zip(float).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>();
        }
        if self.truth.float_outputs.is_some() && self.figures.done > 0 {
            let n = (self.figures.done * self.output_len) as f64;
            self.figures.mean_abs_difference = Some(self.sum_abs_difference / n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_outputs_the_first_wins() {
        assert_eq!(class_of(&[0.1, 0.4, 0.4, 0.1]), 1);
        assert_eq!((class_of(&[0.49]), class_of(&[0.5])), (0, 1));
    }
}
