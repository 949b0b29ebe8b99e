use proptest::prelude::*;

use super::*;
use crate::data::Axis;
use crate::data::features::{Form, Pipeline, PipelineError, preset, presets};
use crate::progress::Cancel;

/// A signal of one channel.
fn sound(rate_hz: u32, sample: impl Fn(f64) -> f64, n: usize) -> Signal {
    Signal::sound(rate_hz, (0..n).map(|i| sample(i as f64 / f64::from(rate_hz)) as f32).collect())
}

fn tone(hz: f64) -> impl Fn(f64) -> f64 {
    move |t| (std::f64::consts::TAU * hz * t).sin()
}

fn run(stage: &str, signal: &Signal) -> Signal {
    let pieces = Pipeline::parse(&[stage]).unwrap().features(signal, &Cancel::new());
    let [piece] = <[Signal; 1]>::try_from(pieces.unwrap()).unwrap();
    assert!(piece.is_sound());
    piece
}

#[test]
fn every_default_and_choice_can_be_parsed_back() {
    for info in describe_stages() {
        for parameter in &info.parameters {
            let words: Vec<&str> = match &parameter.kind {
                ParameterKind::Choice { choices } => choices.iter().map(|choice| choice.key).collect(),
                _ => vec![],
            };
            for word in words.into_iter().chain([parameter.default.as_str()]) {
                let text = format!("{}:{}={word}", info.name, parameter.key);
                let parsed = parse_stage(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                let mut set = parse_stage(info.name).unwrap();
                set.set_parameter(parameter.key, word).unwrap();
                assert_eq!(set, parsed, "{text}");
                assert_eq!(set.parameter(parameter.key).as_deref(), Some(word), "{text}");
                assert_eq!(set.name(), info.name);
                let written = ron::to_string(&set).unwrap();
                assert_eq!(ron::from_str::<Stage>(&written), Ok(set), "{written}");
            }
        }
        let keys: std::collections::HashSet<_> = info.parameters.iter().map(|p| p.key).collect();
        assert_eq!(keys.len(), info.parameters.len(), "{} has a key twice", info.name);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let error = |text: &str| parse_stage(text).unwrap_err().to_string();
    assert!(error("mffc").contains("log-mel, mfcc, micro-frontend"));
    assert!(error("mfcc:mels=0").contains("from 1 to 512"));
    assert!(error("filter:band=middle").contains("band-pass"));
    assert!(preset("speech").unwrap_err().to_string().contains("keyword"));
    let failure =
        |stages: &[&str], signal: &Signal| Pipeline::parse(stages).unwrap().run(signal, &Cancel::new()).unwrap_err().to_string();
    let short = Signal::sound(16_000, vec![0.0; 100]);
    assert_eq!(
        failure(&["mono", "mfcc"], &short),
        "stage 2 (mfcc): the sound of 100 samples is shorter than one frame; take a shorter frame, or a clip stage before this one"
    );
    assert!(failure(&["mfcc", "mfcc"], &Signal::sound(16_000, vec![0.0; 1000])).contains("change the order"));
    assert!(failure(&["filter:high=9000"], &short).contains("below half the rate, 8000 Hz"));
    assert!(failure(&["normalise"], &short).contains("--fit"));
    assert!(failure(&["clip:length=600000", "stft:step=0.1,frame=100"], &short).contains("more than"));
    let broken = Signal { channels: Vec::new(), ..short };
    assert!(matches!(Pipeline::default().run(&broken, &Cancel::new()), Err(PipelineError::Signal { .. })));
}

#[test]
fn a_file_out_of_range_is_refused_not_run() {
    let pipeline: Pipeline = ron::from_str("(stages: [Filter((order: 4000000000))])").unwrap();
    let error = pipeline.run(&Signal::sound(100, vec![0.0; 10]), &Cancel::new()).unwrap_err();
    assert_eq!(error.to_string(), "stage 1 (filter): order cannot be \"4000000000\", only a number from 1 to 8");
}

#[test]
fn every_preset_runs_on_what_it_is_for() {
    for known in presets() {
        let mut pipeline = preset(known.name).unwrap();
        let signal = match known.name {
            "motion" | "vibration" => {
                let channels = (0..6).map(|i| Axis::new(i.to_string(), "")).collect();
                Signal::series(100.0, channels, (0..6_000).map(|i| (i as f32 / 7.0).sin()).collect())
            }
            "picture" => Signal {
                rate_hz: 0.0,
                form: Form::Picture { width: 32 },
                channels: vec![Axis::new("gray", "")],
                values: vec![127.5; 1024],
            },
            _ => sound(8_000, tone(440.0), 12_000),
        };
        pipeline.fit(std::slice::from_ref(&signal), &Cancel::new()).unwrap();
        let outputs = pipeline.run(&signal, &Cancel::new()).unwrap();
        assert_eq!(outputs.len(), pipeline.stages.len());
        let last = outputs.last().unwrap();
        assert!(last.iter().all(|piece| piece.is_sound() && piece.values.iter().all(|x| x.is_finite())), "{}", known.name);
        let shape = last[0].shape();
        let expected: &[usize] = match known.name {
            "keyword" => &[49, 10, 1],
            "micro-frontend" => &[49, 40, 1],
            "machine-sound" => &[47, 128, 1],
            "motion" => &[128, 6],
            "vibration" => &[15, 6],
            _ => &[96, 96, 1],
        };
        assert_eq!(shape, expected, "{}", known.name);
    }
}

#[test]
fn a_tone_is_drawn_at_its_frequency() {
    let map = run("stft:frame=32,step=16", &sound(16_000, tone(1_000.0), 16_000));
    let Form::Map { bins, unit } = &map.form else { panic!("{:?}", map.form) };
    assert_eq!((*unit, map.rate_hz), ("Hz", 62.5));
    for frame in map.values.chunks_exact(bins.len()) {
        let loudest = (0..bins.len()).max_by(|&a, &b| frame[a].total_cmp(&frame[b])).unwrap();
        assert_eq!(bins[loudest], 1_000.0);
    }
}

#[test]
fn a_tone_keeps_its_frequency_and_loudness_at_another_rate() {
    for (old, new) in [(44_100_u32, 16_000.0), (8_000, 16_000.0), (119, 100.0)] {
        let hz = f64::from(old) / 20.0;
        let signal = sound(old, tone(hz), old as usize * 2);
        let made = run(&format!("resample:rate={new}"), &signal);
        assert_eq!(made.rate_hz, new);
        assert_eq!(made.n_rows(), (2.0 * new) as usize);
        // Away from the ends, where the filter has no neighbours.
        for row in made.n_rows() / 4..made.n_rows() * 3 / 4 {
            let expected = tone(hz)(row as f64 / new);
            let difference = (f64::from(made.values[row]) - expected).abs();
            assert!(difference < 2e-3, "{old} to {new}, {row}: {difference}");
        }
    }
}

#[test]
fn nothing_above_half_the_new_rate_stays() {
    let made = run("resample:rate=8000", &sound(16_000, tone(6_000.0), 16_000));
    assert!(made.values[1_000..7_000].iter().all(|x| x.abs() < 1e-3));
    // Far down the filter has to be as much longer. 100 Hz would come out as a level, 60 Hz as 40 Hz.
    for (old, new, hz) in [(16_000, 100.0, 100.0), (16_000, 100.0, 60.0), (48_000, 1_000.0, 600.0)] {
        let made = run(&format!("resample:rate={new}"), &sound(old, tone(hz), 8 * old as usize));
        let middle = &made.values[made.n_rows() / 3..made.n_rows() * 2 / 3];
        assert!(middle.iter().all(|x| x.abs() < 2e-3), "{hz} Hz from {old} to {new}");
    }
}

#[test]
fn windows_of_windows_are_bounded() {
    let stages = ["clip:length=600000", "window:length=1,overlap=0", "clip:length=600000"];
    let error = Pipeline::parse(&stages).unwrap().features(&sound(1_000, |t| t, 2), &Cancel::new()).unwrap_err().to_string();
    assert!(error.contains("stage 3 (clip)") && error.contains("overlap less"), "{error}");
    // As many long transforms as there are samples.
    let long = ["log-mel:frame=10000,step=1,mels=1,low=0,high=500"];
    let error = Pipeline::parse(&long).unwrap().features(&sound(1_000, |t| t, 1 << 21), &Cancel::new()).unwrap_err();
    assert!(error.to_string().contains("too much work"), "{error}");
}

#[test]
fn windows_overlap_and_the_rest_is_filled_or_left() {
    let signal = sound(100, |t| t * 100.0, 250);
    let cut = |stage: &str| Pipeline::parse(&[stage]).unwrap().features(&signal, &Cancel::new()).unwrap();
    let whole = cut("window:length=1000,overlap=50");
    assert_eq!(whole.iter().map(|w| w.values[0]).collect::<Vec<_>>(), [0.0, 50.0, 100.0, 150.0]);
    let filled = cut("window:length=1000,overlap=0,pad=on");
    assert_eq!(filled.len(), 3);
    assert_eq!((filled[2].values[49], filled[2].values[50], filled[2].values.len()), (249.0, 0.0, 100));
    assert_eq!(cut("window:length=1000,overlap=0").len(), 2);
    assert_eq!(cut("window:length=2500,overlap=0,pad=on").len(), 1);
    assert_eq!(cut("window:length=3000,pad=on").len(), 1);
}

#[test]
fn trends_go() {
    let signal = sound(100, |t| 3.0 + 2.0 * t, 200);
    assert!(run("detrend:trend=linear", &signal).values.iter().all(|x| x.abs() < 1e-5));
    let mean: f32 = run("detrend", &signal).values.iter().sum();
    assert!(mean.abs() < 1e-3);
}

#[test]
fn statistics_of_a_tone_are_known() {
    let signal = sound(1_000, |t| 2.0 * tone(50.0)(t) + 1.0, 1_000);
    let table = run("statistics:bands=5", &signal);
    let Form::Table { rows } = &table.form else { panic!("{:?}", table.form) };
    let figure = |name: &str| f64::from(table.values[rows.iter().position(|row| row == name).unwrap()]);
    for (name, expected) in [
        ("mean", 1.0),
        ("rms", 3.0_f64.sqrt()),
        ("std", 2.0_f64.sqrt()),
        ("min", -1.0),
        ("max", 3.0),
        ("peaks/s", 50.0),
        ("power 0.0000-100.0000 Hz", 2.0),
        ("power 100.0000-200.0000 Hz", 0.0),
    ] {
        assert!((figure(name) - expected).abs() < 1e-3, "{name}: {}, expected {expected}", figure(name));
    }
    assert!((figure("crossings/s") - 100.0).abs() <= 1.0);
}

#[test]
fn statistics_are_fitted_column_by_column() {
    let channels = vec![Axis::new("a", ""), Axis::new("b", "")];
    let signal = Signal::series(10.0, channels, vec![0.0, 10.0, 2.0, 10.0, 4.0, 10.0]);
    let fitted = |fit: &str| {
        let mut pipeline = Pipeline::parse(&[format!("normalise:fit={fit}")]).unwrap();
        pipeline.fit(std::slice::from_ref(&signal), &Cancel::new()).unwrap();
        pipeline.features(&signal, &Cancel::new()).unwrap().remove(0).values
    };
    assert_eq!(fitted("min-max"), [0.0, 0.0, 0.5, 0.0, 1.0, 0.0]);
    assert_eq!(fitted("symmetric"), [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let mean_std = fitted("mean-std");
    assert!((mean_std[4] - 1.5_f32.sqrt()).abs() < 1e-6 && mean_std[1] == 0.0, "{mean_std:?}");
    let given = run("normalise:fit=fixed,centre=2 10,spread=2 5", &signal);
    assert_eq!(given.values, [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn gravity_goes_and_movement_stays() {
    let channels = ["x", "y", "z"].map(|name| Axis::new(name, "m/s²")).to_vec();
    let shaken = |t: f64| [0.0, 0.0, 9.81 + tone(10.0)(t)];
    let values = (0..1_000).flat_map(|i| shaken(f64::from(i) / 100.0).map(|x| x as f32)).collect();
    let made = run("gravity", &Signal::series(100.0, channels, values));
    let z = made.channel(2);
    let late = &z[500..];
    assert!(late.iter().sum::<f32>().abs() / 500.0 < 0.02);
    assert!(late.iter().fold(0.0_f32, |m, x| m.max(x.abs())) > 0.9);
}

/// A board that turns about one axis at 30 degrees a second for 2 s, then lies still; a gyroscope with an offset.
fn turning(axis: usize, with_mag: bool) -> Signal {
    let units = ["g", "g", "g", "deg/s", "deg/s", "deg/s", "uT", "uT", "uT"];
    let n = if with_mag { 9 } else { 6 };
    let channels = units[..n].iter().map(|unit| Axis::new("", *unit)).collect();
    let mut values = Vec::new();
    for i in 0..2_000 {
        let t = f64::from(i) / 100.0;
        let (sin, cos) = (30.0 * t.min(2.0)).to_radians().sin_cos();
        // What the turned board sees of gravity, and of a field that points north and down.
        let turned = |[x, y, z]: [f64; 3]| match axis {
            0 => [x, y * cos + z * sin, z * cos - y * sin],
            1 => [x * cos - z * sin, y, z * cos + x * sin],
            _ => [x * cos + y * sin, y * cos - x * sin, z],
        };
        let mut gyro = [0.5; 3];
        gyro[axis] += if t < 2.0 { 30.0 } else { 0.0 };
        let all = [turned([0.0, 0.0, 1.0]), gyro, turned([20.0, 0.0, -40.0])].concat();
        values.extend(all[..n].iter().map(|&x| x as f32));
    }
    Signal::series(100.0, channels, values)
}

#[test]
fn orientation_follows_a_turn_and_does_not_drift() {
    for fusion in ["complementary", "madgwick"] {
        for (axis, with_mag) in [(0, false), (1, false), (0, true), (1, true), (2, true)] {
            let made = run(&format!("orientation:fusion={fusion}"), &turning(axis, with_mag));
            let at = |row: usize| f64::from(made.values[row * 3 + axis]);
            assert!((at(200) - 60.0).abs() < 3.0, "{fusion}, axis {axis}: {} after the turn", at(200));
            assert!((at(1_999) - 60.0).abs() < 5.0, "{fusion}, axis {axis}: {} at the end", at(1_999));
        }
    }
}

#[test]
fn pictures_are_made_smaller_cropped_and_gray() {
    let rgb = ["red", "green", "blue"].map(|name| Axis::new(name, "")).to_vec();
    let values = (0..4 * 4 * 3).map(|i| (i / 3) as f32).collect();
    let picture = Signal { rate_hz: 0.0, form: Form::Picture { width: 4 }, channels: rgb, values };
    let half = run("resize:width=2,height=2", &picture);
    assert_eq!((half.shape(), half.channel(0)), (vec![2, 2, 3], vec![2.5, 4.5, 10.5, 12.5]));
    let large = run("resize:width=8,height=4", &picture);
    assert_eq!(large.channel(1)[..8], [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
    let middle = run("crop:width=2,height=2", &picture);
    assert_eq!(middle.channel(2), [5.0, 6.0, 9.0, 10.0]);
    let gray = run("grayscale", &picture);
    assert_eq!((gray.shape(), gray.values[7]), (vec![4, 4, 1], 7.0));
}

/// A word within what a parameter can be set to; small sizes where large ones would only take long.
fn word_of(info: &ParameterInfo, at: f64) -> String {
    let between = |min: f64, max: f64| (min.max(1e-3).ln() + (max.max(1e-3).ln() - min.max(1e-3).ln()) * at).exp();
    match &info.kind {
        ParameterKind::Choice { choices } => choices[((choices.len() - 1) as f64 * at).round() as usize].key.into(),
        ParameterKind::Switch => if at < 0.5 { "on" } else { "off" }.into(),
        ParameterKind::Number { min, max, step } if *step == 1.0 && min.fract() == 0.0 => {
            between(*min, max.min(2_000.0)).clamp(*min, *max).round().to_string()
        }
        ParameterKind::Number { min, max, .. } => between(*min, max.min(20_000.0)).clamp(*min, *max).to_string(),
        ParameterKind::Count { min } => min.to_string(),
        ParameterKind::Numbers { .. } if at < 0.2 => String::new(),
        ParameterKind::Numbers { min, max } => (at * 10.0).clamp(*min, *max).to_string(),
    }
}

fn any_signal() -> impl Strategy<Value = Signal> {
    let form = prop_oneof![
        4 => Just(Form::Series),
        1 => (1_usize..5).prop_map(|n| Form::Map { bins: vec![0.0; n], unit: "" }),
        1 => (1_usize..9).prop_map(|width| Form::Picture { width }),
        1 => (0_usize..4).prop_map(|n| Form::Table { rows: vec![String::new(); n] }),
    ];
    let rate = prop_oneof![Just(0.0), Just(8_000.0), Just(16_000.0), Just(119.7), 0.001..1e6_f64];
    let value = prop_oneof![8 => -2.0..2.0_f32, 1 => proptest::num::f32::ANY];
    let n_rows = prop_oneof![Just(0), Just(1), 2..3_000_usize];
    (form, rate, n_rows, 1..10_usize, prop::collection::vec(value, 1..64)).prop_map(|(form, rate_hz, n_rows, n, values)| {
        let channels = (0..n).map(|i| Axis::new(format!("{i}"), ["", "g", "deg/s"][i % 3])).collect();
        let width = match &form {
            Form::Series => n,
            Form::Map { bins, .. } => n * bins.len(),
            Form::Picture { width } => n * width,
            Form::Table { .. } => n,
        };
        let n_rows = if let Form::Table { rows } = &form { rows.len() } else { n_rows };
        let values = values.into_iter().cycle().take(n_rows * width).collect();
        Signal { rate_hz, form, channels, values }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any stage, with any settings in range, on any signal: a sound signal or an error, never a panic.
    #[test]
    fn no_stage_ever_panics(signal in any_signal(), which in 0..17_usize, at in prop::collection::vec(0.0..=1.0_f64, 32)) {
        let all = describe_stages();
        let info = &all[which % all.len()];
        let mut stage = parse_stage(info.name).unwrap();
        for (parameter, at) in info.parameters.iter().zip(&at) {
            let word = word_of(parameter, *at);
            prop_assert!(stage.set_parameter(parameter.key, &word).is_some(), "{}:{}={word}", info.name, parameter.key);
        }
        if let Ok(pieces) = (Pipeline { stages: vec![stage] }).features(&signal, &Cancel::new()) {
            prop_assert!(pieces.iter().all(Signal::is_sound));
        }
    }
}
