//! Every recipe step with its parameters, described once: the command line's `steps` and `--step`, the manual and the window's
//! sliders all read this.

use serde::Serialize;

use super::OptimizeError;
use crate::recipe::{
    AbsorbBias, Calibrator, CleanUp, Equalize, FuseBatchNorm, Granularity, IoType, Pack, Quantize, Scheme, Step,
};

/// A recipe step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepInfo {
    /// On the command line: `quantize`.
    pub name: &'static str,
    /// In the window: `Quantize`.
    pub title: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// What can be set.
    pub parameters: Vec<ParameterInfo>,
}

/// One parameter of a step.
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
}

/// One of a parameter's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// On the command line: `per-channel`.
    pub key: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
}

const fn choice(key: &'static str, help: &'static str) -> Choice {
    Choice { key, help }
}

const SCHEMES: &[Choice] =
    &[choice("int8", "8-bit weights and activations, integer arithmetic throughout"), choice("float32", "as it came")];
const GRANULARITIES: &[Choice] =
    &[choice("per-channel", "one scale for each output channel: more accurate"), choice("per-tensor", "one scale: smaller")];
const CALIBRATORS: &[Choice] = &[
    choice("min-max", "lowest and highest value seen"),
    choice("moving-average", "moving average of each sample's lowest and highest value"),
    choice("percentile", "the middle of the distribution"),
    choice("mse", "the range with the least mean squared quantization error"),
    choice("entropy", "the range whose quantized distribution diverges least from the observed one"),
];
const IO_TYPES: &[Choice] = &[
    choice("int8", "as the layers compute"),
    choice("uint8", "unsigned, converted at both ends"),
    choice("float32", "floats, converted at both ends"),
];

/// A parameter as this module knows it: description, how to read it and how to set it.
struct Parameter<T> {
    key: &'static str,
    title: &'static str,
    help: &'static str,
    unit: &'static str,
    kind: ParameterKind,
    get: fn(&T) -> String,
    set: fn(&mut T, &str) -> Option<()>,
}

impl<T: Default> Parameter<T> {
    fn info(self) -> ParameterInfo {
        let Self { key, title, help, unit, kind, get, .. } = self;
        ParameterInfo { key, title, help, unit, kind, default: get(&T::default()) }
    }
}

fn granularity_name(granularity: Granularity) -> String {
    match granularity {
        Granularity::PerChannel => "per-channel",
        Granularity::PerTensor => "per-tensor",
    }
    .into()
}

fn granularity_named(word: &str) -> Option<Granularity> {
    Some(match word {
        "per-channel" => Granularity::PerChannel,
        "per-tensor" => Granularity::PerTensor,
        _ => return None,
    })
}

