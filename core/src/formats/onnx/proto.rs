//! The messages of an ONNX file that matter here, by their field numbers. Names and bytes are slices of the file.

use super::super::budget::Budget;
use super::super::error::{Trouble, quoted};
use super::wire::{Fields, Wire};

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct Model<'a> {
    pub(super) producer: &'a str,
    pub(super) description: &'a str,
    /// The bytes of the graph.
    pub(super) graph: Option<&'a [u8]>,
    /// Version of the standard operators; 0 if the file names none.
    pub(super) opset: i64,
    /// Names of functions that the file defines itself.
    pub(super) n_functions: usize,
}

/// A network; subgraphs of nodes stay bytes.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) initializers: Vec<Tensor<'a>>,
    pub(super) inputs: Vec<ValueInfo<'a>>,
    pub(super) outputs: Vec<ValueInfo<'a>>,
    pub(super) values: Vec<ValueInfo<'a>>,
    pub(super) n_sparse: usize,
}

/// One application of an operator.
#[derive(Clone, Debug, Default)]
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    pub(super) op_type: &'a str,
    pub(super) domain: &'a str,
    /// Names of values; empty where an operand is left out.
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    /// The bytes of each attribute.
    pub(super) attributes: Vec<&'a [u8]>,
}

/// An attribute of a node.
#[derive(Debug, Default)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) float: Option<f32>,
    pub(super) integer: Option<i64>,
    pub(super) text: Option<&'a [u8]>,
    pub(super) tensor: Option<&'a [u8]>,
    pub(super) is_graph: bool,
    pub(super) floats: Vec<f32>,
    pub(super) integers: Vec<i64>,
    pub(super) strings: Vec<&'a [u8]>,
}

/// Values in the file or beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tensor<'a> {
    pub(super) name: &'a str,
    pub(super) dims: Vec<i64>,
    pub(super) data_type: i64,
    pub(super) raw: Option<&'a [u8]>,
    /// Fields with numbers of their own type, as they stand in the file: field number and contents.
    pub(super) typed: Vec<(u32, Wire<'a>)>,
    pub(super) is_external: bool,
    pub(super) external: Vec<(&'a str, &'a str)>,
}

/// The type and shape of a value.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueInfo<'a> {
    pub(super) name: &'a str,
    /// As the tensors' `data_type`; 0 if it is not said or no tensor.
    pub(super) data_type: i64,
    /// `None` if the file does not say.
    pub(super) shape: Option<Vec<Dimension<'a>>>,
}

/// One extent of a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dimension<'a> {
    /// A number, not checked.
    Fixed(i64),
    /// Known at run time only; the name may be empty.
    Named(&'a str),
}

impl<'a> Model<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let mut model = Self::default();
        for field in Fields::new(bytes, "model") {
            let field = field?;
            match field.number {
                2 => model.producer = field.wire.text("model.producer_name")?,
                6 => model.description = field.wire.text("model.doc_string")?,
                7 => model.graph = Some(field.wire.bytes()),
                8 => {
                    let (domain, version) = opset(field.wire.bytes())?;
                    if matches!(domain, "" | "ai.onnx") {
                        model.opset = version;
                    }
                }
                25 => model.n_functions += 1,
                _ => {}
            }
        }
        Ok(model)
    }
}

/// The domain and version of a set of operators.
fn opset(bytes: &[u8]) -> Result<(&str, i64), Trouble> {
    let (mut domain, mut version) = ("", 0);
    for field in Fields::new(bytes, "model.opset_import") {
        let field = field?;
        match field.number {
            1 => domain = field.wire.text("model.opset_import.domain")?,
            2 => version = field.wire.integer(),
            _ => {}
        }
    }
    Ok((domain, version))
}

