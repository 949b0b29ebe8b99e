//! What can be set of each step.

use crate::recipe::{
    AbsorbBias, Calibrator, CleanUp, Cluster, Equalize, FuseBatchNorm, Granularity, IoType, Pack, PruneChannels, PruneCriterion,
    PrunePattern, PruneSchedule, PruneScope, PruneWeights, Quantize, Scheme, WeightRange, WeightRounding,
};
use crate::settings::{Access, Choice, Parameter, ParameterKind, Settings, chosen, switch, words};

const fn choice(key: &'static str, help: &'static str) -> Choice {
    Choice { key, help }
}

const SCHEMES: &[Choice] = &[
    choice("float32", "as it came"),
    choice("float16", "half-precision weights; LiteRT runs them in floats, TensorFlow Lite Micro does not"),
    choice("int16x8", "8-bit weights, 16-bit activations; operators without such a kernel are as in int8"),
    choice(
        "dynamic",
        "8-bit weights under float activations that LiteRT quantizes as it runs; TensorFlow Lite Micro does not run it",
    ),
    choice("int8", "8-bit weights and activations, integer arithmetic throughout"),
    choice("int4-blocks", "4-bit weights with a factor for each 32 of them; the .tflite holds them as 8 bits"),
    choice("int4", "4-bit weights, 8-bit activations"),
    choice("ternary", "weights -1, 0 or 1 at one scale a channel; the .tflite holds them as 4 bits"),
    choice("binary", "weights -1 or 1 at one scale a channel; the .tflite holds them as 4 bits"),
];
const WEIGHT_RANGES: &[Choice] = &[
    choice("largest", "no weight is clipped"),
    choice("mse", "the range with the least mean squared error, for weights of few bits"),
];
const ROUNDINGS: &[Choice] = &[
    choice("nearest", "each weight by itself"),
    choice(
        "adaptive",
        "the integers that change a layer's output least over the calibration samples, with scale and bias fitted",
    ),
];
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

const CRITERIA: &[Choice] = &[
    choice("l1", "sum of the magnitudes of the weights that make a channel"),
    choice("l2", "Euclidean norm of the weights that make a channel"),
    choice("batch-norm", "gamma of the batch normalization after it; before fuse-batch-norm, else as l2"),
    choice("activation", "mean magnitude of its values over the calibration samples"),
];
const SCOPES: &[Choice] = &[
    choice("per-layer", "every layer loses the fraction"),
    choice("global", "the network loses the fraction, where it matters least"),
];
const MULTIPLES: &[Choice] = &[
    choice("1", "any number"),
    choice("2", "pairs"),
    choice("4", "what 32-bit SIMD takes of int8"),
    choice("8", "what 64-bit SIMD takes of int8"),
    choice("16", "what 128-bit SIMD takes of int8"),
];

impl Settings for FuseBatchNorm {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            switch("into-before", "Into the layer before", "Weights and bias of the layer before take scale and offset.", |s| {
                &mut s.into_before
            }),
            switch(
                "into-after",
                "Into the layer after",
                "Where no layer with weights stands before, the one after takes them.",
                |s| &mut s.into_after,
            ),
            switch(
                "scaling",
                "Products and sums",
                "Products and sums with constants, which converters leave, are treated alike.",
                |s| &mut s.scaling,
            ),
        ]
    }
}

impl Settings for CleanUp {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            switch(
                "identities",
                "Identities",
                "Nodes that hand on what they get go: identities, dropout, reshapes to the same shape.",
                |s| &mut s.identities,
            ),
            switch("constants", "Constants", "Nodes that compute with constants alone become constants.", |s| &mut s.constants),
            switch("activations", "Activations", "A clamping activation goes into the layer before it.", |s| &mut s.activations),
            switch(
                "shapes",
                "Shapes",
                "Chains of reshapes and transposes become one or none; padding goes into the convolution after it.",
                |s| &mut s.shapes,
            ),
        ]
    }
}

impl Settings for PruneChannels {
    fn parameters() -> Vec<Parameter<Self>> {
        let compensate = switch(
            "compensate",
            "Compensate",
            "The mean of a cut channel over the calibration samples goes into biases of the layers that read it, unless they pad.",
            |s: &mut Self| &mut s.compensate,
        );
        let ranked = ranking().into_iter();
        ranked.chain([multiple(), compensate]).collect()
    }
}

