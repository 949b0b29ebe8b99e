//! The architecture: JSON as Keras writes it, as typed values.
//!
//! Settings of a layer stay JSON text until the layer is built, so that a large file is never held as a tree of values.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::error::{Trouble, quoted};
use super::archive::SAVE_WHOLE;

/// A class with its settings: a model, a layer, a function.
#[derive(Deserialize)]
pub(super) struct Described<'a> {
    /// The class.
    pub(super) class_name: String,
    /// Its settings.
    #[serde(borrow)]
    pub(super) config: &'a RawValue,
}

/// A layer of a model.
#[derive(Clone, Deserialize)]
pub(super) struct Layer<'a> {
    /// The class.
    pub(super) class_name: String,
    /// Its settings.
    #[serde(borrow)]
    pub(super) config: &'a RawValue,
    /// The layer's name; functional models only. The settings hold it for all.
    name: Option<String>,
    /// For each application of the layer what it is applied to; functional models only.
    #[serde(default)]
    pub(super) inbound_nodes: Option<Vec<References>>,
}

/// A model: layers, and in a functional model how they are connected.
#[derive(Deserialize)]
pub(super) struct Network<'a> {
    /// The layers.
    #[serde(borrow)]
    pub(super) layers: Vec<Layer<'a>>,
    /// What the model's inputs are; functional models only.
    pub(super) input_layers: Option<References>,
    /// What the model's outputs are; functional models only.
    pub(super) output_layers: Option<References>,
    /// The shape that a sequential model without an input layer was built for.
    #[serde(borrow)]
    pub(super) build_input_shape: Option<&'a RawValue>,
}

/// Results of layers that something refers to, in order.
///
/// Keras 2 writes `[["conv", 0, 0, {}], …]`; Keras 3 writes calls with tensors somewhere in their arguments, each with a
/// `"keras_history": ["conv", 0, 0]`. Both are found by what they have in common: a list that begins with a name and two
/// numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct References(pub(super) Vec<Reference>);

/// One result of one application of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reference {
    /// The layer.
    pub(super) layer: String,
    /// Which application of it.
    pub(super) node: usize,
    /// Which result.
    pub(super) tensor: usize,
}

/// One number, or a list of numbers, or lists of lists, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers(pub(super) Vec<f64>);

/// A boolean, which some scripts write as 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

/// Parses `text`, which is called `place` and ought to be `expected`.
///
/// # Errors
/// The text is cut off, no JSON, or something else.
pub(super) fn parse<'a, T: Deserialize<'a>>(place: &str, text: &'a str, expected: &str) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|error| Trouble::Unsupported {
        place: place.into(),
        what: if error.is_eof() {
            format!("its JSON is cut off after {} characters", text.len())
        } else {
            format!("{error}, expected {expected}")
        },
        remedy: SAVE_WHOLE.into(),
    })
}

impl<'a> Layer<'a> {
    /// The layer's name.
    ///
    /// # Errors
    /// The settings hold none.
    pub(super) fn name(&self) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => {
                let place = format!("a layer of class {}", quoted(&self.class_name));
                parse::<Named>(&place, self.config.get(), "settings with the layer's name").map(|named| named.name)
            }
        }
    }
}

impl<'a> Network<'a> {
    /// The layers of a model called `name`.
    ///
    /// # Errors
    /// The settings are not those of a sequential or functional model.
    pub(super) fn of(name: &str, model: &Described<'a>) -> Result<Self, Trouble> {
        let place = format!("model {}", quoted(name));
        // Before Keras 2.2.3 the settings of a sequential model were the list of its layers.
        if model.config.get().starts_with('[') {
            let layers = parse(&place, model.config.get(), "a list of layers")?;
            return Ok(Self { layers, input_layers: None, output_layers: None, build_input_shape: None });
        }
        parse(&place, model.config.get(), "the layers of a model")
    }
}

impl<'de> Deserialize<'de> for References {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = deserializer.deserialize_any(ItemVisitor)?;
        Ok(Self(if let Item::References(references) = item { references } else { Vec::new() }))
    }
}

