//! The C code of a front end, compiled here, against the features that the studio computes.

use std::fs;
use std::path::Path;
use std::process::Command;

use tinsmith_core::data::Axis;
use tinsmith_core::data::features::{Pipeline, Signal};
use tinsmith_core::export::features::{FeaturePlan, features_c};
use tinsmith_core::progress::Cancel;
use tinsmith_tests::compiler;

/// Pushes the instants of stdin, and writes what comes out to stdout. In the name lies a word that the templates replace.
const MAIN: &str = r#"
#include <stdio.h>
#include "flower_features.h"

_Static_assert(sizeof(flower_features_state) == FLOWER_FEATURES_STATE_BYTES, "the state is as large as it is said to be");

int main(void) {
    static flower_features_state state;
    float instant[FLOWER_FEATURES_CHANNELS], out[FLOWER_FEATURES_VALUES];
    flower_features_reset(&state);
    while (fread(instant, sizeof instant, 1, stdin) == 1) {
        if (flower_features_push(&state, instant, out)) fwrite(out, sizeof out, 1, stdout);
    }
    return 0;
}
"#;

/// What the compiled code makes of a signal.
fn on_the_device(cc: &str, plan: &FeaturePlan, signal: &Signal) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for file in features_c("flower", plan) {
        fs::write(path(&file.name), &file.bytes).unwrap();
    }
    fs::write(path("main.c"), MAIN).unwrap();
    compile(cc, folder.path(), &["-std=c99", "-c", "flower_features.c", "-o", "features.o"]);
    // The assertion is of C11; the code itself is not.
    compile(cc, folder.path(), &["-std=c11", "main.c", "features.o", "-lm", "-o", "program"]);
    let input: Vec<u8> = signal.values.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(path("input"), input).unwrap();
    let output = Command::new(path("program")).stdin(fs::File::open(path("input")).unwrap()).output().unwrap();
    assert!(output.status.success());
    output.stdout.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn compile(cc: &str, folder: &Path, arguments: &[&str]) {
    let strict = ["-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
    let output = Command::new(cc).current_dir(folder).args(strict).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn noise(rate_hz: f64, n_channels: usize, n_rows: usize) -> Signal {
    let mut state = 1_u64;
    let values = (0..n_rows * n_channels).map(|i| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        (0.5 * (i as f64 / 9.0).sin() + state as f64 / (1_u64 << 31) as f64 - 0.5) as f32
    });
    let channels = (0..n_channels).map(|i| Axis::new(i.to_string(), "")).collect();
    Signal::series(rate_hz, channels, values.collect())
}

#[test]
fn the_device_makes_the_same_features() {
    let Some(cc) = compiler(["cc", "gcc"]) else { return };
    for (stages, rate_hz, n_channels) in [
        (&["mfcc"][..], 16_000.0, 1),
        (&["mfcc:frame=40,step=20,fft=512,cosine=tensorflow,spectrum=magnitude,taper=hamming"], 8_000.0, 1),
        (&["mono", "log-mel:mels=128,low=0,high=8000,mel=librosa,log=db,frame=64,step=32"], 16_000.0, 2),
        // A step longer than the frame, a transform much longer than either.
        (&["log-mel:frame=4,step=7,fft=1024,mels=8"], 16_000.0, 1),
        (&["log-mel:frame=0.25,step=0.25,fft=auto,mels=1,low=0,high=8000"], 16_000.0, 1),
        (&["filter:band=high-pass,low=100,order=3", "mfcc", "normalise:fit=fixed,centre=1,spread=5"], 16_000.0, 1),
        (&["filter:band=band-pass,low=0.5,high=20,order=4"], 100.0, 6),
        // Nothing to remember.
        (&["clip:length=2000", "normalise:fit=fixed,centre=1,spread=2"], 2_000.0, 1),
        (&["normalise:fit=fixed,centre=0.1 0.2 0.3,spread=1 2 3", "filter:order=5", "mono", "filter:high=5"], 100.0, 3),
    ] {
        let pipeline = Pipeline::parse(stages).unwrap();
        let signal = noise(rate_hz, n_channels, 4_000);
        let plan = FeaturePlan::new(&pipeline, rate_hz, n_channels).unwrap();
        let expected = pipeline.features(&signal, &Cancel::new()).unwrap().remove(0);
        let found = on_the_device(cc, &plan, &signal);
        assert_eq!(found.len(), expected.values.len(), "{stages:?}");
        let largest = found.iter().zip(&expected.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-3, "{stages:?}: {largest}");
    }
}

#[test]
fn what_a_device_cannot_do_is_said() {
    let error = |stages: &[&str], n_channels| {
        let plan = FeaturePlan::new(&Pipeline::parse(stages).unwrap(), 16_000.0, n_channels);
        plan.err().unwrap().to_string()
    };
    assert_eq!(
        error(&["mono", "filter:zero-phase=on"], 1),
        "stage 2 (filter) cannot run on the device: it would have to know the future; set zero-phase=off, and train with that"
    );
    assert!(error(&["mfcc"], 2).contains("put mono before it"));
    assert!(error(&["log-mel:centre=on"], 1).contains("centre is on"));
    assert!(error(&["resample:rate=8000"], 1).contains("record at 8000 Hz"));
    assert!(error(&["window:length=100", "filter"], 1).contains("put it before clip and window"));
    assert!(error(&["filter:band=high-pass,low=1"], 1).contains("too low for single precision"));
    assert!(error(&["statistics"], 1).contains("leave it out"));
    assert!(error(&["mfcc", "mono"], 1).contains("nothing but normalise"));
}