fn ranking() -> Vec<Parameter<PruneChannels>> {
    const MAX: f32 = PruneChannels::MAX_FRACTION;
    vec![
        Parameter {
            key: "fraction",
            title: "Fraction",
            help: "Share of the channels that is cut, of those that can be; every layer keeps one.",
            unit: "",
            // Said in decimals: the nearest single-precision number has more of them than anybody wants to read.
            kind: ParameterKind::Number { min: 0.0, max: 0.95, step: 0.01 },
            access: words(
                |s| s.fraction.to_string(),
                |s, word| number_between(word, 0.0, MAX).map(|fraction| s.fraction = fraction),
            ),
        },
        chosen(
            "criterion",
            "Importance",
            "What makes a channel matter.",
            CRITERIA,
            words(|s| criterion_name(s.criterion).into(), |s, word| criterion_named(word).map(|c| s.criterion = c)),
        ),
        among(
            "Among which channels the least important ones are looked for.",
            words(|s| scope_name(s.scope).into(), |s, word| scope_named(word).map(|scope| s.scope = scope)),
        ),
    ]
}

fn multiple() -> Parameter<PruneChannels> {
    chosen(
        "multiple",
        "Keep multiples of",
        "The number of channels that a layer keeps is rounded up to a multiple of this.",
        MULTIPLES,
        words(
            |s| s.multiple.to_string(),
            |s, word| {
                let is_known = MULTIPLES.iter().any(|choice| choice.key == word);
                is_known.then(|| word.parse().ok()).flatten().map(|multiple| s.multiple = multiple)
            },
        ),
    )
}

fn criterion_name(criterion: PruneCriterion) -> &'static str {
    match criterion {
        PruneCriterion::L1 => "l1",
        PruneCriterion::L2 => "l2",
        PruneCriterion::BatchNorm => "batch-norm",
        PruneCriterion::Activation => "activation",
    }
}

fn criterion_named(word: &str) -> Option<PruneCriterion> {
    let all = [PruneCriterion::L1, PruneCriterion::L2, PruneCriterion::BatchNorm, PruneCriterion::Activation];
    all.into_iter().find(|criterion| criterion_name(*criterion) == word)
}

impl Settings for Equalize {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            Parameter {
                key: "passes",
                title: "Passes",
                help: "Passes over the graph at most; it ends earlier where nothing changes any more.",
                unit: "",
                kind: ParameterKind::Number { min: 1.0, max: 100.0, step: 1.0 },
                access: words(
                    |s| s.passes.to_string(),
                    |s, word| word.parse().ok().filter(|n| (1..=100).contains(n)).map(|n| s.passes = n),
                ),
            },
            switch(
                "replace-relu6",
                "Replace ReLU6",
                "A ReLU6 between two layers becomes a ReLU: outputs change where values exceed 6.",
                |s| &mut s.replace_relu6,
            ),
        ]
    }
}

impl Settings for AbsorbBias {
    fn parameters() -> Vec<Parameter<Self>> {
        Vec::new()
    }
}

const PATTERNS: &[Choice] = &[
    choice("single", "each weight by itself"),
    choice("block-4", "four side by side, as vector instructions load them"),
    choice("2:4", "of four side by side two stay, whatever the sparsity says"),
    choice("1:4", "of four side by side one stays"),
    choice("2:8", "of eight side by side two stay"),
];

fn pattern_name(pattern: PrunePattern) -> &'static str {
    match pattern {
        PrunePattern::Single => "single",
        PrunePattern::Block4 => "block-4",
        PrunePattern::TwoOfFour => "2:4",
        PrunePattern::OneOfFour => "1:4",
        PrunePattern::TwoOfEight => "2:8",
    }
}

fn pattern_named(word: &str) -> Option<PrunePattern> {
    PrunePattern::ALL.into_iter().find(|pattern| pattern_name(*pattern) == word)
}

const SCHEDULES: &[Choice] = &[
    choice("none", "all at once"),
    choice("constant", "the same share at each step"),
    choice("polynomial", "much at first, little in the end"),
    choice("momentum", "as polynomial; weights count by the mean of their magnitudes so far"),
];

fn schedule_name(schedule: PruneSchedule) -> &'static str {
    match schedule {
        PruneSchedule::None => "none",
        PruneSchedule::Constant => "constant",
        PruneSchedule::Polynomial => "polynomial",
        PruneSchedule::Momentum => "momentum",
    }
}

fn schedule_named(word: &str) -> Option<PruneSchedule> {
    PruneSchedule::ALL.into_iter().find(|schedule| schedule_name(*schedule) == word)
}

fn among<T>(help: &'static str, access: Access<T>) -> Parameter<T> {
    chosen("scope", "Scope", help, SCOPES, access)
}

fn scope_name(scope: PruneScope) -> &'static str {
    match scope {
        PruneScope::PerLayer => "per-layer",
        PruneScope::Global => "global",
    }
}

fn scope_named(word: &str) -> Option<PruneScope> {
    [PruneScope::PerLayer, PruneScope::Global].into_iter().find(|scope| scope_name(*scope) == word)
}

impl Settings for PruneWeights {
    fn parameters() -> Vec<Parameter<Self>> {
        which_weights().into_iter().chain(in_steps()).collect()
    }
}

