//! Everything a user can do to a model, as a plain value: the window edits it, the command line runs it, a project carries
//! it to a teammate, undo is the previous one.
//!
//! Steps run in order. What they do lives in [`crate::optimize`]; this module only says what can be asked for.

mod scheme;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use scheme::Scheme;

/// A list of steps, applied in order to the source graph.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// The steps.
    pub steps: Vec<Entry>,
}

/// A step and whether it is switched on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Off: the step is kept with its settings but does nothing.
    pub enabled: bool,
    /// What to do.
    pub step: Step,
}

/// One thing to do to a graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// What converters and training leave in a graph goes.
    CleanUp(CleanUp),
    /// Batch normalization, and products and sums with constants, go into the layers beside them.
    FuseBatchNorm(FuseBatchNorm),
    /// Whole channels go.
    PruneChannels(PruneChannels),
    /// Channels of neighbouring layers get the same range.
    Equalize(Equalize),
    /// Biases that no activation cuts off move into the next layer.
    AbsorbBias(AbsorbBias),
    /// The smallest weights become zero.
    PruneWeights(PruneWeights),
    /// Weights share a few values.
    Cluster(Cluster),
    /// Post-training quantization.
    Quantize(Quantize),
    /// How the result is written: names, arena plan.
    Pack(Pack),
}

impl Step {
    /// The step's name on the command line: `quantize`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CleanUp(_) => "clean-up",
            Self::FuseBatchNorm(_) => "fuse-batch-norm",
            Self::PruneChannels(_) => "prune-channels",
            Self::Equalize(_) => "equalize",
            Self::AbsorbBias(_) => "absorb-bias",
            Self::PruneWeights(_) => "prune-weights",
            Self::Cluster(_) => "cluster",
            Self::Quantize(_) => "quantize",
            Self::Pack(_) => "pack",
        }
    }

    /// Where the step usually stands among the others.
    fn rank(&self) -> usize {
        match self {
            Self::FuseBatchNorm(_) => 0,
            Self::CleanUp(_) => 1,
            Self::PruneChannels(_) => 2,
            Self::Equalize(_) => 3,
            Self::AbsorbBias(_) => 4,
            Self::PruneWeights(_) => 5,
            Self::Cluster(_) => 6,
            Self::Quantize(_) => 7,
            Self::Pack(_) => 8,
        }
    }

    /// Whether the step makes one float graph of another: these stand before quantization.
    pub fn is_rewrite(&self) -> bool {
        match self {
            Self::CleanUp(_) | Self::FuseBatchNorm(_) | Self::PruneChannels(_) | Self::Equalize(_) | Self::AbsorbBias(_) => true,
            Self::PruneWeights(_) | Self::Cluster(_) => true,
            Self::Quantize(_) | Self::Pack(_) => false,
        }
    }
}

/// What of a graph goes without changing what it computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CleanUp {
    /// Nodes that hand on what they get: identities, dropout, reshapes to the same shape.
    pub identities: bool,
    /// Nodes that compute with constants alone become constants.
    pub constants: bool,
    /// Clamping activations go into the layer before them.
    pub activations: bool,
    /// Chains of reshapes and transposes become one, or none; padding goes into the convolution after it.
    pub shapes: bool,
}

impl Default for CleanUp {
    fn default() -> Self {
        Self { identities: true, constants: true, activations: true, shapes: true }
    }
}

/// Where batch normalization goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FuseBatchNorm {
    /// Into the layer with weights before it.
    pub into_before: bool,
    /// Where there is none: into the layer with weights after it.
    pub into_after: bool,
    /// Products and sums with constants, which converters leave, are treated alike.
    pub scaling: bool,
}

impl Default for FuseBatchNorm {
    fn default() -> Self {
        Self { into_before: true, into_after: true, scaling: true }
    }
}

