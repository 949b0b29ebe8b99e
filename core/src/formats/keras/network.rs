//! The layers of a model in an order in which they can run, each built once for every time it is applied.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::{Trouble, quoted};
use super::archive::{Archive, SAVE_WHOLE};
use super::builder::{Builder, Value};
use super::config::{Described, Flag, Layer, Network, Reference, References, parse};
use super::layers::{self, Call};
use super::weights::ModelWeights;
use crate::graph::Severity;

/// How deep models may lie in models.
const MAX_DEPTH: usize = 16;
/// What one application of a layer takes while the graph is built, about.
const APPLICATION_BYTES: usize = 128;

/// A model of layers in a row.
const SEQUENTIAL: &str = "Sequential";
/// A model whose layers say what they are applied to.
const FUNCTIONAL: [&str; 2] = ["Functional", "Model"];
/// The layer that stands for an input.
const INPUT: &str = "InputLayer";

/// A model, or a model within a model.
struct Scope<'n> {
    /// Its name.
    name: &'n str,
    /// Put before the names of weights, so that those of two models are not mixed up.
    key: String,
    /// How many models it lies in.
    depth: usize,
}

/// Adds the outermost model to the graph.
///
/// # Errors
/// A layer cannot be imported, or the layers are not connected as those of a model.
pub(super) fn build(builder: &mut Builder, archive: &Archive, model: &Described<'_>) -> Result<(), Trouble> {
    #[derive(Deserialize)]
    struct Named {
        name: Option<String>,
    }
    let settings = model.config.get();
    let name = if settings.starts_with('[') { None } else { parse::<Named>("model", settings, "a model")?.name };
    let name = name.unwrap_or_else(|| "model".into());
    if !is_model(&model.class_name) {
        return Err(Trouble::Unsupported {
            place: format!("model {}", quoted(&name)),
            what: format!("its class {} is Python code, which is not in the file", quoted(&model.class_name)),
            remedy: "build it as a Sequential or functional model and save with model.save(\"model.keras\"), or convert it to \
                     .tflite with TFLiteConverter"
                .into(),
        });
    }
    let network = Network::of(&name, model)?;
    let weights = ModelWeights::of(archive, &network.layers)?;
    let scope = Scope { name: &name, key: String::new(), depth: 0 };
    let outputs = add(builder, &scope, &model.class_name, &network, &weights, None)?;
    for value in outputs {
        let id = builder.tensor(value, super::builder::Form::Plain, &name)?;
        builder.graph.outputs.push(id);
    }
    Ok(())
}

/// Whether a class is a model rather than a layer.
fn is_model(class: &str) -> bool {
    class == SEQUENTIAL || FUNCTIONAL.contains(&class)
}

/// Adds a model applied to `inputs`, or to inputs of its own, and gives its results.
fn add(
    builder: &mut Builder,
    scope: &Scope<'_>,
    class: &str,
    network: &Network<'_>,
    weights: &ModelWeights<'_>,
    inputs: Option<&[Value]>,
) -> Result<Vec<Value>, Trouble> {
    if class == SEQUENTIAL {
        sequential(builder, scope, network, weights, inputs)
    } else {
        Functional::new(scope, network)?.run(builder, weights, inputs)
    }
}

/// One layer after the other.
fn sequential(
    builder: &mut Builder,
    scope: &Scope<'_>,
    network: &Network<'_>,
    weights: &ModelWeights<'_>,
    inputs: Option<&[Value]>,
) -> Result<Vec<Value>, Trouble> {
    let mut values = match (inputs, network.layers.first()) {
        (Some(inputs), _) => inputs.to_vec(),
        (None, Some(first)) => vec![own_input(builder, first, network.build_input_shape)?],
        (None, None) => return Err(scope.trouble("no layers", "at least one")),
    };
    for layer in network.layers.iter().filter(|layer| layer.class_name != INPUT) {
        values = apply(builder, scope, layer, weights, &values)?;
    }
    Ok(values)
}

