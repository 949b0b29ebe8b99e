//! Parameters of recipe steps and of feature stages: how each is described, read and set, from one definition. The command
//! line's lists, the manual, the window's sliders and `NAME:KEY=VALUE` all come from it.

use std::ops::RangeInclusive;

use serde::Serialize;

/// One parameter of a step or stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterInfo {
    /// On the command line: `correct-bias`.
    pub key: &'static str,
    /// In the window: `Correct bias`.
    pub title: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Unit of a number; empty if it has none.
    pub unit: &'static str,
    /// What it can be set to.
    #[serde(flatten)]
    pub kind: ParameterKind,
    /// The default, as it is written on the command line.
    pub default: String,
}

/// What a parameter can be set to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ParameterKind {
    /// One of several words.
    Choice {
        /// The words.
        choices: &'static [Choice],
    },
    /// `on` or `off`.
    Switch,
    /// A number.
    Number {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// A sensible step of a slider.
        step: f64,
    },
    /// A whole number, or `all`.
    Count {
        /// Least value.
        min: usize,
    },
    /// Numbers with spaces between them, none while they are not known; their meaning says how many.
    Numbers {
        /// Least value of each.
        min: f64,
        /// Greatest value of each.
        max: f64,
    },
}

/// One of a parameter's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// On the command line: `per-channel`.
    pub key: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
}

/// The settings of a step, by their parameters.
pub(crate) trait Settings: Default + Clone + 'static {
    /// All of them, in the order in which they are shown.
    fn parameters() -> Vec<Parameter<Self>>;
}

/// A parameter of settings `T`.
pub(crate) struct Parameter<T> {
    pub key: &'static str,
    pub title: &'static str,
    pub help: &'static str,
    pub unit: &'static str,
    pub kind: ParameterKind,
    pub access: Access<T>,
}

/// Where a parameter's value is.
pub(crate) enum Access<T> {
    /// On or off.
    Switch(fn(&mut T) -> &mut bool),
    /// A number in its range.
    Number(fn(&mut T) -> &mut f64, RangeInclusive<f64>),
    /// A whole number in its range.
    Whole(fn(&mut T) -> &mut u32, RangeInclusive<u32>),
    /// Numbers, each in the range.
    Numbers(fn(&mut T) -> &mut Vec<f64>, RangeInclusive<f64>),
    /// A parameter of settings within these.
    Inner(Box<dyn Inner<T>>),
    /// In words, as they are written on the command line; `None` for a word that says nothing.
    Words { get: fn(&T) -> String, set: fn(&mut T, &str) -> Option<()> },
}

/// A parameter that is on or off.
pub(crate) fn switch<T>(
    key: &'static str,
    title: &'static str,
    help: &'static str,
    field: fn(&mut T) -> &mut bool,
) -> Parameter<T> {
    Parameter { key, title, help, unit: "", kind: ParameterKind::Switch, access: Access::Switch(field) }
}

/// What people are told of a parameter: key, title, meaning, unit.
pub(crate) type Label = [&'static str; 4];

/// A parameter that is a number.
pub(crate) fn number<T>(label: Label, range: RangeInclusive<f64>, step: f64, field: fn(&mut T) -> &mut f64) -> Parameter<T> {
    let kind = ParameterKind::Number { min: *range.start(), max: *range.end(), step };
    labelled(label, kind, Access::Number(field, range))
}

/// A parameter that is a whole number.
pub(crate) fn whole<T>(label: Label, range: RangeInclusive<u32>, field: fn(&mut T) -> &mut u32) -> Parameter<T> {
    let kind = ParameterKind::Number { min: (*range.start()).into(), max: (*range.end()).into(), step: 1.0 };
    labelled(label, kind, Access::Whole(field, range))
}

/// A parameter that is a list of numbers.
pub(crate) fn numbers<T>(label: Label, range: RangeInclusive<f64>, field: fn(&mut T) -> &mut Vec<f64>) -> Parameter<T> {
    let kind = ParameterKind::Numbers { min: *range.start(), max: *range.end() };
    labelled(label, kind, Access::Numbers(field, range))
}

fn labelled<T>([key, title, help, unit]: Label, kind: ParameterKind, access: Access<T>) -> Parameter<T> {
    Parameter { key, title, help, unit, kind, access }
}

/// A parameter of settings that lie within settings `T`.
pub(crate) trait Inner<T> {
    fn get(&self, outer: &mut T) -> String;
    fn set(&self, outer: &mut T, word: &str) -> Option<()>;
}

struct Nested<T, U> {
    field: fn(&mut T) -> &mut U,
    parameter: Parameter<U>,
}

impl<T, U: Settings> Inner<T> for Nested<T, U> {
    fn get(&self, outer: &mut T) -> String {
        self.parameter.get((self.field)(outer))
    }

    fn set(&self, outer: &mut T, word: &str) -> Option<()> {
        self.parameter.set((self.field)(outer), word)
    }
}

/// The parameters of settings within settings, as parameters of the latter.
pub(crate) fn nested<T: 'static, U: Settings>(field: fn(&mut T) -> &mut U) -> impl Iterator<Item = Parameter<T>> {
    U::parameters().into_iter().map(move |parameter| {
        let label = [parameter.key, parameter.title, parameter.help, parameter.unit];
        labelled(label, parameter.kind.clone(), Access::Inner(Box::new(Nested { field, parameter })))
    })
}