/// Structured pruning: whole channels go, with the weights that make and read them.
///
/// Source of the name: Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PruneChannels {
    /// Share of the channels to cut, 0 to [`PruneChannels::MAX_FRACTION`], of those that can be.
    pub fraction: f32,
    /// What makes a channel matter.
    pub criterion: PruneCriterion,
    /// Among which channels the least important ones are looked for.
    pub scope: PruneScope,
    /// How many channels a layer keeps is rounded up to a multiple of this.
    pub multiple: usize,
    /// What a cut channel brought on average goes into the biases of the layers that read it.
    pub compensate: bool,
    /// Fractions of single layers, by node name; layers that lose channels together share the least.
    pub layers: BTreeMap<String, f32>,
}

impl PruneChannels {
    /// The largest share that can be cut.
    pub const MAX_FRACTION: f32 = 0.95;
}

impl Default for PruneChannels {
    fn default() -> Self {
        Self {
            fraction: 0.25,
            criterion: PruneCriterion::default(),
            scope: PruneScope::default(),
            multiple: 1,
            compensate: true,
            layers: BTreeMap::new(),
        }
    }
}

/// What makes a channel matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PruneCriterion {
    /// Sum of the magnitudes of the weights that make it.
    L1,
    /// Euclidean norm of these weights.
    #[default]
    L2,
    /// Magnitude of gamma of the batch normalization after it; the L2 norm where there is none.
    BatchNorm,
    /// Mean magnitude of its values over the calibration samples.
    Activation,
}

/// Among which channels or weights the least important ones are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PruneScope {
    /// Every layer loses the same share.
    #[default]
    PerLayer,
    /// All are ranked together, each relative to the mean of its layer.
    Global,
}

/// Cross-layer equalization.
///
/// Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Equalize {
    /// Passes over the graph at most; it ends earlier where nothing changes any more.
    pub passes: usize,
    /// A ReLU6 between two layers becomes a ReLU, across which scales can be moved. Values above 6 then stay: the outputs change where
    /// there are any.
    pub replace_relu6: bool,
}

impl Default for Equalize {
    fn default() -> Self {
        Self { passes: 20, replace_relu6: false }
    }
}

/// High-bias absorption.
///
/// Source: Nagel et al. 2019, section 4.1.3; here the lowest values come from the calibration samples and not from batch
/// normalization, which a trained file need not have any more.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AbsorbBias {}

/// Magnitude pruning of single weights.
///
/// Source: Han et al., Deep Compression, ICLR 2016, section 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PruneWeights {
    /// Share of the weights that becomes zero, 0 to 1. An N:M pattern has its own.
    pub sparsity: f32,
    /// Among which weights the smallest are looked for.
    pub scope: PruneScope,
    /// Which weights go together.
    pub pattern: PrunePattern,
    /// How the sparsity is reached.
    pub schedule: PruneSchedule,
    /// In how many steps, 1 to 100; without a schedule it is one.
    pub steps: u32,
    /// Whether the weights that are left are fitted to the layer's outputs on calibration samples, after each step. Without it a schedule
    /// makes no difference.
    pub refit: bool,
    /// Sparsities of single layers, by node name; 0 leaves a layer alone under any pattern.
    pub layers: BTreeMap<String, f32>,
}

impl PruneWeights {
    /// How many steps there may be.
    pub const STEPS: std::ops::RangeInclusive<u32> = 1..=100;
}

/// How pruning goes on from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PruneSchedule {
    /// All at once.
    #[default]
    None,
    /// The same share at each step.
    Constant,
    /// Much at first, little in the end (Zhu and Gupta 2017).
    Polynomial,
    /// As polynomial, but a weight counts by the mean of its magnitudes at this step and at those before.
    Momentum,
}

impl PruneSchedule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Constant, Self::Polynomial, Self::Momentum];
}

impl Default for PruneWeights {
    fn default() -> Self {
        Self {
            sparsity: 0.5,
            scope: PruneScope::PerLayer,
            pattern: PrunePattern::Single,
            schedule: PruneSchedule::None,
            steps: 8,
            refit: false,
            layers: BTreeMap::new(),
        }
    }
}