fn which_weights() -> [Parameter<PruneWeights>; 3] {
    [
        Parameter {
            key: "sparsity",
            title: "Sparsity",
            help: "Share of the weights that becomes zero; an N:M pattern has its own.",
            unit: "",
            kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.01 },
            access: words(
                |s| s.sparsity.to_string(),
                |s, word| number_between(word, 0.0, 1.0).map(|sparsity| s.sparsity = sparsity),
            ),
        },
        among(
            "Among which weights the smallest are looked for.",
            words(|s| scope_name(s.scope).into(), |s, word| scope_named(word).map(|scope| s.scope = scope)),
        ),
        chosen(
            "pattern",
            "Pattern",
            "Which weights become zero together.",
            PATTERNS,
            words(|s| pattern_name(s.pattern).into(), |s, word| pattern_named(word).map(|pattern| s.pattern = pattern)),
        ),
    ]
}

fn in_steps() -> [Parameter<PruneWeights>; 3] {
    const STEPS: (f64, f64) = (*PruneWeights::STEPS.start() as f64, *PruneWeights::STEPS.end() as f64);
    [
        switch(
            "refit",
            "Refit",
            "The weights that are left are fitted to the layer's outputs on the calibration samples, after each step.",
            |s| &mut s.refit,
        ),
        chosen(
            "schedule",
            "Schedule",
            "How the sparsity is reached; it makes a difference with refitting alone.",
            SCHEDULES,
            words(|s| schedule_name(s.schedule).into(), |s, word| schedule_named(word).map(|schedule| s.schedule = schedule)),
        ),
        Parameter {
            key: "steps",
            title: "Steps",
            help: "Steps of a schedule.",
            unit: "",
            kind: ParameterKind::Number { min: STEPS.0, max: STEPS.1, step: 1.0 },
            access: words(
                |s| s.steps.to_string(),
                |s, word| word.parse().ok().filter(|n| PruneWeights::STEPS.contains(n)).map(|n| s.steps = n),
            ),
        },
    ]
}

impl Settings for Cluster {
    fn parameters() -> Vec<Parameter<Self>> {
        const BITS: (f64, f64) = (Cluster::MIN_BITS as f64, Cluster::MAX_BITS as f64);
        vec![
            Parameter {
                key: "bits",
                title: "Bits",
                help: "A layer's weights share two to the power of this many values.",
                unit: "bits",
                kind: ParameterKind::Number { min: BITS.0, max: BITS.1, step: 1.0 },
                access: words(
                    |s| s.bits.to_string(),
                    |s, word| {
                        let bits = word.parse().ok();
                        let bits = bits.filter(|bits| (Cluster::MIN_BITS..=Cluster::MAX_BITS).contains(bits));
                        bits.map(|bits| s.bits = bits)
                    },
                ),
            },
            chosen(
                "granularity",
                "Weights",
                "Scales that convolution weights get when they are quantized: values are shared relative to them.",
                GRANULARITIES,
                words(|s| granularity_name(s.granularity), |s, word| granularity_named(word).map(|g| s.granularity = g)),
            ),
            chosen(
                "fully-connected",
                "Dense weights",
                "The same of dense layers.",
                GRANULARITIES,
                words(|s| granularity_name(s.fully_connected), |s, word| granularity_named(word).map(|g| s.fully_connected = g)),
            ),
        ]
    }
}

impl Settings for Quantize {
    fn parameters() -> Vec<Parameter<Self>> {
        let parts: [Vec<Parameter<Self>>; 3] = [weights(), ranges(), ends()];
        parts.into_iter().flatten().collect()
    }
}

fn weights() -> Vec<Parameter<Quantize>> {
    vec![
        chosen(
            "scheme",
            "Scheme",
            "What weights and activations become.",
            SCHEMES,
            words(|q| q.scheme.name().into(), |q, word| Scheme::named(word).map(|scheme| q.scheme = scheme)),
        ),
        chosen(
            "granularity",
            "Weights",
            "Scales of convolution weights.",
            GRANULARITIES,
            words(|q| granularity_name(q.granularity), |q, word| granularity_named(word).map(|g| q.granularity = g)),
        ),
        chosen(
            "fully-connected",
            "Dense weights",
            "Scales of FULLY_CONNECTED weights; per-channel takes 8 bytes of RAM a channel on TensorFlow Lite Micro.",
            GRANULARITIES,
            words(|q| granularity_name(q.fully_connected), |q, word| granularity_named(word).map(|g| q.fully_connected = g)),
        ),
        chosen(
            "weight-range",
            "Weight range",
            "How the weights of a channel become a range.",
            WEIGHT_RANGES,
            words(
                |q| if q.weight_range == WeightRange::Mse { "mse" } else { "largest" }.into(),
                |q, word| {
                    q.weight_range = match word {
                        "largest" => WeightRange::Largest,
                        "mse" => WeightRange::Mse,
                        _ => return None,
                    };
                    Some(())
                },
            ),
        ),
        chosen(
            "rounding",
            "Rounding",
            "Which of the integers near a weight it becomes.",
            ROUNDINGS,
            words(
                |q| if q.rounding == WeightRounding::Adaptive { "adaptive" } else { "nearest" }.into(),
                |q, word| {
                    q.rounding = match word {
                        "nearest" => WeightRounding::Nearest,
                        "adaptive" => WeightRounding::Adaptive,
                        _ => return None,
                    };
                    Some(())
                },
            ),
        ),
    ]
}

