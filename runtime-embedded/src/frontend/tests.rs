use super::*;

extern crate std;
use std::vec;
use std::vec::Vec;

fn unit(angle: f64) -> Complex16 {
    let part = |x: f64| (0.5 + 32_767.0 * x).floor() as i16;
    Complex16 { re: part(angle.cos()), im: part(angle.sin()) }
}

fn twiddles(fft_len: usize) -> (Vec<Complex16>, Vec<Complex16>) {
    let n = fft_len / 2;
    let all = (0..n).map(|k| unit(-2.0 * std::f64::consts::PI * k as f64 / n as f64)).collect();
    let real = (0..n / 2).map(|k| unit(-std::f64::consts::PI * ((k + 1) as f64 / n as f64 + 0.5))).collect();
    (all, real)
}

#[test]
fn a_tone_lies_in_its_bin() {
    for fft_len in [2_usize, 8, 128, 256, 512, 1024] {
        let (all, real) = twiddles(fft_len);
        let bin = fft_len / 8;
        let sample = |n: usize| (16_000.0 * (2.0 * std::f64::consts::PI * (bin * n) as f64 / fft_len as f64).cos()) as i16;
        let input: Vec<_> = (0..fft_len / 2).map(|k| Complex16 { re: sample(2 * k), im: sample(2 * k + 1) }).collect();
        let mut spectrum = vec![Complex16::default(); fft_len / 2 + 1];
        fft::real_transform(&input, &mut spectrum, &all, &real);
        let power = |x: &Complex16| i64::from(x.re).pow(2) + i64::from(x.im).pow(2);
        let loudest = (0..spectrum.len()).max_by_key(|&k| power(&spectrum[k]));
        assert_eq!(loudest, Some(bin), "{fft_len}");
        // The transform is divided by its length: half the amplitude is left, as the other half is at the negative frequency.
        let expected = if bin == 0 { 16_000 } else { 8_000 };
        assert!((i32::from(spectrum[bin].re) - expected).abs() < 50, "{fft_len}: {:?}", spectrum[bin]);
    }
}

#[test]
fn roots_are_the_nearest() {
    for x in [0_u64, 1, 2, 3, 6, 7, 1 << 20, (1 << 20) + 1025, u64::from(u32::MAX), 1 << 32, 987_654_321_987] {
        let real = (x as f64).sqrt().round() as u64;
        let largest = if x >> 32 == 0 { 65_535 } else { u64::from(u32::MAX) };
        assert_eq!(u64::from(bands::square_root(x)), real.min(largest), "{x}");
    }
    assert_eq!(bands::square_root(u64::MAX), u32::MAX);
}

#[test]
fn logarithms_are_right_to_a_step() {
    for x in [2_u32, 3, 5, 100, 1000, 65_535, 65_536, 1 << 24, (1 << 28) + 12_345] {
        let expected = (f64::from(x).ln() * 64.0).round();
        let found = f64::from(reduction::logarithm(x, 0, 6));
        assert!((found - expected).abs() <= 1.0, "{x}: {found}, expected {expected}");
    }
    assert_eq!((reduction::logarithm(1, 0, 6), reduction::logarithm(0, 3, 6), reduction::logarithm(7, -3, 6)), (0, 0, 0));
}

#[test]
fn what_does_not_fit_is_refused() {
    let (all, real) = twiddles(8);
    let bands = [Band { first_bin: 1, first_weight: 0, len: 2 }, Band { first_bin: 3, first_weight: 0, len: 2 }];
    let weights = [Weight { this: 2048, next: 2048 }; 2];
    let noise = NoiseReduction { smoothing_bits: 10, even_smoothing: 400, odd_smoothing: 983, min_signal_remaining: 819 };
    let tables = Tables {
        window: &[4096; 8],
        twiddles: &all,
        real_twiddles: &real,
        bands: &bands,
        weights: &weights,
        noise,
        gain: None,
        log_shift: Some(6),
    };
    let run = |tables: &Tables<'_>, n_samples: usize, n_out: usize| {
        let (mut input, mut spectrum, mut estimates) = ([Complex16::default(); 4], [Complex16::default(); 5], [0; 1]);
        let mut memory = Memory { input: &mut input, spectrum: &mut spectrum, estimates: &mut estimates };
        frame(tables, &mut memory, &vec![1000; n_samples], &mut vec![0; n_out])
    };
    assert_eq!(run(&tables, 8, 1), Ok(()));
    assert_eq!(run(&tables, 7, 1), Err(Misfit));
    assert_eq!(run(&tables, 8, 2), Err(Misfit));
    let beyond = [bands[0], Band { first_bin: 4, ..bands[1] }];
    assert_eq!(run(&Tables { bands: &beyond, ..tables }, 8, 1), Err(Misfit));
    assert_eq!(run(&Tables { bands: &[], ..tables }, 8, 0), Ok(()));
    assert_eq!(run(&Tables { twiddles: &[], ..tables }, 8, 1), Err(Misfit));
}