/// Which weights become zero together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PrunePattern {
    /// Each by itself.
    #[default]
    Single,
    /// Four side by side.
    Block4,
    /// Of four side by side two stay.
    TwoOfFour,
    /// Of four side by side one stays.
    OneOfFour,
    /// Of eight side by side two stay.
    TwoOfEight,
}

impl PrunePattern {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Single, Self::Block4, Self::TwoOfFour, Self::OneOfFour, Self::TwoOfEight];

    /// How many stay, of how many; `None` for patterns whose sparsity is free.
    pub fn n_of_m(self) -> Option<(usize, usize)> {
        match self {
            Self::Single | Self::Block4 => None,
            Self::TwoOfFour => Some((2, 4)),
            Self::OneOfFour => Some((1, 4)),
            Self::TwoOfEight => Some((2, 8)),
        }
    }
}

/// Weight sharing by k-means.
///
/// Source: Han et al., Deep Compression, ICLR 2016, section 3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cluster {
    /// A layer's weights share two to the power of this many values.
    pub bits: u8,
    /// Scales that convolution weights get when they are quantized: values are shared relative to them.
    pub granularity: Granularity,
    /// The same of dense layers.
    pub fully_connected: Granularity,
    /// Bits of single layers, by node name.
    pub layers: BTreeMap<String, u8>,
}

impl Cluster {
    /// Fewest bits.
    pub const MIN_BITS: u8 = 2;
    /// Most bits.
    pub const MAX_BITS: u8 = 8;
}

impl Default for Cluster {
    fn default() -> Self {
        Self { bits: 5, granularity: Granularity::PerChannel, fully_connected: Granularity::PerTensor, layers: BTreeMap::new() }
    }
}

/// Post-training quantization with calibrated ranges.
///
/// Source of the rules: TFLite 8-bit quantization specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quantize {
    /// What weights and activations become.
    pub scheme: Scheme,
    /// Scales of convolution weights.
    pub granularity: Granularity,
    /// Scales of FULLY_CONNECTED weights, a choice of its own: per-channel costs 8 bytes of RAM a channel on TensorFlow Lite
    /// Micro.
    pub fully_connected: Granularity,
    /// How weights become a range.
    pub weight_range: WeightRange,
    /// Which of the integers near a weight it becomes.
    pub rounding: WeightRounding,
    /// How observed activations become a range.
    pub calibrator: Calibrator,
    /// Activations have the zero point 0, as many codes below zero as above: less exact where values have one sign. Where the
    /// specification fixes an operator's output, as of SOFTMAX, that stays.
    pub symmetric: bool,
    /// Type of the model's inputs and outputs.
    pub io: IoType,
    /// Shift each bias by the mean error that rounding the weights makes over the calibration samples (Nagel et al. 2019).
    pub correct_bias: bool,
    /// Calibrate on the first so many calibration samples; `None` for all.
    pub samples: Option<usize>,
    /// What differs for single layers, by node name.
    pub overrides: BTreeMap<String, LayerOverride>,
}

impl Default for Quantize {
    fn default() -> Self {
        Self {
            scheme: Scheme::Int8,
            granularity: Granularity::PerChannel,
            fully_connected: Granularity::PerTensor,
            // The percentile is better on the key words and on ResNet-8, and no better or a little worse on nets that it was not
            // looked at with (README, "How exact it is"): what loses no value is the safer start.
            calibrator: Calibrator::MinMax,
            weight_range: WeightRange::Largest,
            rounding: WeightRounding::Nearest,
            symmetric: false,
            io: IoType::Int8,
            correct_bias: true,
            samples: None,
            overrides: BTreeMap::new(),
        }
    }
}

impl Quantize {
    /// Whether calibration samples decide how weights are rounded.
    pub fn needs_rounding(&self) -> bool {
        self.rounding == WeightRounding::Adaptive && self.needs_calibration()
    }