fn ranges() -> Vec<Parameter<Quantize>> {
    vec![
        chosen(
            "calibrator",
            "Calibrator",
            "How observed activations become a range.",
            CALIBRATORS,
            words(
                |q| calibrator_name(q.calibrator).into(),
                |q, word| {
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
            ),
        ),
        Parameter {
            key: "momentum",
            title: "Momentum",
            help: "Weight of the past in a moving average; setting it chooses that calibrator.",
            unit: "",
            kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.01 },
            access: words(
                |q| match q.calibrator {
                    Calibrator::MovingAverage { momentum } => momentum.to_string(),
                    _ => DEFAULT_MOMENTUM.to_string(),
                },
                |q, word| number_between(word, 0.0, 1.0).map(|momentum| q.calibrator = Calibrator::MovingAverage { momentum }),
            ),
        },
        Parameter {
            key: "keep",
            title: "Keep",
            help: "Share of the values that a percentile range holds; setting it chooses that calibrator.",
            unit: "%",
            kind: ParameterKind::Number { min: 90.0, max: 100.0, step: 0.01 },
            access: words(
                |q| match q.calibrator {
                    Calibrator::Percentile { keep } => keep.to_string(),
                    _ => DEFAULT_KEEP.to_string(),
                },
                |q, word| number_between(word, 90.0, 100.0).map(|keep| q.calibrator = Calibrator::Percentile { keep }),
            ),
        },
    ]
}

fn ends() -> Vec<Parameter<Quantize>> {
    vec![
        switch("symmetric", "Symmetric", "Activations have the zero point 0: less exact where values have one sign.", |s| {
            &mut s.symmetric
        }),
        chosen(
            "io",
            "Input and output",
            "Type of the model's inputs and outputs.",
            IO_TYPES,
            words(
                |q| {
                    match q.io {
                        IoType::Int8 => "int8",
                        IoType::UInt8 => "uint8",
                        IoType::Float32 => "float32",
                    }
                    .into()
                },
                |q, word| {
                    q.io = match word {
                        "int8" => IoType::Int8,
                        "uint8" => IoType::UInt8,
                        "float32" => IoType::Float32,
                        _ => return None,
                    };
                    Some(())
                },
            ),
        ),
        switch(
            "correct-bias",
            "Correct bias",
            "Shift each bias by the mean error that rounding the weights makes over the calibration samples.",
            |s| &mut s.correct_bias,
        ),
        Parameter {
            key: "samples",
            title: "Calibration samples",
            help: "Calibrate on the first so many calibration samples.",
            unit: "samples",
            kind: ParameterKind::Count { min: 1 },
            access: words(
                |q| q.samples.map_or("all".into(), |n| n.to_string()),
                |q, word| {
                    q.samples = match word {
                        "all" => None,
                        _ => Some(word.parse().ok().filter(|n| *n > 0)?),
                    };
                    Some(())
                },
            ),
        },
    ]
}

impl Settings for Pack {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            switch(
                "strip-names",
                "Strip names",
                "Leave out tensor names, signatures and descriptions: they take flash and no runtime needs them. Several inputs keep their names.",
                |s| &mut s.strip_names,
            ),
            switch(
                "plan-memory",
                "Plan memory",
                "Write the better of the arena plans into the file, which TensorFlow Lite Micro then follows.",
                |s| &mut s.plan_memory,
            ),
        ]
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

fn number_between(word: &str, min: f32, max: f32) -> Option<f32> {
    word.parse().ok().filter(|x| (min..=max).contains(x))
}

const DEFAULT_MOMENTUM: f32 = 0.9;
const DEFAULT_KEEP: f32 = 99.99;

fn calibrator_name(calibrator: Calibrator) -> &'static str {
    match calibrator {
        Calibrator::MinMax => "min-max",
        Calibrator::MovingAverage { .. } => "moving-average",
        Calibrator::Percentile { .. } => "percentile",
        Calibrator::Mse => "mse",
        Calibrator::Entropy => "entropy",
    }
}
