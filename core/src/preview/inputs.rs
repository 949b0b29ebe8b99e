//! A data set as the inputs of a model: which of its arrays feeds which, and what they hold.

use std::borrow::Cow;

use crate::data::feed::{self, Meaning};
use crate::data::{DataProblem, DataSet};
use crate::graph::{Graph, TensorId};
use crate::tensor::Tensor;

/// A data set that fits a source model.
#[derive(Clone, Debug)]
pub struct Inputs<'a>(Vec<Fed<'a>>);

/// What feeds one input.
#[derive(Clone, Debug)]
struct Fed<'a> {
    array: Cow<'a, DataSet>,
    input: &'a Tensor,
    meaning: Meaning,
}

impl<'a> Inputs<'a> {
    /// Every array of `data` for the input of `source` that it feeds: by their names if every input has an array of its name, else
    /// in their order.
    ///
    /// # Errors
    /// [`DataProblem::Input`] if there are not as many arrays as inputs, or names and order contradict each other; [`DataProblem::Shape`], of one of several
    /// [`DataProblem::Array`], if samples have another shape; [`DataProblem::Layout`] if it is not known where they have their channels.
    pub fn of(data: &'a DataSet, source: &'a Graph) -> Result<Self, DataProblem> {
        let arrays = in_order(data, source)?;
        let fed = arrays.into_iter().enumerate().map(|(index, array)| {
            let input = source.tensor(source.inputs[index]);
            let array = if data.more.is_empty() { Cow::Borrowed(array) } else { laid_out_as_can_be(array, input) };
            feed::check_shape(&array, input).map_err(|problem| of_array(problem, data, source, index, &array))?;
            feed::check_layout(&array, input, source.source_order.input(index))?;
            Ok(Fed { meaning: feed::meaning(&array, input), array, input })
        });
        Ok(Self(fed.collect::<Result<_, DataProblem>>()?))
    }

    /// Shape of a sample for each input, as the data set has it.
    pub fn shapes(&self) -> impl Iterator<Item = &[usize]> {
        self.0.iter().map(|fed| fed.array.sample_shape.as_slice())
    }

    /// The chosen samples as real numbers, for each input `[samples.len(), ..]`.
    ///
    /// # Errors
    /// None that [`Inputs::of`] has not met.
    pub fn real(&self, samples: &[usize]) -> Result<Vec<Vec<f32>>, DataProblem> {
        self.0.iter().map(|fed| feed::real_samples(&fed.array, fed.meaning, samples, fed.input)).collect()
    }