fn switch_name(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

fn switch_named(word: &str) -> Option<bool> {
    match word {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

fn number_between(word: &str, min: f32, max: f32) -> Option<f32> {
    word.parse().ok().filter(|x| (min..=max).contains(x))
}

const DEFAULT_MOMENTUM: f32 = 0.9;
const DEFAULT_KEEP: f32 = 99.99;

fn quantize_parameters() -> Vec<Parameter<Quantize>> {
    vec![
        Parameter {
            key: "scheme",
            title: "Scheme",
            help: "What weights and activations become.",
            unit: "",
            kind: ParameterKind::Choice { choices: SCHEMES },
            get: |q| if q.scheme == Scheme::Int8 { "int8" } else { "float32" }.into(),
            set: |q, word| {
                q.scheme = match word {
                    "int8" => Scheme::Int8,
                    "float32" => Scheme::Float32,
                    _ => return None,
                };
                Some(())
            },
        },
        Parameter {
            key: "granularity",
            title: "Weights",
            help: "Scales of convolution weights.",
            unit: "",
            kind: ParameterKind::Choice { choices: GRANULARITIES },
            get: |q| granularity_name(q.granularity),
            set: |q, word| granularity_named(word).map(|g| q.granularity = g),
        },
        Parameter {
            key: "fully-connected",
            title: "Dense weights",
            help: "Scales of FULLY_CONNECTED weights; per-channel takes 8 bytes of RAM a channel on TensorFlow Lite Micro.",
            unit: "",
            kind: ParameterKind::Choice { choices: GRANULARITIES },
            get: |q| granularity_name(q.fully_connected),
            set: |q, word| granularity_named(word).map(|g| q.fully_connected = g),
        },
        Parameter {
            key: "calibrator",
            title: "Calibrator",
            help: "How observed activations become a range.",
            unit: "",
            kind: ParameterKind::Choice { choices: CALIBRATORS },
            get: |q| calibrator_name(q.calibrator).into(),
            set: |q, word| {
                q.calibrator = match word {
                    "min-max" => Calibrator::MinMax,
                    "moving-average" => Calibrator::MovingAverage { momentum: DEFAULT_MOMENTUM },
                    "percentile" => Calibrator::Percentile { keep: DEFAULT_KEEP },
                    "mse" => Calibrator::Mse,
                    "entropy" => Calibrator::Entropy,
                    _ => return None,
                };
                Some(())
            },
        },
        Parameter {
            key: "momentum",
            title: "Momentum",
            help: "Weight of the past in a moving average; setting it chooses that calibrator.",
            unit: "",
            kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.01 },
            get: |q| match q.calibrator {
                Calibrator::MovingAverage { momentum } => momentum.to_string(),
                _ => DEFAULT_MOMENTUM.to_string(),
            },
            set: |q, word| number_between(word, 0.0, 1.0).map(|momentum| q.calibrator = Calibrator::MovingAverage { momentum }),
        },
        Parameter {
            key: "keep",
            title: "Keep",
            help: "Share of the values that a percentile range holds; setting it chooses that calibrator.",
            unit: "%",
            kind: ParameterKind::Number { min: 90.0, max: 100.0, step: 0.01 },
            get: |q| match q.calibrator {
                Calibrator::Percentile { keep } => keep.to_string(),
                _ => DEFAULT_KEEP.to_string(),
            },
            set: |q, word| number_between(word, 90.0, 100.0).map(|keep| q.calibrator = Calibrator::Percentile { keep }),
        },
        Parameter {
            key: "io",
            title: "Input and output",
            help: "Type of the model's inputs and outputs.",
            unit: "",
            kind: ParameterKind::Choice { choices: IO_TYPES },
            get: |q| {
                match q.io {
                    IoType::Int8 => "int8",
                    IoType::UInt8 => "uint8",
                    IoType::Float32 => "float32",
                }
                .into()
            },
            set: |q, word| {
                q.io = match word {
                    "int8" => IoType::Int8,
                    "uint8" => IoType::UInt8,
                    "float32" => IoType::Float32,
                    _ => return None,
                };
                Some(())
            },
        },
        Parameter {
            key: "correct-bias",
            title: "Correct bias",
            help: "Shift each bias by the mean error that rounding the weights makes over the calibration samples.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |q| switch_name(q.correct_bias),
            set: |q, word| switch_named(word).map(|on| q.correct_bias = on),
        },
        Parameter {
            key: "samples",
            title: "Calibration samples",
            help: "Calibrate on the first so many calibration samples.",
            unit: "samples",
            kind: ParameterKind::Count { min: 1 },
            get: |q| q.samples.map_or("all".into(), |n| n.to_string()),
            set: |q, word| {
                q.samples = match word {
                    "all" => None,
                    _ => Some(word.parse().ok().filter(|n| *n > 0)?),
                };
                Some(())
            },
        },
    ]
}

fn calibrator_name(calibrator: Calibrator) -> &'static str {
    match calibrator {
        Calibrator::MinMax => "min-max",
        Calibrator::MovingAverage { .. } => "moving-average",
        Calibrator::Percentile { .. } => "percentile",
        Calibrator::Mse => "mse",
        Calibrator::Entropy => "entropy",
    }
}

fn clean_up_parameters() -> Vec<Parameter<CleanUp>> {
    vec![
        Parameter {
            key: "identities",
            title: "Identities",
            help: "Nodes that hand on what they get go: identities, dropout, reshapes to the same shape.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.identities),
            set: |s, word| switch_named(word).map(|on| s.identities = on),
        },
        Parameter {
            key: "constants",
            title: "Constants",
            help: "Nodes that compute with constants alone become constants.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.constants),
            set: |s, word| switch_named(word).map(|on| s.constants = on),
        },
        Parameter {
            key: "activations",
            title: "Activations",
            help: "A clamping activation goes into the layer before it.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.activations),
            set: |s, word| switch_named(word).map(|on| s.activations = on),
        },
        Parameter {
            key: "shapes",
            title: "Shapes",
            help: "Chains of reshapes and transposes become one or none; padding goes into the convolution after it.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.shapes),
            set: |s, word| switch_named(word).map(|on| s.shapes = on),
        },
    ]
}

fn fuse_parameters() -> Vec<Parameter<FuseBatchNorm>> {
    vec![
        Parameter {
            key: "into-before",
            title: "Into the layer before",
            help: "Weights and bias of the layer before take scale and offset.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.into_before),
            set: |s, word| switch_named(word).map(|on| s.into_before = on),
        },
        Parameter {
            key: "into-after",
            title: "Into the layer after",
            help: "Where no layer with weights stands before, the one after takes them.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.into_after),
            set: |s, word| switch_named(word).map(|on| s.into_after = on),
        },
        Parameter {
            key: "scaling",
            title: "Products and sums",
            help: "Products and sums with constants, which converters leave, are treated alike.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.scaling),
            set: |s, word| switch_named(word).map(|on| s.scaling = on),
        },
    ]
}

fn equalize_parameters() -> Vec<Parameter<Equalize>> {
    vec![
        Parameter {
            key: "passes",
            title: "Passes",
            help: "Passes over the graph at most; it ends earlier where nothing changes any more.",
            unit: "",
            kind: ParameterKind::Number { min: 1.0, max: 100.0, step: 1.0 },
            get: |s| s.passes.to_string(),
            set: |s, word| word.parse().ok().filter(|n| (1..=100).contains(n)).map(|n| s.passes = n),
        },
        Parameter {
            key: "replace-relu6",
            title: "Replace ReLU6",
            help: "A ReLU6 between two layers becomes a ReLU: outputs change where values exceed 6.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |s| switch_name(s.replace_relu6),
            set: |s, word| switch_named(word).map(|on| s.replace_relu6 = on),
        },
    ]
}

fn pack_parameters() -> Vec<Parameter<Pack>> {
    vec![
        Parameter {
            key: "strip-names",
            title: "Strip names",
            help: "Leave out tensor names, signatures and descriptions: they take flash and no runtime needs them.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |p| switch_name(p.strip_names),
            set: |p, word| switch_named(word).map(|on| p.strip_names = on),
        },
        Parameter {
            key: "plan-memory",
            title: "Plan memory",
            help: "Write the better of the arena plans into the file, which TensorFlow Lite Micro then follows.",
            unit: "",
            kind: ParameterKind::Switch,
            get: |p| switch_name(p.plan_memory),
            set: |p, word| switch_named(word).map(|on| p.plan_memory = on),
        },
    ]
}

/// All steps, in the order in which a recipe usually has them.
pub fn describe_steps() -> Vec<StepInfo> {
    vec![
        StepInfo {
            name: "fuse-batch-norm",
            title: "Fuse batch norm",
            help: "Batch normalization goes into the layers beside it; the outputs stay, but for rounding.",
            parameters: fuse_parameters().into_iter().map(Parameter::info).collect(),
        },
        StepInfo {
            name: "clean-up",
            title: "Clean up",
            help: "What converters and training leave in a graph goes; the outputs stay.",
            parameters: clean_up_parameters().into_iter().map(Parameter::info).collect(),
        },
        StepInfo {
            name: "equalize",
            title: "Equalize",
            help: "Scales move between neighbouring layers until their channels have equal ranges; the outputs stay, but for rounding.",
            parameters: equalize_parameters().into_iter().map(Parameter::info).collect(),
        },
        StepInfo {
            name: "absorb-bias",
            title: "Absorb bias",
            help: "What a channel never falls below moves into the bias of the next layer, so that less range is left to quantize.",
            parameters: Vec::new(),
        },
        StepInfo {
            name: "quantize",
            title: "Quantize",
            help: "Float weights and activations become 8-bit integers, at scales found by calibration.",
            parameters: quantize_parameters().into_iter().map(Parameter::info).collect(),
        },
        StepInfo {
            name: "pack",
            title: "Pack",
            help: "Names are left out of the file and the arena is planned.",
            parameters: pack_parameters().into_iter().map(Parameter::info).collect(),
        },
    ]
}

/// Reads `NAME[:KEY=VALUE,…]`: a step with its defaults but for what is said.
///
/// # Errors
/// [`OptimizeError::Setting`] names the step, the key and what it can be set to.
pub fn parse_step(text: &str) -> Result<Step, OptimizeError> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    match name.trim() {
        "clean-up" => parse("clean-up", settings, clean_up_parameters()).map(Step::CleanUp),
        "fuse-batch-norm" => parse("fuse-batch-norm", settings, fuse_parameters()).map(Step::FuseBatchNorm),
        "equalize" => parse("equalize", settings, equalize_parameters()).map(Step::Equalize),
        "absorb-bias" => parse::<AbsorbBias>("absorb-bias", settings, Vec::new()).map(Step::AbsorbBias),
        "quantize" => parse("quantize", settings, quantize_parameters()).map(Step::Quantize),
        "pack" => parse("pack", settings, pack_parameters()).map(Step::Pack),
        other => {
            let known: Vec<&str> = describe_steps().iter().map(|step| step.name).collect();
            Err(OptimizeError::UnknownStep { name: other.to_owned(), known: known.join(", ") })
        }
    }
}

