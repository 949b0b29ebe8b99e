//! Which arrays of the file belong to which layer.
//!
//! An `.h5` model lists the arrays of each layer by the layer's name, those of a layer with layers in it (a nested model, a
//! Bidirectional) in one list. A `.keras` model has a folder for each layer, named after its class and counted: `conv2d`,
//! `conv2d_1`, …; newer writers state the layer's name there as well. A layer within a layer has a folder within.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::error::Trouble;
use super::archive::{Archive, H5_WEIGHTS, Naming};
use super::config::Layer;
use super::hdf5::{Array, Folder};

/// The weights of all layers of one model.
pub(super) enum ModelWeights<'a> {
    /// The group `model_weights` of an `.h5` file.
    ByLayer(&'a Folder),
    /// What an `.h5` file lists for a nested model as a whole, by each part of the arrays' paths.
    Nested(HashMap<String, Vec<Variable<'a>>>),
    /// For each layer's name its folder.
    ByClass(HashMap<String, &'a Folder>),
}

/// The weights of one layer.
#[derive(Clone)]
pub(super) enum LayerWeights<'a> {
    /// A list, in the order in which the layer made them.
    Listed(Vec<Variable<'a>>),
    /// A folder with a folder `vars` in it.
    Folder(&'a Folder),
}

/// An array with its name in the file.
#[derive(Clone)]
pub(super) struct Variable<'a> {
    name: Rc<str>,
    pub(super) array: &'a Array,
}

/// Folders that hold the folders of the layers: of Keras 3, of late Keras 2.
const CONTAINERS: [&str; 2] = ["layers", "_layer_checkpoint_dependencies"];

impl<'a> ModelWeights<'a> {
    /// The weights of the outermost model, which has these `layers`.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn of(archive: &'a Archive, layers: &[Layer<'_>]) -> Result<Self, Trouble> {
        match archive.naming {
            Naming::ByLayer => Ok(Self::ByLayer(archive.weights.folder(H5_WEIGHTS)?.unwrap_or(&archive.weights))),
            Naming::ByClass => Self::by_class(&archive.weights, layers),
        }
    }

    /// The weights of a model that is a layer with the weights `outer`.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn nested(outer: LayerWeights<'a>, layers: &[Layer<'_>]) -> Result<Self, Trouble> {
        match outer {
            LayerWeights::Listed(variables) => Ok(Self::Nested(by_part(variables))),
            LayerWeights::Folder(folder) => Self::by_class(folder, layers),
        }
    }

    fn by_class(model: &'a Folder, layers: &[Layer<'_>]) -> Result<Self, Trouble> {
        let mut container = None;
        for name in CONTAINERS {
            container = container.or(model.folder(name)?);
        }
        let Some(container) = container else { return Ok(Self::ByClass(HashMap::new())) };
        let mut by_name = HashMap::new();
        for (_, folder) in container.folders()? {
            if let Some(vars) = folder.folder("vars")?
                && let Some(name) = vars.texts()?.remove("name").and_then(|mut texts| texts.pop())
            {
                by_name.insert(name, folder);
            }
        }
        // Writers that state no names: the layers of each class count from zero in the order of the architecture.
        let mut counts = HashMap::new();
        for layer in layers {
            let class = snake_case(layer.class_name.rsplit('>').next().unwrap_or_default());
            let count = counts.entry(class.clone()).or_insert(0_usize);
            let counted = if *count == 0 { class } else { format!("{class}_{count}") };
            *count += 1;
            let name = layer.name()?;
            if !by_name.contains_key(&name)
                && let Some(folder) = container.folder(&counted)?.or(container.folder(&name)?)
            {
                by_name.insert(name, folder);
            }
        }
        Ok(Self::ByClass(by_name))
    }

    /// The weights of the layer with this name; none if the file has none.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn layer(&self, name: &str) -> Result<LayerWeights<'a>, Trouble> {
        match self {
            Self::ByLayer(group) => match group.folder(name)? {
                Some(folder) => listed(folder).map(LayerWeights::Listed),
                None => Ok(LayerWeights::Listed(Vec::new())),
            },
            Self::Nested(variables) => Ok(LayerWeights::Listed(variables.get(name).cloned().unwrap_or_default())),
            Self::ByClass(folders) => {
                Ok(folders.get(name).map_or(LayerWeights::Listed(Vec::new()), |folder| LayerWeights::Folder(folder)))
            }
        }
    }
}