    /// The chosen samples as the inputs of `graph` take them, for each `[samples.len(), ..]`, little-endian: of the source model, or of
    /// what was made of it.
    ///
    /// # Errors
    /// [`DataProblem::Input`] if `graph` has other inputs; [`DataProblem::Shape`] if they have other shapes.
    pub fn bytes(&self, samples: &[usize], graph: &Graph) -> Result<Vec<Vec<u8>>, DataProblem> {
        if graph.inputs.len() != self.0.len() {
            let (n, wanted) = (graph.inputs.len(), self.0.len());
            return Err(DataProblem::Input(format!("the model has {n} inputs, the one that it was made of has {wanted}")));
        }
        let of = |(fed, id): (&Fed<'_>, _)| feed::model_samples(&fed.array, fed.meaning, samples, graph.tensor(id));
        self.0.iter().zip(graph.inputs.iter().copied()).map(of).collect()
    }
}

/// What an executor takes: a slice for each input.
pub fn views<T>(inputs: &[Vec<T>]) -> Vec<&[T]> {
    inputs.iter().map(Vec::as_slice).collect()
}

/// Whether shapes do not tell where the samples of some input have their channels, so that it has to be said.
pub fn is_layout_open(data: &DataSet, source: &Graph) -> bool {
    let is_open = |(index, array): (usize, &DataSet)| {
        feed::is_layout_open(array, source.tensor(source.inputs[index]), source.source_order.input(index))
    };
    in_order(data, source).is_ok_and(|arrays| arrays.into_iter().enumerate().any(is_open))
}

/// The one input of a model that is fed by itself, as by a live signal.
///
/// # Errors
/// [`DataProblem::Input`] if the model has none or several.
pub fn only_input(graph: &Graph) -> Result<&Tensor, DataProblem> {
    match graph.inputs.as_slice() {
        [input] => Ok(graph.tensor(*input)),
        inputs => Err(DataProblem::Input(format!("the model has {} inputs, expected exactly one", inputs.len()))),
    }
}

/// The array of each input.
fn in_order<'a>(data: &'a DataSet, source: &Graph) -> Result<Vec<&'a DataSet>, DataProblem> {
    let (arrays, inputs) = (data.arrays().collect::<Vec<_>>(), names(source));
    if arrays.len() != inputs.len() {
        return Err(other_number(&arrays, &inputs));
    }
    let named = |input: &String| arrays.iter().copied().find(|array| plain(&array.array) == plain(input));
    let by_name: Option<Vec<&DataSet>> = inputs.iter().map(named).collect();
    // Two inputs of one plain name would get the same array.
    let is_each = |found: &Vec<&DataSet>| arrays.iter().all(|array| found.iter().any(|other| std::ptr::eq(*array, *other)));
    if let Some(by_name) = by_name.filter(is_each) {
        return Ok(by_name);
    }
    // By its order an array would feed another input than that whose name it has.
    let is_of_other = |(place, array): &(usize, &&DataSet)| {
        let is_named = |input: &String| plain(input) == plain(&array.array);
        inputs.iter().any(is_named) && !is_named(&inputs[*place])
    };
    match arrays.iter().enumerate().find(is_of_other) {
        Some((place, array)) => {
            let remedy = format!("call all as the inputs, or x0, x1, … in their order: {}", inputs.join(", "));
            let trouble = format!("would feed {}, as array {} of {}; {remedy}", inputs[place], place + 1, arrays.len());
            Err(DataProblem::Array { array: array.array.clone(), trouble })
        }
        None => Ok(arrays),
    }
}

fn other_number(arrays: &[&DataSet], inputs: &[String]) -> DataProblem {
    let counted = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    let arrays_named = arrays.iter().map(|array| array.array.as_str()).collect::<Vec<_>>().join(", ");
    let remedy = match (arrays, inputs) {
        (_, [_]) => "call the samples of its input x".to_owned(),
        _ => format!("save an array for each of {}, called so or x0, x1, …, in an .npz", inputs.join(", ")),
    };
    DataProblem::Input(format!(
        "the model has {}, the data set holds {} ({arrays_named}); {remedy}",
        counted(inputs.len(), "input"),
        counted(arrays.len(), "array"),
    ))
}

/// What is said of all arrays goes for those that can have it.
fn laid_out_as_can_be<'a>(array: &'a DataSet, input: &Tensor) -> Cow<'a, DataSet> {
    match feed::check_shape(array, input) {
        Ok(()) => Cow::Borrowed(array),
        Err(_) => Cow::Owned(array.clone().laid_out(None)),
    }
}

/// A shape that does not fit, of one of several arrays.
fn of_array(problem: DataProblem, data: &DataSet, source: &Graph, index: usize, array: &DataSet) -> DataProblem {
    let DataProblem::Shape { sample, input } = &problem else { return problem };
    if data.more.is_empty() {
        return problem;
    }
    let inputs = names(source);
    let trouble = format!(
        "has samples of shape {sample:?}, the model's input {} takes {input:?}; call arrays as the inputs, or save them in their \
         order: {}",
        inputs[index],
        inputs.join(", ")
    );
    DataProblem::Array { array: array.array.clone(), trouble }
}

/// The names of the inputs; a file may hold none.
fn names(graph: &Graph) -> Vec<String> {
    let name = |(index, id): (usize, &TensorId)| match graph.tensor(*id).name.as_str() {
        "" => format!("input {}", index + 1),
        name => name.to_owned(),
    };
    graph.inputs.iter().enumerate().map(name).collect()
}

