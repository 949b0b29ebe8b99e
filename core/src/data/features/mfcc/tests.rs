use std::io::Read;

use super::*;
use crate::data::features::{Pipeline, Signal};
use crate::data::wav::read_wav;
use crate::progress::Cancel;
use crate::test_data::shared;

/// Largest difference between two equally long lists.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// The clip of `golden.py`.
fn noisy_sweep() -> Vec<f32> {
    let mut state = 1_u64;
    let sample = |n: usize| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        let noise = 0.02 * (state as f64 / (1_u64 << 31) as f64 - 0.5);
        let t = n as f64 / 16_000.0;
        let phase = std::f64::consts::TAU * (300.0 * t + 8_000.0 * t * t);
        (0.6 * phase.sin() + noise) as f32
    };
    (0..2_720).map(sample).collect()
}

#[test]
fn agrees_with_tf_signal() {
    let golden: Vec<Vec<f32>> =
        include_str!("golden.csv").lines().map(|row| row.split(',').map(|value| value.parse().unwrap()).collect()).collect();
    let power = MfccConfig::keyword();
    let magnitude = MfccConfig { spectrum: Spectrum::Magnitude, cosine_scale: CosineScale::TensorFlow, ..MfccConfig::keyword() };
    for (config, columns) in [(power, 0..10), (magnitude, 10..20)] {
        let expected: Vec<f32> = golden.iter().flat_map(|row| row[columns.clone()].to_vec()).collect();
        let difference = largest_difference(&Mfcc::new(config).unwrap().coefficients(&noisy_sweep()), &expected);
        assert!(difference < 1e-4, "columns {columns:?}: {difference}");
    }
}

#[test]
fn agrees_with_librosa() {
    let text = include_str!("librosa_golden.csv");
    let expected: Vec<f32> = text.lines().flat_map(|row| row.split(',').map(|value| value.parse().unwrap())).collect();
    let stage = "log-mel:frame=32,step=20,centre=on,mels=40,low=20,high=4000,mel=librosa,log=db,offset=1e-10";
    let sound = Signal::sound(16_000, noisy_sweep());
    let found = Pipeline::parse(&[stage]).unwrap().features(&sound, &Cancel::new()).unwrap().remove(0);
    assert_eq!(found.shape(), [9, 40, 1]);
    let difference = largest_difference(&found.values, &expected);
    assert!(difference < 1e-3, "{difference} dB");
}

/// Bytes of an array in an .npz file, behind the array's header.
fn npz_bytes(archive: &mut zip::ZipArchive<std::fs::File>, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes[6], 1, "npy version 1");
    let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes.split_off(10 + header_len)
}

#[test]
fn agrees_with_recorded_features_of_speech() {
    const NAME_LEN: usize = 17;
    let (Some(set), Some(folder)) = (shared("data/models/fsdd_dscnn/fsdd_dscnn_data.npz"), shared("data/audio/fsdd")) else {
        return;
    };
    let config = MfccConfig { rate_hz: 8_000.0, frame_len: 320, frame_step: 160, mel_high_hz: 4_000.0, ..MfccConfig::keyword() };
    let mut mfcc = Mfcc::new(config).unwrap();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(set).unwrap()).unwrap();
    let files = npz_bytes(&mut archive, "files");
    let features: Vec<f32> = npz_bytes(&mut archive, "x").as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();

    let (mut n_clips, mut worst) = (0, 0.0_f32);
    for (name, expected) in files.chunks_exact(4 * NAME_LEN).zip(features.chunks_exact(49 * 10)) {
        let name: String = name.as_chunks().0.iter().filter_map(|&c| char::from_u32(u32::from_le_bytes(c))).collect();
        let path = folder.join(name.trim_end_matches('\0'));
        if !path.is_file() {
            continue; // A training clip: its recording is not part of the data.
        }
        let sound = read_wav(&path).unwrap();
        assert_eq!(sound.rate_hz, 8_000);
        let coefficients = mfcc.coefficients(&fit_clip(&sound.mono(), 8_000));
        worst = worst.max(largest_difference(&coefficients, expected));
        n_clips += 1;
    }
    assert_eq!(n_clips, 360);
    assert!(worst < 1e-3, "largest difference {worst}");
}

#[test]
fn clips_are_centred() {
    assert_eq!(fit_clip(&[1.0, 2.0], 5), [0.0, 1.0, 2.0, 0.0, 0.0]);
    assert_eq!(fit_clip(&[1.0, 2.0, 3.0, 4.0], 1), [2.0]);
    assert_eq!(fit_clip(&[], 2), [0.0, 0.0]);
    assert!(fit_clip(&[1.0], 0).is_empty());
}

#[test]
fn short_and_silent_clips_are_finite() {
    let mut mfcc = Mfcc::new(MfccConfig::keyword()).unwrap();
    assert!(mfcc.coefficients(&[0.5; 479]).is_empty());
    let silence = mfcc.coefficients(&[0.0; 16_000]);
    assert_eq!(silence.len(), 49 * 10);
    // Every band is ln(1e-6), so coefficient 0 is that times sqrt(40) and the others vanish.
    assert!((silence[0] - (1e-6_f32).ln() * 40_f32.sqrt()).abs() < 1e-3);
    assert!(silence[1].abs() < 1e-3);
}

#[test]
fn impossible_settings_are_named() {
    type Spoil = fn(&mut MfccConfig);
    let spoiled: [(&str, Spoil); 9] = [
        ("rate_hz", |c| c.rate_hz = 0.0),
        ("fft_len", |c| c.fft_len = usize::MAX),
        ("fft_len", |c| c.fft_len = 511),
        ("frame_len", |c| c.frame_len = 513),
        ("frame_step", |c| c.frame_step = 0),
        ("n_mels", |c| c.n_mels = 0),
        ("n_coefficients", |c| c.n_coefficients = 41),
        ("mel_high_hz", |c| c.mel_high_hz = 8_001.0),
        ("mel_low_hz", |c| c.mel_low_hz = f32::NAN),
    ];
    for (name, spoil) in spoiled {
        let mut config = MfccConfig::keyword();
        spoil(&mut config);
        let Err(FeatureError::Setting { field, .. }) = Mfcc::new(config) else { panic!("{name} was accepted") };
        assert_eq!(field, name);
    }
}

#[test]
fn the_samples_clips_give_the_samples_features() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/keyword");
    let set = crate::data::open(&sample.join("keyword.npz")).unwrap();
    let crate::data::Values::F32(values) = &set.values else { panic!("expected real numbers") };
    let labels = set.labels.as_deref().unwrap();
    let test_rows = set.samples_of(Some(crate::data::Split::Test)).unwrap();

    let mut mfcc = Mfcc::new(MfccConfig::keyword()).unwrap();
    assert_eq!(set.label_names.len(), 12);
    for (label, name) in set.label_names.iter().enumerate() {
        let sound = read_wav(&sample.join(format!("clips/{name}.wav"))).unwrap();
        let coefficients = mfcc.coefficients(&fit_clip(&sound.mono(), 16_000));
        // The clips are the first test sample of each label.
        let row = test_rows.iter().copied().find(|&row| labels[row] as usize == label).unwrap();
        let recorded = &values[row * set.sample_len()..][..set.sample_len()];
        // Not equal: sums of floats differ from one processor's vector width to the next.
        let difference = largest_difference(&coefficients, recorded);
        assert!(difference < 1e-3, "{name}: {difference}");
    }
}
