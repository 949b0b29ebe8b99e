//! One parameter of a step: how it is described, read and set.

use super::{Choice, OptimizeError, ParameterInfo, ParameterKind};

/// The settings of a step, by their parameters.
pub(super) trait Settings: Default + Clone + 'static {
    /// All of them, in the order in which they are shown.
    fn parameters() -> Vec<Parameter<Self>>;
}

/// A parameter of settings `T`.
pub(super) struct Parameter<T> {
    pub key: &'static str,
    pub title: &'static str,
    pub help: &'static str,
    pub unit: &'static str,
    pub kind: ParameterKind,
    pub access: Access<T>,
}

/// Where a parameter's value is.
pub(super) enum Access<T> {
    /// On or off.
    Switch(fn(&mut T) -> &mut bool),
    /// In words, as they are written on the command line; `None` for a word that says nothing.
    Words { get: fn(&T) -> String, set: fn(&mut T, &str) -> Option<()> },
}

/// A parameter that is on or off.
pub(super) fn switch<T>(
    key: &'static str,
    title: &'static str,
    help: &'static str,
    field: fn(&mut T) -> &mut bool,
) -> Parameter<T> {
    Parameter { key, title, help, unit: "", kind: ParameterKind::Switch, access: Access::Switch(field) }
}

/// A parameter that is one of several words.
pub(super) fn chosen<T>(
    key: &'static str,
    title: &'static str,
    help: &'static str,
    choices: &'static [Choice],
    access: Access<T>,
) -> Parameter<T> {
    Parameter { key, title, help, unit: "", kind: ParameterKind::Choice { choices }, access }
}

/// Access to a parameter in words.
pub(super) fn words<T>(get: fn(&T) -> String, set: fn(&mut T, &str) -> Option<()>) -> Access<T> {
    Access::Words { get, set }
}

impl<T: Settings> Parameter<T> {
    fn get(&self, settings: &T) -> String {
        match self.access {
            Access::Switch(field) => if *field(&mut settings.clone()) { "on" } else { "off" }.into(),
            Access::Words { get, .. } => get(settings),
        }
    }

    fn set(&self, settings: &mut T, word: &str) -> Option<()> {
        match self.access {
            Access::Switch(field) => {
                *field(settings) = match word {
                    "on" | "true" | "yes" => true,
                    "off" | "false" | "no" => false,
                    _ => return None,
                };
                Some(())
            }
            Access::Words { set, .. } => set(settings, word),
        }
    }

    fn info(self) -> ParameterInfo {
        let default = self.get(&T::default());
        let Self { key, title, help, unit, kind, .. } = self;
        ParameterInfo { key, title, help, unit, kind, default }
    }
}

/// Descriptions of all parameters.
pub(super) fn describe<T: Settings>() -> Vec<ParameterInfo> {
    T::parameters().into_iter().map(Parameter::info).collect()
}

/// What a parameter is set to; `None` if there is no such parameter.
pub(super) fn get<T: Settings>(settings: &T, key: &str) -> Option<String> {
    T::parameters().iter().find(|parameter| parameter.key == key).map(|parameter| parameter.get(settings))
}

/// Sets a parameter; `None` if there is no such parameter or it cannot be set to that.
pub(super) fn set<T: Settings>(settings: &mut T, key: &str, word: &str) -> Option<()> {
    T::parameters().iter().find(|parameter| parameter.key == key)?.set(settings, word)
}

/// Reads `KEY=VALUE,…`.
///
/// # Errors
/// [`OptimizeError::Setting`] names the step, the key and what it can be set to.
pub(super) fn parse<T: Settings>(step: &'static str, text: &str) -> Result<T, OptimizeError> {
    let (mut settings, parameters) = (T::default(), T::parameters());
    let bad = |trouble: String| OptimizeError::Setting { step, trouble };
    for setting in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        let (key, word) = setting.split_once('=').ok_or_else(|| bad(format!("\"{setting}\", expected KEY=VALUE")))?;
        let (key, word) = (key.trim(), word.trim());
        let Some(parameter) = parameters.iter().find(|parameter| parameter.key == key) else {
            let known: Vec<&str> = parameters.iter().map(|parameter| parameter.key).collect();
            return Err(bad(match known.as_slice() {
                [] => format!("there is no parameter \"{key}\", nor any other"),
                known => format!("there is no parameter \"{key}\", only {}", known.join(", ")),
            }));
        };
        parameter
            .set(&mut settings, word)
            .ok_or_else(|| bad(format!("{key} cannot be \"{word}\", only {}", allowed(&parameter.kind))))?;
    }
    Ok(settings)
}

fn allowed(kind: &ParameterKind) -> String {
    match kind {
        ParameterKind::Choice { choices } => choices.iter().map(|choice| choice.key).collect::<Vec<_>>().join(", "),
        ParameterKind::Switch => "on or off".into(),
        ParameterKind::Number { min, max, .. } => format!("a number from {min} to {max}"),
        ParameterKind::Count { min } => format!("all, or a whole number from {min}"),
    }
}