/// What may be said of a model's input.
#[derive(Deserialize)]
struct InputSettings<'a> {
    name: Option<String>,
    /// Keras 3.
    batch_shape: Option<Vec<Option<usize>>>,
    /// Keras 2; also in the settings of the first layer of a sequential model.
    batch_input_shape: Option<Vec<Option<usize>>>,
    #[serde(borrow)]
    dtype: Option<&'a RawValue>,
    sparse: Option<Flag>,
    ragged: Option<Flag>,
}

/// An input of the graph, as its layer describes it; a sequential model may say its shape elsewhere.
fn own_input(builder: &mut Builder, layer: &Layer<'_>, elsewhere: Option<&RawValue>) -> Result<Value, Trouble> {
    let name = layer.name()?;
    let place = format!("layer {}", quoted(&name));
    let settings: InputSettings<'_> = parse(&place, layer.config.get(), "the settings of an input")?;
    let mut shape = settings.batch_shape.or(settings.batch_input_shape);
    if let (None, Some(elsewhere)) = (&shape, elsewhere) {
        shape = parse(&place, elsewhere.get(), "the shape that the model was built for")?;
    }
    let refuse = |what: String, remedy: &str| Trouble::Unsupported { place: place.clone(), what, remedy: remedy.into() };
    let state_shape = "begin the model with keras.Input(shape=…) that states every extent, then save it again with \
                       model.save(\"model.keras\")";
    let Some(shape) = shape else { return Err(refuse("the shape of the model's input is not in the file".into(), state_shape)) };
    if [settings.sparse, settings.ragged].contains(&Some(Flag(true))) {
        return Err(refuse("its input is sparse or ragged".into(), "build the model for dense input"));
    }
    let extent = |(axis, extent): (usize, Option<usize>)| match extent {
        // One sample at a time, whatever the model was built for.
        _ if axis == 0 => 1,
        Some(extent) => extent,
        None => builder.dims.needed(&place, &name, axis, ""),
    };
    let mut extents: Vec<usize> = shape.into_iter().enumerate().map(extent).collect();
    if extents.is_empty() {
        extents.push(1);
    }
    let dtype = settings.dtype.map_or("", RawValue::get).trim_matches('"');
    if layer.class_name == INPUT && ["int", "uint", "bool"].iter().any(|kind| dtype.starts_with(kind)) {
        let text = format!("The input {} is {dtype} in Keras; here it is float32, with the same values.", quoted(&name));
        builder.note(Severity::Info, text);
    }
    let name = if layer.class_name == INPUT { settings.name.unwrap_or(name) } else { "input".into() };
    builder.input(&name, extents)
}

/// Adds one application of a layer, or of a model that is a layer.
fn apply(
    builder: &mut Builder,
    scope: &Scope<'_>,
    layer: &Layer<'_>,
    weights: &ModelWeights<'_>,
    inputs: &[Value],
) -> Result<Vec<Value>, Trouble> {
    let name = layer.name()?;
    builder.budget.charge(APPLICATION_BYTES + name.len(), || format!("layer {}", quoted(&name)))?;
    let weights = weights.layer(&name)?;
    let key = if scope.key.is_empty() { name.clone() } else { format!("{}/{name}", scope.key) };
    if is_model(&layer.class_name) {
        if scope.depth == MAX_DEPTH {
            return Err(scope.trouble("models within models", format!("at most {MAX_DEPTH} deep")));
        }
        // A model that is applied again is read again, which takes time rather than memory.
        builder.budget.charge(layer.config.get().len() / 8, || format!("model {}", quoted(&name)))?;
        let described = Described { class_name: layer.class_name.clone(), config: layer.config };
        let network = Network::of(&name, &described)?;
        let weights = ModelWeights::nested(weights, &network.layers)?;
        let scope = Scope { name: &name, key, depth: scope.depth + 1 };
        return add(builder, &scope, &layer.class_name, &network, &weights, Some(inputs));
    }
    let class = layer.class_name.as_str();
    layers::build(&mut Call { builder, class, name: &name, key: &key, config: layer.config.get(), inputs, weights })
}

