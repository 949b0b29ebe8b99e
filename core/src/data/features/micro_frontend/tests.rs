use super::*;

/// The sound of `golden.py`.
fn sound() -> Vec<i16> {
    let (mut state, mut phase) = (1_u64, 0_i64);
    let sample = |n: i64| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        phase = (phase + 800 + n / 2) % 65_536;
        let triangle = (phase - 32_768).abs() - 16_384;
        let noise = (state >> 16) as i64 % 2_001 - 1_000;
        ((triangle * (1 + n / 800 % 8)).div_euclid(8) + noise) as i16
    };
    (0..6_400).map(sample).collect()
}

#[test]
fn agrees_with_tensorflow() {
    let keyword = MicroFrontendConfig::default();
    let plain = MicroFrontendConfig { frame_ms: 25.0, step_ms: 25.0, channels: 32, gain: false, log: false, ..keyword.clone() };
    let slow = MicroFrontendConfig {
        frame_ms: 64.0,
        step_ms: 60.0,
        channels: 24,
        low_hz: 60.0,
        high_hz: 3_800.0,
        even_smoothing: 0.1,
        odd_smoothing: 0.02,
        min_signal: 0.2,
        gain_strength: 0.6,
        gain_offset: 40.0,
        log_shift: 8,
        ..keyword.clone()
    };
    for (name, config, rate_hz) in [("keyword", keyword, 16_000), ("plain", plain, 16_000), ("slow", slow, 8_000)] {
        let rows = include_str!("golden.csv").lines().filter_map(|row| row.strip_prefix(name)?.strip_prefix(','));
        let expected: Vec<u16> = rows.flat_map(|row| row.split(',').map(|x| x.parse().unwrap())).collect();
        let found = MicroFrontend::new(&config, rate_hz).unwrap().features(&sound());
        assert!(!expected.is_empty());
        assert_eq!(found.len(), expected.len(), "{name}");
        let differ = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        let largest = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert_eq!((differ, largest), (0, Some(0)), "{name}");
    }
}

#[test]
fn what_does_not_do_at_this_rate_is_said() {
    let config = MicroFrontendConfig::default();
    let error = |config: &MicroFrontendConfig, rate_hz| MicroFrontend::new(config, rate_hz).err().unwrap();
    assert!(error(&config, 8_000).contains("<= 4000 Hz"));
    assert!(error(&MicroFrontendConfig { frame_ms: 1_000.0, ..config.clone() }, 48_000).contains("16384"));
    assert!(MicroFrontend::new(&config, 16_000).unwrap().features(&[0; 100]).is_empty());
}
