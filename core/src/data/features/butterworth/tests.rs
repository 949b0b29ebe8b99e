use super::*;

/// The noise of `golden.py`.
fn noise() -> Vec<f64> {
    let mut state = 1_u64;
    let sample = |_| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        state as f64 / (1_u64 << 31) as f64 - 0.3
    };
    (0..80).map(sample).collect()
}

#[test]
fn agrees_with_scipy() {
    for row in include_str!("golden.csv").lines() {
        let cells: Vec<&str> = row.split(',').collect();
        let [kind, order, low, high, way, expected @ ..] = cells.as_slice() else { panic!("{row}") };
        let band = match *kind {
            "lowpass" => Band::LowPass,
            "highpass" => Band::HighPass,
            _ => Band::BandPass,
        };
        let cuts = (low.parse().unwrap(), high.parse().unwrap());
        let filter = Sections::butterworth(band, order.parse().unwrap(), cuts);
        let found = if *way == "causal" { filter.causal(&noise()) } else { filter.zero_phase(&noise()) };
        let expected: Vec<f64> = expected.iter().map(|x| x.parse().unwrap()).collect();
        assert_eq!(found.len(), expected.len());
        let difference = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(difference < 1e-9, "{kind} {order} {low} {high} {way}: {difference}");
    }
}

#[test]
fn the_cut_is_at_half_the_power() {
    let gain = |filter: &Sections, cut: f64| {
        let z = Complex64::from_polar(1.0, PI * cut);
        filter.0.iter().map(|section| section.response(z).norm()).product::<f64>()
    };
    for order in 1..=8 {
        for (band, at) in [(Band::LowPass, vec![0.4]), (Band::HighPass, vec![0.1]), (Band::BandPass, vec![0.1, 0.4])] {
            let filter = Sections::butterworth(band, order, (0.1, 0.4));
            for cut in at {
                assert!((gain(&filter, cut) - 0.5_f64.sqrt()).abs() < 1e-9, "{band:?}, order {order}");
            }
        }
    }
}

#[test]
fn a_short_sound_keeps_its_length() {
    let filter = Sections::butterworth(Band::LowPass, 4, (0.1, 0.2));
    for n in 0..5 {
        let samples = vec![1.0; n];
        assert_eq!((filter.causal(&samples).len(), filter.zero_phase(&samples).len()), (n, n));
        // What does not change passes: there is nothing to settle.
        assert!(filter.zero_phase(&samples).iter().all(|x| (x - 1.0).abs() < 1e-9));
    }
}
