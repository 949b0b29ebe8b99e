use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;

use super::*;
use crate::test_data::shared;

/// Bytes of a WAV file as another program writes them; integer samples scaled to `bits`.
fn written_by_hound(n_channels: u16, bits: u16, samples: &[i32]) -> Vec<u8> {
    let spec = WavSpec { channels: n_channels, sample_rate: 16_000, bits_per_sample: bits, sample_format: SampleFormat::Int };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for &sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

#[test]
fn every_width_reads_back() {
    for bits in [8_u16, 16, 24, 32] {
        let top = ((1_i64 << (bits - 1)) - 1) as i32;
        let samples = [0, top, -top - 1, top / 2 + 1, -1, 1];
        let sound = sound_from_wav(&written_by_hound(2, bits, &samples)).unwrap();
        assert_eq!((sound.rate_hz, sound.n_channels), (16_000, 2));
        let full_scale = f64::from(top) + 1.0;
        let expected: Vec<f32> = samples.iter().map(|&s| (f64::from(s) / full_scale) as f32).collect();
        assert_eq!(sound.samples, expected, "{bits} bits");
        assert_eq!(sound.mono()[0], (expected[0] + expected[1]) / 2.0);
    }
}

#[test]
fn a_cut_file_says_how_much_is_there() {
    let bytes = written_by_hound(1, 16, &[1, 2, 3, 4]);
    let problem = sound_from_wav(&bytes[..bytes.len() - 3]).unwrap_err();
    assert!(matches!(problem, WavProblem::CutOff { present: 5, declared: 8 }), "{problem}");
}

#[test]
fn compressed_sound_is_refused_by_name() {
    let mut bytes = written_by_hound(1, 16, &[1, 2]);
    bytes[20] = 7;
    assert_eq!(
        sound_from_wav(&bytes).unwrap_err().to_string(),
        "format 0x0007 (mu-law) is not supported; convert the file to 16-bit PCM"
    );
}

#[test]
fn malformed_files_are_refused() {
    let Some(folder) = shared("data/malformed") else { return };
    let expectations = std::fs::read_to_string(folder.join("expect.csv")).unwrap();
    let mut n_files = 0;
    for line in expectations.lines().filter(|line| line.contains(".wav,")) {
        let [name, expect, what] = line.splitn(3, ',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let result = read_wav(&folder.join(name));
        match (expect, what.contains("sound:")) {
            ("reject", _) => {
                let message = result.expect_err(name).to_string();
                assert!(message.contains(name) && !message.contains('\n'), "{message}");
            }
            (_, true) => assert!(!result.expect(name).samples.is_empty(), "{name}"),
            _ => drop(result),
        }
        n_files += 1;
    }
    assert_eq!(n_files, 18);
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(
        samples in proptest::collection::vec(-32_768..32_767_i32, 0..40),
        damage in proptest::collection::vec((0..100_usize, any::<u8>()), 0..6),
        kept in 0..140_usize,
    ) {
        let mut bytes = written_by_hound(1, 16, &samples);
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(kept);
        if let Ok(sound) = sound_from_wav(&bytes) {
            prop_assert!(sound.samples.len() <= bytes.len());
            prop_assert!(sound.rate_hz > 0 && sound.n_channels > 0);
        }
    }
}