    /// Names all that rounding by samples depends on: equal names, equal weights.
    pub fn rounding_key(&self) -> String {
        let settings = Self { io: IoType::default(), ..self.clone() };
        // Settings hold only strings, numbers, lists and maps with string keys, which always serialize.
        blake3::hash(&serde_json::to_vec(&settings).unwrap_or_default()).to_hex().to_string()
    }

    /// What a layer's weights and activations become.
    pub fn scheme_of(&self, layer: &str) -> Scheme {
        self.overrides.get(layer).and_then(|layer| layer.scheme).unwrap_or(self.scheme)
    }

    /// Whether some layer may become integers, for which ranges have to be known.
    pub fn needs_calibration(&self) -> bool {
        self.schemes().any(Scheme::is_integer)
    }

    /// The schemes of the model and of layers with their own.
    pub fn schemes(&self) -> impl Iterator<Item = Scheme> {
        std::iter::once(self.scheme).chain(self.overrides.values().filter_map(|layer| layer.scheme))
    }

    /// Calibrators whose ranges these settings may ask for, each once.
    pub fn calibrators(&self) -> Vec<Calibrator> {
        let own = self.overrides.values().filter_map(|layer| layer.calibrator);
        let mut all: Vec<Calibrator> = std::iter::once(self.calibrator).chain(own).collect();
        if self.schemes().any(|scheme| scheme.activation_bits() == Some(16)) {
            all.extend(all.clone().into_iter().map(Calibrator::at_16_bits));
        }
        let mut unique = Vec::new();
        for calibrator in all {
            if !unique.contains(&calibrator) {
                unique.push(calibrator);
            }
        }
        unique
    }
}

/// What differs from the recipe for one layer; `None`: as in the recipe.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerOverride {
    /// Scheme of this layer.
    pub scheme: Option<Scheme>,
    /// Granularity of this layer's weights.
    pub granularity: Option<Granularity>,
    /// Calibrator of this layer's output.
    pub calibrator: Option<Calibrator>,
    /// Real range of this layer's output, set by hand: lowest, highest. Wins over the calibrator.
    pub clip: Option<(f32, f32)>,
}

impl LayerOverride {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How the weights of a channel become a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum WeightRange {
    /// The largest weight is the largest integer: no weight is clipped.
    #[default]
    Largest,
    /// The range with the least mean squared error; pays with few bits, where clipping a few weights makes the others finer.
    Mse,
}

/// Which integers weights become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum WeightRounding {
    /// The nearest ones.
    #[default]
    Nearest,
    /// Those, of all that the scheme allows, that change the layer's output least over the calibration samples; scales and biases are
    /// fitted as well.
    Adaptive,
}

/// How many scales a weight tensor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Granularity {
    /// One.
    PerTensor,
    /// One for each output channel.
    #[default]
    PerChannel,
}

/// How observed activations become a range. All are computed from one pass over the data.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub enum Calibrator {
    /// Lowest and highest value seen.
    #[default]
    MinMax,
    /// Exponential moving average of each sample's lowest and highest value.
    MovingAverage {
        /// Weight of the past, 0 to 1; 0.9 is customary.
        momentum: f32,
    },
    /// The middle of the distribution.
    Percentile {
        /// Percent of the values kept; 99.99 is a good start.
        keep: f32,
    },
    /// The range with the least mean squared quantization error.
    Mse,
    /// The range whose quantized distribution diverges least from the observed one (Kullback-Leibler).
    Entropy,
}

impl Calibrator {
    /// The calibrator for 16-bit activations: those that weigh what is clipped against the error of 256 steps have nothing to
    /// weigh there.
    #[must_use]
    pub fn at_16_bits(self) -> Self {
        match self {
            Self::Mse | Self::Entropy => Self::MinMax,
            Self::MinMax | Self::MovingAverage { .. } | Self::Percentile { .. } => self,
        }
    }
}

/// Type of a model's inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum IoType {
    /// As the layers beside them compute: 8-bit integers, 16-bit ones beside layers of [`Scheme::Int16x8`].
    #[default]
    Int8,
    /// Unsigned 8-bit integers, with QUANTIZE at both ends.
    UInt8,
    /// Floats, with QUANTIZE and DEQUANTIZE at the ends.
    Float32,
}