/// What a parameter of a step is set to, as it is written on the command line; `None` if the step has no such parameter.
pub fn parameter(step: &Step, key: &str) -> Option<String> {
    fn get<T>(value: &T, parameters: Vec<Parameter<T>>, key: &str) -> Option<String> {
        parameters.iter().find(|parameter| parameter.key == key).map(|parameter| (parameter.get)(value))
    }
    match step {
        Step::CleanUp(s) => get(s, clean_up_parameters(), key),
        Step::FuseBatchNorm(s) => get(s, fuse_parameters(), key),
        Step::Equalize(s) => get(s, equalize_parameters(), key),
        Step::AbsorbBias(_) => None,
        Step::Quantize(s) => get(s, quantize_parameters(), key),
        Step::Pack(s) => get(s, pack_parameters(), key),
    }
}

/// Sets a parameter of a step; `None`, and the step as it was, if there is no such parameter or it cannot be set to that.
pub fn set_parameter(step: &mut Step, key: &str, word: &str) -> Option<()> {
    fn set<T>(value: &mut T, parameters: Vec<Parameter<T>>, key: &str, word: &str) -> Option<()> {
        parameters.iter().find(|parameter| parameter.key == key).and_then(|parameter| (parameter.set)(value, word))
    }
    match step {
        Step::CleanUp(s) => set(s, clean_up_parameters(), key, word),
        Step::FuseBatchNorm(s) => set(s, fuse_parameters(), key, word),
        Step::Equalize(s) => set(s, equalize_parameters(), key, word),
        Step::AbsorbBias(_) => None,
        Step::Quantize(s) => set(s, quantize_parameters(), key, word),
        Step::Pack(s) => set(s, pack_parameters(), key, word),
    }
}