impl<'a> Graph<'a> {
    /// Reads the lists of a graph; their entries are charged or counted, since an empty one takes two bytes in the file.
    pub(super) fn read(bytes: &'a [u8], budget: &mut Budget) -> Result<Self, Trouble> {
        let mut graph = Self::default();
        for field in Fields::new(bytes, "graph") {
            let field = field?;
            let message = field.wire.bytes();
            match field.number {
                1 => {
                    let node = Node::read(message)?;
                    let n_strings = node.inputs.len() + node.outputs.len() + node.attributes.len();
                    budget.charge(n_strings * size_of::<&str>(), || "graph.node".into())?;
                    graph.nodes.push(node);
                    if graph.nodes.len() > MAX_NODES {
                        return Err(Trouble::Unsupported {
                            place: "graph".into(),
                            what: format!("more than {MAX_NODES} nodes"),
                            remedy: "no microcontroller runs such a model, convert a smaller one".into(),
                        });
                    }
                }
                5 => {
                    let tensor = Tensor::read(message)?;
                    let n_bytes = (tensor.dims.len() + tensor.typed.len() * 4 + tensor.external.len() * 4) * size_of::<i64>();
                    budget.charge(ENTRY_BYTES + n_bytes, || "graph.initializer".into())?;
                    graph.initializers.push(tensor);
                }
                11..=13 => {
                    let value = ValueInfo::read(message)?;
                    let n_axes = value.shape.as_ref().map_or(0, Vec::len);
                    budget.charge(ENTRY_BYTES + n_axes * size_of::<Dimension<'_>>(), || "graph.value_info".into())?;
                    match field.number {
                        11 => graph.inputs.push(value),
                        12 => graph.outputs.push(value),
                        _ => graph.values.push(value),
                    }
                }
                15 => graph.n_sparse += 1,
                _ => {}
            }
        }
        Ok(graph)
    }
}

/// The most nodes that are read: a node of ten bytes becomes hundreds of bytes here, so they are counted.
const MAX_NODES: usize = 200_000;
/// What an initializer or the description of a value takes here.
const ENTRY_BYTES: usize = 250;

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let mut node = Self::default();
        for field in Fields::new(bytes, "graph.node") {
            let field = field?;
            match field.number {
                1 => node.inputs.push(field.wire.text("graph.node.input")?),
                2 => node.outputs.push(field.wire.text("graph.node.output")?),
                3 => node.name = field.wire.text("graph.node.name")?,
                4 => node.op_type = field.wire.text("graph.node.op_type")?,
                5 => node.attributes.push(field.wire.bytes()),
                7 => node.domain = field.wire.text("graph.node.domain")?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// The node as it stands in a message: its name, or what it makes.
    pub(super) fn place(&self) -> String {
        let name = if self.name.is_empty() { self.outputs.first().copied().unwrap_or_default() } else { self.name };
        format!("node {} ({})", quoted(name), self.op_type.chars().take(40).collect::<String>())
    }

    /// Whether the operator belongs to the standard.
    pub(super) fn is_standard(&self) -> bool {
        matches!(self.domain, "" | "ai.onnx")
    }
}

impl<'a> Attribute<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        const PLACE: &str = "graph.node.attribute";
        let mut attribute = Self::default();
        for field in Fields::new(bytes, PLACE) {
            let field = field?;
            match field.number {
                1 => attribute.name = field.wire.text(PLACE)?,
                2 => {
                    let mut one = Vec::new();
                    field.wire.push_floats(&mut one, PLACE)?;
                    attribute.float = one.last().copied();
                }
                3 => attribute.integer = Some(field.wire.integer()),
                4 => attribute.text = Some(field.wire.bytes()),
                5 => attribute.tensor = Some(field.wire.bytes()),
                6 | 11 => attribute.is_graph = true,
                7 => field.wire.push_floats(&mut attribute.floats, PLACE)?,
                8 => field.wire.push_integers(&mut attribute.integers, PLACE)?,
                9 => attribute.strings.push(field.wire.bytes()),
                _ => {}
            }
        }
        Ok(attribute)
    }
}

impl<'a> Tensor<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        const PLACE: &str = "tensor";
        let mut tensor = Self::default();
        for field in Fields::new(bytes, PLACE) {
            let field = field?;
            match field.number {
                1 => field.wire.push_integers(&mut tensor.dims, "tensor.dims")?,
                2 => tensor.data_type = field.wire.integer(),
                4..=7 | 10 | 11 => tensor.typed.push((field.number, field.wire)),
                8 => tensor.name = field.wire.text("tensor.name")?,
                9 => tensor.raw = Some(field.wire.bytes()),
                13 => tensor.external.push(entry(field.wire.bytes())?),
                14 => tensor.is_external = field.wire.integer() == 1,
                _ => {}
            }
        }
        Ok(tensor)
    }
}

/// A key and its value.
fn entry(bytes: &[u8]) -> Result<(&str, &str), Trouble> {
    let (mut key, mut value) = ("", "");
    for field in Fields::new(bytes, "tensor.external_data") {
        let field = field?;
        match field.number {
            1 => key = field.wire.text("tensor.external_data.key")?,
            2 => value = field.wire.text("tensor.external_data.value")?,
            _ => {}
        }
    }
    Ok((key, value))
}

impl<'a> ValueInfo<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let mut value = Self::default();
        for field in Fields::new(bytes, "graph.value_info") {
            let field = field?;
            match field.number {
                1 => value.name = field.wire.text("graph.value_info.name")?,
                2 => {
                    for kind in Fields::new(field.wire.bytes(), "graph.value_info.type") {
                        let kind = kind?;
                        if kind.number == 1 {
                            value.read_tensor_type(kind.wire.bytes())?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(value)
    }

    fn read_tensor_type(&mut self, bytes: &'a [u8]) -> Result<(), Trouble> {
        for field in Fields::new(bytes, "graph.value_info.type.tensor_type") {
            let field = field?;
            match field.number {
                1 => self.data_type = field.wire.integer(),
                2 => {
                    let mut shape = Vec::new();
                    for dim in Fields::new(field.wire.bytes(), "graph.value_info.type.tensor_type.shape") {
                        let dim = dim?;
                        if dim.number == 1 {
                            shape.push(dimension(dim.wire.bytes())?);
                        }
                    }
                    self.shape = Some(shape);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn dimension(bytes: &[u8]) -> Result<Dimension<'_>, Trouble> {
    let mut dimension = Dimension::Named("");
    for field in Fields::new(bytes, "graph.value_info.type.tensor_type.shape.dim") {
        let field = field?;
        match field.number {
            1 => dimension = Dimension::Fixed(field.wire.integer()),
            2 => dimension = Dimension::Named(field.wire.text("graph.value_info.type.tensor_type.shape.dim")?),
            _ => {}
        }
    }
    Ok(dimension)
}