/// How the result is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pack {
    /// Leave out tensor names, signatures and descriptions: they take flash and no runtime needs them.
    pub strip_names: bool,
    /// Write the better of the arena plans into the file, which TensorFlow Lite Micro then follows.
    pub plan_memory: bool,
}

impl Default for Pack {
    fn default() -> Self {
        Self { strip_names: true, plan_memory: true }
    }
}

impl Recipe {
    /// int8 per-channel, packed: what every newly opened float model is to become.
    pub fn int8() -> Self {
        let entry = |step| Entry { enabled: true, step };
        Self { steps: vec![entry(Step::Quantize(Quantize::default())), entry(Step::Pack(Pack::default()))] }
    }

    /// Puts a step in: in the place of the first of the same name, else before the first that usually stands behind it.
    pub fn put(&mut self, step: Step) {
        let entry = |step| Entry { enabled: true, step };
        if let Some(existing) = self.steps.iter_mut().find(|e| e.step.name() == step.name()) {
            *existing = entry(step);
            return;
        }
        let place = self.steps.iter().position(|e| e.step.rank() > step.rank()).unwrap_or(self.steps.len());
        self.steps.insert(place, entry(step));
    }

    /// The steps that are switched on, with their positions.
    pub fn enabled(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.steps.iter().enumerate().filter(|(_, entry)| entry.enabled)
    }

    /// How many of the enabled steps rewrite floats before anything is quantized.
    pub fn n_rewrites(&self) -> usize {
        self.enabled().take_while(|(_, entry)| entry.step.is_rewrite()).count()
    }

    /// Names the steps that [`Recipe::n_rewrites`] counts, with their settings: equal names, equal graphs. Empty if there are none.
    pub fn rewrites_key(&self) -> String {
        let steps: Vec<&Step> = self.enabled().take(self.n_rewrites()).map(|(_, entry)| &entry.step).collect();
        if steps.is_empty() {
            return String::new();
        }
        // Steps hold only strings, numbers, lists and maps with string keys, which always serialize.
        blake3::hash(&serde_json::to_vec(&steps).unwrap_or_default()).to_hex().to_string()
    }

    /// The settings of the first quantization step, if there is one, switched on or not.
    pub fn quantize(&self) -> Option<&Quantize> {
        self.steps.iter().find_map(|entry| match &entry.step {
            Step::Quantize(q) => Some(q),
            _ => None,
        })
    }

    /// Like [`Recipe::quantize`], to edit.
    pub fn quantize_mut(&mut self) -> Option<&mut Quantize> {
        self.steps.iter_mut().find_map(|entry| match &mut entry.step {
            Step::Quantize(q) => Some(q),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_put_where_it_usually_stands() {
        let names = |recipe: &Recipe| recipe.steps.iter().map(|entry| entry.step.name()).collect::<Vec<_>>();
        let mut recipe = Recipe::int8();
        recipe.put(Step::Equalize(Equalize::default()));
        recipe.put(Step::FuseBatchNorm(FuseBatchNorm::default()));
        recipe.put(Step::Pack(Pack { strip_names: false, ..Pack::default() }));
        assert_eq!(names(&recipe), ["fuse-batch-norm", "equalize", "quantize", "pack"]);
        assert_eq!(recipe.steps[3].step, Step::Pack(Pack { strip_names: false, ..Pack::default() }));
        assert_eq!(recipe.n_rewrites(), 2);
        recipe.steps[0].enabled = false;
        assert_eq!(recipe.n_rewrites(), 1);
        assert!(!recipe.rewrites_key().is_empty() && Recipe::int8().rewrites_key().is_empty());
    }

    #[test]
    fn the_usual_order_is_that_of_the_descriptions() {
        let ranks =
            crate::optimize::describe_steps().into_iter().map(|info| crate::optimize::parse_step(info.name).unwrap().rank());
        assert!(ranks.is_sorted());
    }
}