impl Scope<'_> {
    fn trouble(&self, found: impl Into<String>, expected: impl Into<String>) -> Trouble {
        Trouble::malformed(format!("model {}", quoted(self.name)), found, expected)
    }
}

/// A functional model on its way into the graph.
struct Functional<'n, 'a> {
    scope: &'n Scope<'n>,
    network: &'n Network<'a>,
    /// Position of each layer.
    positions: HashMap<String, usize>,
    /// For models among the layers, how far their applications are counted from: see [`Functional::count_bases`].
    bases: HashMap<(usize, Place), usize>,
    /// What applications gave: by layer, then by application.
    results: HashMap<(usize, usize), Vec<Value>>,
}

/// Where a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// In a layer.
    Layer,
    /// In the list of the model's outputs.
    Output,
}

impl<'n, 'a> Functional<'n, 'a> {
    fn new(scope: &'n Scope<'n>, network: &'n Network<'a>) -> Result<Self, Trouble> {
        let mut positions = HashMap::new();
        for (position, layer) in network.layers.iter().enumerate() {
            let name = layer.name()?;
            if positions.insert(name.clone(), position).is_some() {
                return Err(scope.trouble(format!("two layers called {}", quoted(&name)), "names of their own"));
            }
        }
        Ok(Self { scope, network, positions, bases: HashMap::new(), results: HashMap::new() })
    }

    /// Finds out from where the applications of models among the layers are counted.
    ///
    /// A functional model counts as applied once when it is made. Keras 2 therefore refers to its first application as number
    /// 1; Keras 3 does so in the list of outputs only. Where that rule leads out of what there is, the other one holds.
    fn count_bases(&mut self, is_keras_2: bool) -> Result<(), Trouble> {
        let mut used: HashMap<(usize, Place), (usize, usize)> = HashMap::new();
        let inner = self.network.layers.iter().flat_map(|layer| layer.inbound_nodes.iter().flatten());
        let inner = inner.flat_map(|References(list)| list).map(|reference| (reference, Place::Layer));
        let outer = self.network.output_layers.iter().flat_map(|References(list)| list);
        for (reference, place) in inner.chain(outer.map(|reference| (reference, Place::Output))) {
            let position = self.position(reference)?;
            if is_model(&self.network.layers[position].class_name) {
                let (least, most) = used.entry((position, place)).or_insert((usize::MAX, 0));
                (*least, *most) = ((*least).min(reference.node), (*most).max(reference.node));
            }
        }
        for ((position, place), (least, most)) in used {
            let layer = &self.network.layers[position];
            let n_applications = layer.inbound_nodes.as_ref().map_or(0, Vec::len);
            let by_rule = is_keras_2 || place == Place::Output && layer.class_name != SEQUENTIAL;
            let from_one = if by_rule { least > 0 } else { most >= n_applications };
            self.bases.insert((position, place), usize::from(from_one));
        }
        Ok(())
    }

    /// Which application of which layer a reference means.
    fn application(&self, reference: &Reference, place: Place) -> Result<(usize, usize), Trouble> {
        let position = self.position(reference)?;
        let base = self.bases.get(&(position, place)).copied().unwrap_or(0);
        Ok((position, reference.node.saturating_sub(base)))
    }

    fn run(mut self, builder: &mut Builder, weights: &ModelWeights<'_>, inputs: Option<&[Value]>) -> Result<Vec<Value>, Trouble> {
        self.count_bases(builder.is_keras_2)?;
        self.inputs(builder, inputs)?;
        self.layers(builder, weights)?;
        let Some(References(outputs)) = &self.network.output_layers else {
            return Err(self.scope.trouble("no output_layers", "the list of its outputs"));
        };
        if outputs.is_empty() {
            return Err(self.scope.trouble("no outputs", "at least one"));
        }
        outputs.iter().map(|output| self.result(output, Place::Output)).collect()
    }