/// A name without what TensorFlow puts around it: of `serving_default_audio:0` it is `audio`.
fn plain(name: &str) -> &str {
    let name = name.strip_prefix("serving_default_").unwrap_or(name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Layout, Values};
    use crate::tensor::ElementType;

    fn model(inputs: [(&str, &[usize]); 2]) -> Graph {
        let mut graph = Graph::default();
        for (name, shape) in inputs {
            let id = graph.add_tensor(Tensor::activation(name, ElementType::F32, shape));
            graph.inputs.push(id);
        }
        graph
    }

    /// Two samples of each.
    fn set(arrays: [(&str, &[usize], f32); 2]) -> DataSet {
        let array = |(name, shape, value): (&str, &[usize], f32)| {
            let values = vec![value; 2 * shape.iter().product::<usize>()];
            let set = DataSet::sample(shape.to_vec(), vec![]).laid_out(None);
            DataSet { array: name.into(), values: Values::F32(values.into()), ..set }
        };
        let [first, second] = arrays.map(array);
        DataSet { more: vec![second], ..first }
    }

    fn firsts(set: &DataSet, graph: &Graph) -> Vec<f32> {
        Inputs::of(set, graph).unwrap().real(&[1]).unwrap().iter().map(|values| values[0]).collect()
    }

    fn refusal(set: &DataSet, graph: &Graph) -> String {
        Inputs::of(set, graph).expect_err("it does not fit").to_string()
    }

    #[test]
    fn arrays_find_their_inputs_by_name_or_in_order() {
        let graph = model([("serving_default_sound:0", &[1, 3]), ("motion", &[1, 3])]);
        assert_eq!(firsts(&set([("motion", &[3], 1.0), ("sound", &[3], 2.0)]), &graph), [2.0, 1.0]);
        assert_eq!(firsts(&set([("x0", &[3], 1.0), ("x1", &[3], 2.0)]), &graph), [1.0, 2.0]);
        assert_eq!(firsts(&set([("sound", &[3], 1.0), ("b", &[3], 2.0)]), &graph), [1.0, 2.0]);
        let twins = model([("in:0", &[1, 3]), ("in:1", &[1, 3])]);
        assert_eq!(firsts(&set([("in", &[3], 1.0), ("b", &[3], 2.0)]), &twins), [1.0, 2.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let alike = model([("sound", &[1, 3]), ("motion", &[1, 3])]);
        let other = refusal(&set([("motion", &[3], 1.0), ("b", &[3], 2.0)]), &alike);
        assert!(
            other.contains("\"motion\" would feed sound, as array 1 of 2") && other.ends_with("in their order: sound, motion"),
            "{other}"
        );
        let graph = model([("sound", &[1, 3]), ("motion", &[1, 4, 2])]);
        let swapped = refusal(&set([("x0", &[4, 2], 1.0), ("x1", &[3], 2.0)]), &graph);
        assert!(swapped.contains("\"x0\" has samples of shape [4, 2]") && swapped.contains("sound takes [3]"), "{swapped}");
        assert!(swapped.ends_with("order: sound, motion"), "{swapped}");
        let mut one = set([("x", &[3], 1.0), ("", &[3], 1.0)]);
        one.more.clear();
        let words = refusal(&one, &graph);
        assert!(words.contains("has 2 inputs, the data set holds 1 array (x)") && words.contains("x0, x1"), "{words}");
        let mut single = graph.clone();
        single.inputs.pop();
        let words = refusal(&set([("x0", &[3], 1.0), ("x1", &[4, 2], 2.0)]), &single);
        assert!(words.contains("has 1 input, the data set holds 2 arrays (x0, x1)"), "{words}");
        assert!(Inputs::of(&one, &single).unwrap().bytes(&[0], &graph).is_err(), "another model");
    }

    #[test]
    fn a_layout_goes_for_the_arrays_that_can_have_it() {
        let graph = model([("picture", &[1, 2, 3, 2]), ("motion", &[1, 4, 2])]);
        let both = set([("x0", &[2, 2, 3], 1.0), ("x1", &[4, 2], 2.0)]).laid_out(Some(Layout::Nchw));
        assert_eq!(firsts(&both, &graph), [1.0, 2.0]);
        assert!(!is_layout_open(&both, &graph), "the file's axes stand as here");
    }
}