/// Any JSON value, as far as references are concerned.
enum Item {
    Text(String),
    Index(usize),
    References(Vec<Reference>),
    Other,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a layer is applied to")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Item, E> {
        Ok(usize::try_from(n).map_or(Item::Other, Item::Index))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let mut references = Vec::new();
        let mut add = |item| {
            if let Item::References(mut more) = item {
                references.append(&mut more);
            }
        };
        let mut head = (list.next_element()?, None, None);
        if let Some(Item::Text(_)) = head.0 {
            head.1 = list.next_element()?;
            head.2 = if head.1.is_some() { list.next_element()? } else { None };
        }
        match head {
            (Some(Item::Text(layer)), Some(Item::Index(node)), Some(Item::Index(tensor))) => {
                add(Item::References(vec![Reference { layer, node, tensor }]));
            }
            (a, b, c) => [a, b, c].into_iter().flatten().for_each(&mut add),
        }
        while let Some(item) = list.next_element()? {
            add(item);
        }
        Ok(Item::References(references))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut references = Vec::new();
        while map.next_key::<IgnoredAny>()?.is_some() {
            if let Item::References(mut more) = map.next_value()? {
                references.append(&mut more);
            }
        }
        Ok(Item::References(references))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut numbers = Vec::new();
        deserializer.deserialize_any(NumbersVisitor(&mut numbers))?;
        Ok(Self(numbers))
    }
}

/// Appends every number that it meets.
struct NumbersVisitor<'n>(&'n mut Vec<f64>);

impl<'de> Visitor<'de> for NumbersVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list of numbers")
    }

    fn visit_u64<E>(self, n: u64) -> Result<(), E> {
        self.0.push(n as f64);
        Ok(())
    }

    fn visit_i64<E>(self, n: i64) -> Result<(), E> {
        self.0.push(n as f64);
        Ok(())
    }

    fn visit_f64<E>(self, n: f64) -> Result<(), E> {
        self.0.push(n);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(NumbersSeed(self.0))?.is_some() {}
        Ok(())
    }
}

struct NumbersSeed<'n>(&'n mut Vec<f64>);

impl<'de> serde::de::DeserializeSeed<'de> for NumbersSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(NumbersVisitor(self.0))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(bool),
            Number(f64),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Word(is_set) => is_set,
            Written::Number(number) => number != 0.0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(json: &str) -> Vec<(String, usize, usize)> {
        let References(all) = serde_json::from_str(json).expect("JSON");
        all.into_iter().map(|r| (r.layer, r.node, r.tensor)).collect()
    }

    #[test]
    fn both_ways_to_write_a_connection_mean_the_same() {
        let keras_2 = r#"[["a", 0, 0, {}], ["b", 1, 2, {"training": false}]]"#;
        let keras_3 = r#"{"args": [[
            {"class_name": "__keras_tensor__", "config": {"shape": [null, 4], "dtype": "float32", "keras_history": ["a", 0, 0]}},
            {"class_name": "__keras_tensor__", "config": {"shape": [null, 4], "dtype": "float32", "keras_history": ["b", 1, 2]}}
        ]], "kwargs": {"mask": null, "name": "x"}}"#;
        let expected = [("a".to_owned(), 0, 0), ("b".to_owned(), 1, 2)];
        assert_eq!(references(keras_2), expected);
        assert_eq!(references(keras_3), expected);
        assert_eq!(references(r#"["a", 0, 0]"#), expected[..1]);
        assert_eq!(references(r#"[["float32", -1, 2], "x", [], 1.5, [1, 2, 3]]"#), []);
    }

    #[test]
    fn numbers_may_be_nested() {
        let numbers = |json: &str| serde_json::from_str::<Numbers>(json).expect("numbers").0;
        assert_eq!(numbers("3"), [3.0]);
        assert_eq!(numbers("[[0, 1], [-1, 0.5]]"), [0.0, 1.0, -1.0, 0.5]);
        assert!(serde_json::from_str::<Numbers>("\"same\"").is_err());
    }

    #[test]
    fn a_thousand_brackets_are_an_error() {
        let deep = "[".repeat(1000);
        assert!(parse::<References>("x", &deep, "y").is_err() && parse::<Numbers>("x", &deep, "y").is_err());
    }
}