    /// The results of the input layers: what the model is applied to, or inputs of the graph.
    fn inputs(&mut self, builder: &mut Builder, given: Option<&[Value]>) -> Result<(), Trouble> {
        let Some(References(inputs)) = &self.network.input_layers else {
            return Err(self.scope.trouble("no input_layers", "the list of its inputs"));
        };
        if given.is_some_and(|given| given.len() != inputs.len()) {
            let n = given.map_or(0, <[Value]>::len);
            return Err(self.scope.trouble(format!("{n} values for {} inputs", inputs.len()), "one for each"));
        }
        for (index, input) in inputs.iter().enumerate() {
            let position = self.position(input)?;
            let value = match given {
                Some(given) => given[index],
                None => own_input(builder, &self.network.layers[position], None)?,
            };
            if self.results.insert((position, 0), vec![value]).is_some() {
                return Err(self.scope.trouble(format!("input {} twice", quoted(&input.layer)), "each input once"));
            }
        }
        Ok(())
    }

    /// Applies each layer as soon as all that it is applied to is there, earlier layers first.
    fn layers(&mut self, builder: &mut Builder, weights: &ModelWeights<'_>) -> Result<(), Trouble> {
        let mut waiting: HashMap<(usize, usize), usize> = HashMap::new();
        let mut readers: HashMap<(usize, usize), Vec<(usize, usize)>> = HashMap::new();
        let mut ready = BinaryHeap::new();
        for (position, layer) in self.network.layers.iter().enumerate().filter(|(_, layer)| layer.class_name != INPUT) {
            for (application, References(sources)) in layer.inbound_nodes.iter().flatten().enumerate() {
                let key = (position, application);
                let mut n_missing = 0;
                for source in sources {
                    let source = self.application(source, Place::Layer)?;
                    if !self.results.contains_key(&source) {
                        readers.entry(source).or_default().push(key);
                        n_missing += 1;
                    }
                }
                if n_missing == 0 {
                    ready.push(Reverse(key));
                } else {
                    waiting.insert(key, n_missing);
                }
            }
        }
        while let Some(Reverse(key)) = ready.pop() {
            let layer = &self.network.layers[key.0];
            let sources = layer.inbound_nodes.as_ref().and_then(|list| list.get(key.1));
            let inputs = sources.into_iter().flat_map(|References(list)| list).map(|source| self.result(source, Place::Layer));
            let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
            let outputs = apply(builder, self.scope, layer, weights, &inputs)?;
            self.results.insert(key, outputs);
            for reader in readers.remove(&key).unwrap_or_default() {
                if let Some(n_missing) = waiting.get_mut(&reader) {
                    *n_missing -= 1;
                    if *n_missing == 0 {
                        waiting.remove(&reader);
                        ready.push(Reverse(reader));
                    }
                }
            }
        }
        match waiting.keys().min() {
            None => Ok(()),
            Some(&(position, _)) => {
                let name = quoted(&self.network.layers[position].name()?);
                let expected = "layers that are applied to results of earlier ones";
                Err(self.scope.trouble(format!("layer {name} waits for its own result or for one that nobody makes"), expected))
            }
        }
    }

    fn position(&self, reference: &Reference) -> Result<usize, Trouble> {
        self.positions.get(&reference.layer).copied().ok_or_else(|| {
            let found = format!("a connection from layer {}, which it does not have", quoted(&reference.layer));
            self.scope.trouble(found, "one of its layers")
        })
    }

    fn result(&self, reference: &Reference, place: Place) -> Result<Value, Trouble> {
        let results = self.results.get(&self.application(reference, place)?);
        results.and_then(|results| results.get(reference.tensor)).copied().ok_or_else(|| Trouble::Unsupported {
            place: format!("model {}", quoted(self.scope.name)),
            what: format!(
                "it uses result {} of application {} of layer {}, which is not made",
                reference.tensor,
                reference.node,
                quoted(&reference.layer)
            ),
            remedy: SAVE_WHOLE.into(),
        })
    }
}