fn parse<T: Default>(step: &'static str, settings: &str, parameters: Vec<Parameter<T>>) -> Result<T, OptimizeError> {
    let mut value = T::default();
    let bad = |trouble: String| OptimizeError::Setting { step, trouble };
    for setting in settings.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        let (key, word) = setting.split_once('=').ok_or_else(|| bad(format!("\"{setting}\", expected KEY=VALUE")))?;
        let (key, word) = (key.trim(), word.trim());
        let Some(parameter) = parameters.iter().find(|parameter| parameter.key == key) else {
            let known: Vec<&str> = parameters.iter().map(|parameter| parameter.key).collect();
            return Err(bad(format!("there is no parameter \"{key}\", only {}", known.join(", "))));
        };
        (parameter.set)(&mut value, word)
            .ok_or_else(|| bad(format!("{key} cannot be \"{word}\", only {}", allowed(&parameter.kind))))?;
    }
    Ok(value)
}

fn allowed(kind: &ParameterKind) -> String {
    match kind {
        ParameterKind::Choice { choices } => choices.iter().map(|choice| choice.key).collect::<Vec<_>>().join(", "),
        ParameterKind::Switch => "on or off".into(),
        ParameterKind::Number { min, max, .. } => format!("a number from {min} to {max}"),
        ParameterKind::Count { min } => format!("all, or a whole number from {min}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_alone_has_its_defaults() {
        assert_eq!(parse_step("quantize"), Ok(Step::Quantize(Quantize::default())));
        assert_eq!(parse_step("pack"), Ok(Step::Pack(Pack::default())));
    }

    #[test]
    fn settings_are_read() {
        let expected = Quantize {
            granularity: Granularity::PerTensor,
            calibrator: Calibrator::Percentile { keep: 99.5 },
            correct_bias: true,
            samples: Some(20),
            ..Quantize::default()
        };
        let step = parse_step("quantize:granularity=per-tensor,keep=99.5, correct-bias=on,samples=20");
        assert_eq!(step, Ok(Step::Quantize(expected)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| parse_step(text).unwrap_err().to_string();
        assert!(error("quantise").contains("absorb-bias, quantize, pack"));
        assert!(error("quantize:bits=4").contains("no parameter \"bits\""));
        assert!(error("quantize:momentum=2").contains("from 0 to 1"));
        assert!(error("pack:strip-names=perhaps").contains("on or off"));
        assert!(error("pack:strip-names").contains("KEY=VALUE"));
    }

    #[test]
    fn every_default_and_choice_can_be_parsed_back() {
        for step in describe_steps() {
            for parameter in &step.parameters {
                let words: Vec<&str> = match &parameter.kind {
                    ParameterKind::Choice { choices } => choices.iter().map(|choice| choice.key).collect(),
                    _ => vec![],
                };
                for word in words.into_iter().chain([parameter.default.as_str()]) {
                    let text = format!("{}:{}={word}", step.name, parameter.key);
                    let parsed = parse_step(&text);
                    assert!(parsed.is_ok(), "{text}");
                    let mut set = parse_step(step.name).unwrap();
                    set_parameter(&mut set, parameter.key, word).unwrap();
                    assert_eq!(Ok(&set), parsed.as_ref(), "{text}");
                    assert_eq!(super::parameter(&set, parameter.key).as_deref(), Some(word), "{text}");
                }
            }
        }
    }
}
