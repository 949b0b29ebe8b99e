//! Every recipe step with its parameters, described once: the command line's `steps` and `--step`, the manual and the window's
//! sliders all read this.

mod tables;

use serde::Serialize;

use super::OptimizeError;
use crate::recipe::{AbsorbBias, CleanUp, Cluster, Equalize, FuseBatchNorm, Pack, PruneChannels, PruneWeights, Quantize, Step};
use crate::settings::{self, Settings, describe, get, set};
pub use crate::settings::{Choice, ParameterInfo, ParameterKind};

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

/// All steps, in the order in which a recipe usually has them.
pub fn describe_steps() -> Vec<StepInfo> {
    vec![
        StepInfo {
            name: "fuse-batch-norm",
            title: "Fuse batch norm",
            help: "Batch normalization goes into the layers beside it; the outputs stay, but for rounding.",
            parameters: describe::<FuseBatchNorm>(),
        },
        StepInfo {
            name: "clean-up",
            title: "Clean up",
            help: "What converters and training leave in a graph goes; the outputs stay.",
            parameters: describe::<CleanUp>(),
        },
        StepInfo {
            name: "prune-channels",
            title: "Prune channels",
            help: "The channels that matter least are cut out of the layers that make and read them: a smaller, faster network.",
            parameters: describe::<PruneChannels>(),
        },
        StepInfo {
            name: "equalize",
            title: "Equalize",
            help: "Scales move between neighbouring layers until their channels have equal ranges; the outputs stay, but for rounding.",
            parameters: describe::<Equalize>(),
        },
        StepInfo {
            name: "absorb-bias",
            title: "Absorb bias",
            help: "What a channel never falls below moves into the bias of the next layer, so that less range is left to quantize.",
            parameters: describe::<AbsorbBias>(),
        },
        StepInfo {
            name: "prune-weights",
            title: "Prune weights",
            help: "The smallest weights become zero; a compressed or a compact model gets smaller, a .tflite does not.",
            parameters: describe::<PruneWeights>(),
        },
        StepInfo {
            name: "cluster",
            title: "Cluster",
            help: "The weights of a layer share a few values; a compressed or a compact model gets smaller, a .tflite does not.",
            parameters: describe::<Cluster>(),
        },
        StepInfo {
            name: "quantize",
            title: "Quantize",
            help: "Float weights and activations become integers of few bits, at scales found by calibration.",
            parameters: describe::<Quantize>(),
        },
        StepInfo {
            name: "pack",
            title: "Pack",
            help: "Names are left out of the file and the arena is planned.",
            parameters: describe::<Pack>(),
        },
    ]
}

/// Reads `NAME[:KEY=VALUE,…]`: a step with its defaults but for what is said.
///
/// # Errors
/// [`OptimizeError::Setting`] names the step, the key and what it can be set to; [`OptimizeError::UnknownStep`] the steps there are.
pub fn parse_step(text: &str) -> Result<Step, OptimizeError> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    match name.trim() {
        "fuse-batch-norm" => parse("fuse-batch-norm", settings).map(Step::FuseBatchNorm),
        "clean-up" => parse("clean-up", settings).map(Step::CleanUp),
        "prune-channels" => parse("prune-channels", settings).map(Step::PruneChannels),
        "equalize" => parse("equalize", settings).map(Step::Equalize),
        "absorb-bias" => parse("absorb-bias", settings).map(Step::AbsorbBias),
        "prune-weights" => parse("prune-weights", settings).map(Step::PruneWeights),
        "cluster" => parse("cluster", settings).map(Step::Cluster),
        "quantize" => parse("quantize", settings).map(Step::Quantize),
        "pack" => parse("pack", settings).map(Step::Pack),
        other => {
            let known: Vec<&str> = describe_steps().iter().map(|step| step.name).collect();
            Err(OptimizeError::UnknownStep { name: other.to_owned(), known: known.join(", ") })
        }
    }
}

fn parse<T: Settings>(step: &'static str, text: &str) -> Result<T, OptimizeError> {
    settings::parse(text).map_err(|trouble| OptimizeError::Setting { step, trouble })
}

/// What a parameter of a step is set to, as it is written on the command line; `None` if the step has no such parameter.
pub fn parameter(step: &Step, key: &str) -> Option<String> {
    match step {
        Step::FuseBatchNorm(settings) => get(settings, key),
        Step::CleanUp(settings) => get(settings, key),
        Step::PruneChannels(settings) => get(settings, key),
        Step::Equalize(settings) => get(settings, key),
        Step::AbsorbBias(settings) => get(settings, key),
        Step::PruneWeights(settings) => get(settings, key),
        Step::Cluster(settings) => get(settings, key),
        Step::Quantize(settings) => get(settings, key),
        Step::Pack(settings) => get(settings, key),
    }
}

/// Sets a parameter of a step; `None`, and the step as it was, if there is no such parameter or it cannot be set to that.
pub fn set_parameter(step: &mut Step, key: &str, word: &str) -> Option<()> {
    match step {
        Step::FuseBatchNorm(settings) => set(settings, key, word),
        Step::CleanUp(settings) => set(settings, key, word),
        Step::PruneChannels(settings) => set(settings, key, word),
        Step::Equalize(settings) => set(settings, key, word),
        Step::AbsorbBias(settings) => set(settings, key, word),
        Step::PruneWeights(settings) => set(settings, key, word),
        Step::Cluster(settings) => set(settings, key, word),
        Step::Quantize(settings) => set(settings, key, word),
        Step::Pack(settings) => set(settings, key, word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Calibrator, Granularity};

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
    fn every_scheme_is_offered() {
        let quantize = describe_steps().into_iter().find(|step| step.name == "quantize").unwrap();
        let ParameterKind::Choice { choices } = &quantize.parameters[0].kind else { panic!("{:?}", quantize.parameters[0]) };
        assert!(choices.iter().map(|choice| choice.key).eq(crate::recipe::Scheme::ALL.map(|scheme| scheme.name())));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| parse_step(text).unwrap_err().to_string();
        assert!(error("quantise").contains("prune-weights, cluster, quantize, pack"));
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
                    let written = ron::to_string(&set).unwrap();
                    assert_eq!(ron::from_str::<Step>(&written), Ok(set), "{written}");
                }
            }
        }
    }
}