impl<'a> LayerWeights<'a> {
    /// All arrays of the layer, in the order in which the layer made them.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn variables(&self) -> Result<Vec<Variable<'a>>, Trouble> {
        match self {
            Self::Listed(variables) => Ok(variables.clone()),
            Self::Folder(folder) => {
                let mut variables = Vec::new();
                let Some(vars) = folder.folder("vars")? else { return Ok(variables) };
                while let Some(array) = vars.array(&variables.len().to_string())? {
                    variables.push(Variable { name: Rc::from(""), array });
                }
                Ok(variables)
            }
        }
    }

    /// The weights of the only layer within this one: the cell of an LSTM, the layer of a TimeDistributed.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn inner(&self, role: &str) -> Result<Self, Trouble> {
        match self {
            Self::Listed(_) => Ok(self.clone()),
            Self::Folder(folder) => Ok(folder.folder(role)?.map_or(Self::Listed(Vec::new()), Self::Folder)),
        }
    }

    /// The weights of two layers of one kind within this one: the two directions of a Bidirectional.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn halves(&self, roles: [&str; 2]) -> Result<[Self; 2], Trouble> {
        match self {
            Self::Listed(variables) => {
                let (first, second) = variables.split_at(variables.len() / 2);
                Ok([Self::Listed(first.to_vec()), Self::Listed(second.to_vec())])
            }
            Self::Folder(_) => Ok([self.inner(roles[0])?, self.inner(roles[1])?]),
        }
    }
}

/// The arrays by each folder that their names lead through.
fn by_part(variables: Vec<Variable<'_>>) -> HashMap<String, Vec<Variable<'_>>> {
    let mut by_part: HashMap<String, Vec<Variable<'_>>> = HashMap::new();
    for variable in variables {
        let name = Rc::clone(&variable.name);
        let mut parts: Vec<&str> = name.split('/').rev().skip(1).collect();
        parts.sort_unstable();
        parts.dedup();
        for part in parts {
            by_part.entry(part.to_owned()).or_default().push(variable.clone());
        }
    }
    by_part
}

/// The arrays that a layer's group lists.
///
/// One that is listed but not there ends the list: the layer then says which of its weights are missing.
fn listed(layer: &Folder) -> Result<Vec<Variable<'_>>, Trouble> {
    let mut variables = Vec::new();
    for name in names(layer)? {
        let Some(array) = layer.array(&name)? else { break };
        variables.push(Variable { name: name.into(), array });
    }
    Ok(variables)
}

/// The list `weight_names`; one that is too long for HDF5 is parted into `weight_names0`, `weight_names1`, ….
fn names(layer: &Folder) -> Result<Vec<String>, Trouble> {
    let mut texts = layer.texts()?;
    if let Some(names) = texts.remove("weight_names") {
        return Ok(names);
    }
    let parts = (0..).map_while(|part| texts.remove(&format!("weight_names{part}")));
    Ok(parts.flatten().collect())
}

/// `DepthwiseConv2D` as Keras names a folder after it: `depthwise_conv2d`.
///
/// Keras puts an underscore before a capital that begins a word, and before one that follows a small letter.
fn snake_case(class: &str) -> String {
    let characters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::new();
    for (i, &c) in characters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| characters[i]);
        let begins_word = c.is_uppercase() && characters.get(i + 1).is_some_and(|next| next.is_lowercase());
        let follows_word = c.is_uppercase() && before.is_some_and(|b| b.is_lowercase());
        if before.is_some() && (begins_word || follows_word) {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn folders_are_named_as_keras_names_them() {
        let names = [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("BatchNormalization", "batch_normalization"),
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("PReLU", "p_re_lu"),
            ("TimeDistributed", "time_distributed"),
            ("GRU", "gru"),
        ];
        for (class, folder) in names {
            assert_eq!(snake_case(class), folder);
        }
    }
}