/// Access to a field that is one of several values, each with its word.
macro_rules! named {
    ($field:ident, { $($value:path => $word:literal),* $(,)? }) => {
        $crate::settings::words(
            |settings| match settings.$field { $($value => $word,)* }.into(),
            |settings, word| {
                settings.$field = match word { $($word => $value,)* _ => return None };
                Some(())
            },
        )
    };
}
pub(crate) use named;

/// A parameter that is one of several words.
pub(crate) fn chosen<T>(
    key: &'static str,
    title: &'static str,
    help: &'static str,
    choices: &'static [Choice],
    access: Access<T>,
) -> Parameter<T> {
    Parameter { key, title, help, unit: "", kind: ParameterKind::Choice { choices }, access }
}

/// Access to a parameter in words.
pub(crate) fn words<T>(get: fn(&T) -> String, set: fn(&mut T, &str) -> Option<()>) -> Access<T> {
    Access::Words { get, set }
}

impl<T: Settings> Parameter<T> {
    fn get(&self, settings: &T) -> String {
        let mut own = settings.clone();
        match &self.access {
            Access::Switch(field) => if *field(&mut own) { "on" } else { "off" }.into(),
            Access::Number(field, _) => field(&mut own).to_string(),
            Access::Whole(field, _) => field(&mut own).to_string(),
            Access::Numbers(field, _) => field(&mut own).iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
            Access::Inner(inner) => inner.get(&mut own),
            Access::Words { get, .. } => get(settings),
        }
    }

    fn set(&self, settings: &mut T, word: &str) -> Option<()> {
        match &self.access {
            Access::Switch(field) => {
                *field(settings) = match word {
                    "on" | "true" | "yes" => true,
                    "off" | "false" | "no" => false,
                    _ => return None,
                };
                Some(())
            }
            Access::Number(field, range) => {
                word.parse().ok().filter(|number| range.contains(number)).map(|number| *field(settings) = number)
            }
            Access::Whole(field, range) => {
                word.parse().ok().filter(|number| range.contains(number)).map(|number| *field(settings) = number)
            }
            Access::Numbers(field, range) => {
                let numbers = word.split_whitespace().map(|number| number.parse().ok().filter(|number| range.contains(number)));
                numbers.collect::<Option<Vec<f64>>>().map(|all| *field(settings) = all)
            }
            Access::Inner(inner) => inner.set(settings, word),
            Access::Words { set, .. } => set(settings, word),
        }
    }

    /// What is wrong with the value, which may come from a file: `KEY cannot be "WORD", only …`.
    fn check(&self, settings: &T) -> Result<(), String> {
        let word = self.get(settings);
        self.set(&mut settings.clone(), &word).ok_or_else(|| cannot_be(self, &word))
    }

    fn info(self) -> ParameterInfo {
        let default = self.get(&T::default());
        let Self { key, title, help, unit, kind, .. } = self;
        ParameterInfo { key, title, help, unit, kind, default }
    }
}

/// Descriptions of all parameters.
pub(crate) fn describe<T: Settings>() -> Vec<ParameterInfo> {
    T::parameters().into_iter().map(Parameter::info).collect()
}

/// What a parameter is set to; `None` if there is no such parameter.
pub(crate) fn get<T: Settings>(settings: &T, key: &str) -> Option<String> {
    T::parameters().iter().find(|parameter| parameter.key == key).map(|parameter| parameter.get(settings))
}

/// Sets a parameter; `None` if there is no such parameter or it cannot be set to that.
pub(crate) fn set<T: Settings>(settings: &mut T, key: &str, word: &str) -> Option<()> {
    T::parameters().iter().find(|parameter| parameter.key == key)?.set(settings, word)
}

/// Whether every parameter is in its range, as it need not be in a file that people edit.
///
/// # Errors
/// One line that names the key and what it can be set to.
pub(crate) fn check<T: Settings>(settings: &T) -> Result<(), String> {
    T::parameters().iter().try_for_each(|parameter| parameter.check(settings))
}

/// Reads `KEY=VALUE,…`.
///
/// # Errors
/// One line that names the key and what it can be set to.
pub(crate) fn parse<T: Settings>(text: &str) -> Result<T, String> {
    let (mut settings, parameters) = (T::default(), T::parameters());
    for setting in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        let (key, word) = setting.split_once('=').ok_or_else(|| format!("\"{setting}\", expected KEY=VALUE"))?;
        let (key, word) = (key.trim(), word.trim());
        let Some(parameter) = parameters.iter().find(|parameter| parameter.key == key) else {
            let known: Vec<&str> = parameters.iter().map(|parameter| parameter.key).collect();
            return Err(match known.as_slice() {
                [] => format!("there is no parameter \"{key}\", nor any other"),
                known => format!("there is no parameter \"{key}\", only {}", known.join(", ")),
            });
        };
        parameter.set(&mut settings, word).ok_or_else(|| cannot_be(parameter, word))?;
    }
    Ok(settings)
}

fn cannot_be<T>(parameter: &Parameter<T>, word: &str) -> String {
    format!("{} cannot be \"{word}\", only {}", parameter.key, allowed(&parameter.kind))
}

fn allowed(kind: &ParameterKind) -> String {
    match kind {
        ParameterKind::Choice { choices } => choices.iter().map(|choice| choice.key).collect::<Vec<_>>().join(", "),
        ParameterKind::Switch => "on or off".into(),
        ParameterKind::Number { min, max, .. } => format!("a number from {min} to {max}"),
        ParameterKind::Count { min } => format!("all, or a whole number from {min}"),
        ParameterKind::Numbers { min, max } => format!("numbers from {min} to {max} with spaces between them"),
    }
}
