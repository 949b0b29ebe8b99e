//! What a model file leaves open, and whoever opens it has to say.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::error::{Trouble, quoted};

/// The most that an extent may be: what is larger is no tensor of a microcontroller.
const MAX_EXTENT: usize = i32::MAX as usize;

/// How a model file is to be read where it leaves something open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportOptions {
    /// Values of extents that the file leaves open, by the name that the file gives them (`time`), or, where it gives none, by
    /// input and axis (`input_1:1`). The batch is 1 without being asked for.
    pub dims: BTreeMap<String, usize>,
}

impl ImportOptions {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.dims.is_empty()
    }
}

/// The open extents of one file: what is said of them, and which were asked for. Copies share both.
#[derive(Clone, Default)]
pub(super) struct OpenDims {
    given: Rc<BTreeMap<String, usize>>,
    asked: Rc<RefCell<BTreeSet<String>>>,
}

impl OpenDims {
    pub(super) fn new(options: &ImportOptions) -> Self {
        Self { given: Rc::new(options.dims.clone()), asked: Rc::default() }
    }

    /// The value of the extent along `axis` of an input that the file leaves open, if one is said. `name` is what the file
    /// calls the extent, or empty.
    pub(super) fn get(&self, input: &str, axis: usize, name: &str) -> Option<usize> {
        let key = key(input, axis, name);
        let value = self.given.get(&key).copied();
        self.asked.borrow_mut().insert(key);
        value
    }

    /// The same where there is no other value to take.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`]: nothing is said of it.
    pub(super) fn needed(&self, place: &str, input: &str, axis: usize, name: &str) -> Result<usize, Trouble> {
        self.get(input, axis, name).ok_or_else(|| {
            let called = if name.is_empty() { String::new() } else { format!(" ({})", quoted(name)) };
            Trouble::Unsupported {
                place: place.to_owned(),
                what: format!("its extent along axis {axis}{called} is known at run time only"),
                remedy: format!("say it with --dim {}=N, or export the model with a number there", word(&key(input, axis, name))),
            }
        })
    }

    /// Every value that was said has to be one that the file asks for.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] names the first that is not, and what the file leaves open.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        let asked = self.asked.borrow();
        let refuse = |name: &str, what: String, remedy: String| {
            Err(Trouble::Unsupported { place: format!("--dim {}", word(name)), what, remedy })
        };
        for (name, &value) in self.given.iter() {
            if !asked.contains(name) {
                let open: Vec<String> = asked.iter().take(8).map(|name| word(name)).collect();
                let remedy = if open.is_empty() { "leave it out".into() } else { format!("it leaves open {}", open.join(", ")) };
                return refuse(name, "the model leaves no extent of this name open".into(), remedy);
            }
            if value == 0 || value > MAX_EXTENT {
                return refuse(name, format!("{value} is no extent"), format!("say 1 to {MAX_EXTENT}"));
            }
        }
        Ok(())
    }
}

/// What an open extent is called: by the file, or after its place.
fn key(input: &str, axis: usize, name: &str) -> String {
    if name.is_empty() { format!("{input}:{axis}") } else { name.to_owned() }
}

/// A name as it may be typed: in quotes if it holds anything that a shell would take for its own.
fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if name.chars().count() <= 60 && !name.is_empty() && name.chars().all(is_plain) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(dims: &[(&str, usize)]) -> ImportOptions {
        ImportOptions { dims: dims.iter().map(|&(name, value)| (name.to_owned(), value)).collect() }
    }

    #[test]
    fn an_extent_is_called_by_its_name_or_by_its_place() {
        let options = options(&[("time", 64), ("x:2", 6)]);
        let dims = OpenDims::new(&options);
        assert_eq!((dims.get("x", 1, "time"), dims.get("x", 2, ""), dims.get("x", 3, "")), (Some(64), Some(6), None));
        assert!(dims.check().is_ok());
        let error = dims.needed("input \"x\"", "x", 3, "").unwrap_err().to_string();
        assert!(error.contains("axis 3 is known at run time only; say it with --dim x:3=N"), "{error}");
        let error = dims.needed("input \"x\"", "x", 3, "a b").unwrap_err().to_string();
        assert!(error.contains("--dim \"a b\"=N"), "{error}");
    }

    #[test]
    fn what_the_model_does_not_ask_for_is_refused_with_what_it_asks_for() {
        let options = options(&[("tiem", 64)]);
        let dims = OpenDims::new(&options);
        dims.get("x", 1, "time");
        let error = dims.check().unwrap_err().to_string();
        assert_eq!(error, "--dim tiem: the model leaves no extent of this name open; it leaves open time");
    }

    #[test]
    fn an_extent_has_to_be_one() {
        let options = options(&[("time", 0)]);
        let dims = OpenDims::new(&options);
        dims.get("x", 1, "time");
        assert!(dims.check().unwrap_err().to_string().contains("0 is no extent; say 1 to"));
    }
}
