//! What a model file leaves open, and whoever opens it has to say.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::error::{Trouble, quoted};

/// How a model file is to be read where it leaves something open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportOptions {
    /// Values of extents that the file leaves open, by the name that the file gives them (`time`), or, where it gives none, by
    /// input and axis (`input_1:1`). The batch is 1 without being asked for.
    pub dims: BTreeMap<String, usize>,
}

impl ImportOptions {
    /// What an extent may be: what is larger is no tensor of a microcontroller.
    pub const EXTENTS: RangeInclusive<usize> = 1..=i32::MAX as usize;

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.dims.is_empty()
    }
}

/// An extent that a model's file leaves open and that has to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenExtent {
    /// What it is called in [`ImportOptions::dims`].
    pub name: String,
    /// Where it is: `input "x"`.
    pub place: String,
    /// Which axis it is of, from 0.
    pub axis: usize,
    /// The name is the file's own, not made of the place.
    pub is_named: bool,
}

impl OpenExtent {
    /// What is wrong, and how the command line says the extent.
    pub(super) fn in_words(&self) -> String {
        let Self { name, place, axis, is_named } = self;
        let called = if *is_named { format!(" ({})", quoted(name)) } else { String::new() };
        format!(
            "{place}: its extent along axis {axis}{called} is known at run time only; say it with --dim {}=N, or export the model \
             with a number there",
            word(name)
        )
    }
}

/// The open extents of one file: what is said of them, and which were asked for. Copies share all of it.
#[derive(Clone, Default)]
pub(super) struct OpenDims {
    given: Rc<BTreeMap<String, usize>>,
    asked: Rc<RefCell<BTreeSet<String>>>,
    missing: Rc<RefCell<Vec<OpenExtent>>>,
}

impl OpenDims {
    pub(super) fn new(options: &ImportOptions) -> Self {
        Self { given: Rc::new(options.dims.clone()), asked: Rc::default(), missing: Rc::default() }
    }

    /// The value of the extent along `axis` of an input that the file leaves open, if one is said. `name` is what the file
    /// calls the extent, or empty.
    pub(super) fn get(&self, input: &str, axis: usize, name: &str) -> Option<usize> {
        let key = key(input, axis, name);
        let value = self.given.get(&key).copied();
        self.asked.borrow_mut().insert(key);
        value
    }

    /// The same where there is no other value to take. Where nothing is said it is 1 for now, so that the rest of the file can be
    /// asked as well, and [`OpenDims::check_said`] complains.
    pub(super) fn needed(&self, place: &str, input: &str, axis: usize, name: &str) -> usize {
        self.get(input, axis, name).unwrap_or_else(|| {
            let extent = OpenExtent { name: key(input, axis, name), place: place.to_owned(), axis, is_named: !name.is_empty() };
            let mut missing = self.missing.borrow_mut();
            if !missing.iter().any(|other| other.name == extent.name) {
                missing.push(extent);
            }
            1
        })
    }

    /// Every value that was said has to be one that an extent can have.
    ///
    /// # Errors
    /// [`Trouble::Extent`] names the first that is not.
    pub(super) fn check_values(&self) -> Result<(), Trouble> {
        let wrong = self.given.iter().find(|(_, value)| !ImportOptions::EXTENTS.contains(value));
        wrong.map_or(Ok(()), |(name, value)| {
            let (what, remedy) = (format!("{value} is no extent"), format!("say 1 to {}", ImportOptions::EXTENTS.end()));
            Err(Trouble::Extent { name: word(name), what, remedy })
        })
    }

    /// Every extent that has to be said has to have been said. What else is wrong with the file may come of that.
    ///
    /// # Errors
    /// [`Trouble::Open`] lists those that were not.
    pub(super) fn check_said(&self) -> Result<(), Trouble> {
        let missing = self.missing.take();
        if missing.is_empty() { Ok(()) } else { Err(Trouble::Open(missing)) }
    }

    /// Every value that was said has to be one that the file asks for.
    ///
    /// # Errors
    /// [`Trouble::Extent`] names the first that is not, and what the file leaves open.
    pub(super) fn check_asked(&self) -> Result<(), Trouble> {
        let asked = self.asked.borrow();
        let Some(name) = self.given.keys().find(|&name| !asked.contains(name)) else { return Ok(()) };
        let open: Vec<String> = asked.iter().take(8).map(|name| word(name)).collect();
        let remedy = if open.is_empty() { "leave it out".into() } else { format!("it leaves open {}", open.join(", ")) };
        Err(Trouble::Extent { name: word(name), what: "the model leaves no extent of this name open".into(), remedy })
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
        assert!(dims.check_values().is_ok() && dims.check_said().is_ok() && dims.check_asked().is_ok());
    }

    #[test]
    fn what_is_not_said_is_asked_for_all_at_once() {
        let options = options(&[("time", 64)]);
        let dims = OpenDims::new(&options);
        assert_eq!(dims.needed("input \"x\"", "x", 1, "time"), 64);
        for (input, axis, name) in [("x", 3, ""), ("x", 4, "a b"), ("y", 1, "a b")] {
            assert_eq!(dims.needed(&format!("input {}", quoted(input)), input, axis, name), 1, "until it is said");
        }
        let Err(Trouble::Open(open)) = dims.check_said() else { panic!("two are open") };
        assert_eq!(open.iter().map(|extent| extent.name.as_str()).collect::<Vec<_>>(), ["x:3", "a b"], "each once");
        let error = open[0].in_words();
        assert!(error.contains("axis 3 is known at run time only; say it with --dim x:3=N"), "{error}");
        let error = open[1].in_words();
        assert!(error.contains("--dim \"a b\"=N"), "{error}");
    }

    #[test]
    fn what_the_model_does_not_ask_for_is_refused_with_what_it_asks_for() {
        let options = options(&[("tiem", 64)]);
        let dims = OpenDims::new(&options);
        dims.get("x", 1, "time");
        let error = dims.check_asked().unwrap_err().to_string();
        assert_eq!(error, "--dim tiem: the model leaves no extent of this name open; it leaves open time");
    }

    #[test]
    fn an_extent_has_to_be_one() {
        let dims = OpenDims::new(&options(&[("time", 0)]));
        assert!(dims.check_values().unwrap_err().to_string().contains("0 is no extent; say 1 to"));
    }
}
