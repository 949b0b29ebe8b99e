//! Butterworth filters as second-order sections, designed and run in double precision.
//!
//! Agrees with `scipy.signal.butter(…, output="sos")`, `sosfilt` and `sosfiltfilt` (the order of the sections apart, which changes
//! nothing but rounding).
//!
//! ```text
//! analogue prototype        to the band           bilinear            pairs of zeros and poles
//! poles on the unit   ─▶   low, high or     ─▶   s to z at     ─▶   sections b0 b1 b2 / 1 a1 a2
//! circle's left half        band-pass             twice the rate
//! ```

use std::f64::consts::PI;

use realfft::num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// Which frequencies pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Band {
    /// Those below the upper cut.
    LowPass,
    /// Those above the lower cut.
    HighPass,
    /// Those between the cuts.
    BandPass,
}

/// One section: `y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// Coefficients of the input.
    pub b: [f64; 3],
    /// Coefficients of the output, `[1, a1, a2]`.
    pub a: [f64; 3],
}

/// A filter: sections one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Sections(pub Vec<Section>);

/// What a section remembers from one sample to the next (transposed direct form II).
type State = [f64; 2];

impl Sections {
    /// A Butterworth filter of `order` (a band-pass has twice as many poles) with its cuts as fractions of half the rate, both in
    /// (0, 1); a low-pass uses the second, a high-pass the first.
    ///
    /// Source: the prototype's poles `exp(i pi (2k + n + 1) / 2n)`, the usual band transformations and the bilinear transform, as
    /// in any textbook on digital filters.
    pub fn butterworth(band: Band, order: u32, cuts: (f64, f64)) -> Self {
        const TWICE_RATE: f64 = 4.0;
        let warped = |cut: f64| TWICE_RATE * (PI * cut / 2.0).tan();
        let (low, high) = (warped(cuts.0), warped(cuts.1));
        let n = f64::from(order);
        let prototype = (0..order).map(|k| Complex64::from_polar(1.0, PI * (2.0 * f64::from(k) + n + 1.0) / (2.0 * n)));
        // How many zeros lie at z = 1 and how many at -1; the frequency at which the gain is one.
        let (poles, at_one, at_minus_one): (Vec<Complex64>, usize, usize) = match band {
            Band::LowPass => (prototype.map(|p| p * high).collect(), 0, order as usize),
            Band::HighPass => (prototype.map(|p| low / p).collect(), order as usize, 0),
            Band::BandPass => (prototype.flat_map(|p| band_poles(p, low, high)).collect(), order as usize, order as usize),
        };
        let digital: Vec<Complex64> = poles.iter().map(|p| (TWICE_RATE + p) / (TWICE_RATE - p)).collect();
        let unity = match band {
            Band::LowPass => Complex64::ONE,
            Band::HighPass => -Complex64::ONE,
            // Analogue sqrt(low * high) back on the unit circle.
            Band::BandPass => Complex64::from_polar(1.0, 2.0 * ((low * high).sqrt() / TWICE_RATE).atan()),
        };
        Self::paired(&digital, at_one, at_minus_one, unity)
    }

    /// Sections of conjugate poles with zeros at 1 and -1, so scaled that the gain at `unity` is one.
    fn paired(poles: &[Complex64], mut at_one: usize, mut at_minus_one: usize, unity: Complex64) -> Self {
        let mut zero = || {
            if at_one > at_minus_one {
                at_one -= 1;
                Some(1.0)
            } else if at_minus_one > 0 {
                at_minus_one -= 1;
                Some(-1.0)
            } else {
                None
            }
        };
        let mut sections: Vec<Section> = denominators(poles)
            .into_iter()
            .map(|a| {
                let zeros = [zero(), (a[2] != 0.0).then(&mut zero).flatten()];
                let b = zeros.into_iter().flatten().fold([1.0, 0.0, 0.0], |b, z| [b[0], b[1] - z * b[0], b[2] - z * b[1]]);
                Section { b, a }
            })
            .collect();
        // Each section has gain one there: no section in between grows out of range.
        for section in &mut sections {
            let gain = section.response(unity).norm();
            section.b = section.b.map(|b| b / gain);
        }
        Self(sections)
    }

    /// Filters forwards, as a device does: the output at an instant knows only what came before. Starts at rest.
    pub fn causal(&self, samples: &[f64]) -> Vec<f64> {
        self.run(samples, vec![[0.0; 2]; self.0.len()])
    }

    /// Filters forwards and backwards: no delay, twice the attenuation. Both ends are continued by point reflection, as far as
    /// `scipy.signal.sosfiltfilt` does, but no further than there are samples.
    pub fn zero_phase(&self, samples: &[f64]) -> Vec<f64> {
        let n = samples.len();
        if n < 2 {
            return samples.to_vec();
        }
        let pad = self.reflected().min(n - 1);
        let (first, last) = (samples[0], samples[n - 1]);
        let mut long: Vec<f64> = (1..=pad).rev().map(|i| 2.0 * first - samples[i]).collect();
        long.extend_from_slice(samples);
        long.extend((1..=pad).map(|i| 2.0 * last - samples[n - 1 - i]));
        for _ in 0..2 {
            let start = long[0];
            long = self.run(&long, self.settled().iter().map(|state| state.map(|x| x * start)).collect());
            long.reverse();
        }
        long[pad..pad + n].to_vec()
    }

    /// Samples by which [`Sections::zero_phase`] continues either end.
    fn reflected(&self) -> usize {
        let lost = |of: fn(&Section) -> f64| self.0.iter().filter(|section| of(section) == 0.0).count();
        3 * (2 * self.0.len() + 1 - lost(|section| section.b[2]).min(lost(|section| section.a[2])))
    }

    fn run(&self, samples: &[f64], mut states: Vec<State>) -> Vec<f64> {
        let step = |x: f64, (section, state): (&Section, &mut State)| section.step(state, x);
        samples.iter().map(|&x| self.0.iter().zip(&mut states).fold(x, step)).collect()
    }

    /// States after an endless input of ones.
    fn settled(&self) -> Vec<State> {
        let mut level = 1.0;
        let settle = |section: &Section| {
            let output = level * section.b.iter().sum::<f64>() / section.a.iter().sum::<f64>();
            let second = section.b[2] * level - section.a[2] * output;
            let first = section.b[1] * level - section.a[1] * output + second;
            level = output;
            [first, second]
        };
        self.0.iter().map(settle).collect()
    }
}

impl Section {
    fn step(&self, [first, second]: &mut State, x: f64) -> f64 {
        let y = self.b[0] * x + *first;
        *first = self.b[1] * x - self.a[1] * y + *second;
        *second = self.b[2] * x - self.a[2] * y;
        y
    }

    /// `H(z)`.
    fn response(&self, z: Complex64) -> Complex64 {
        let at = |c: [f64; 3]| (z * c[0] + c[1]) * z + c[2];
        at(self.b) / at(self.a)
    }
}

/// The two poles that a prototype's pole becomes in a band-pass.
fn band_poles(pole: Complex64, low: f64, high: f64) -> [Complex64; 2] {
    let half = pole * ((high - low) / 2.0);
    let root = (half * half - low * high).sqrt();
    [half + root, half - root]
}

/// `[1, a1, a2]` of each pair of conjugate poles, of pairs of real ones, and of a real one that is left.
fn denominators(poles: &[Complex64]) -> Vec<[f64; 3]> {
    /// Below it a pole is real: nothing but rounding made the rest.
    const ROUNDING: f64 = 1e-13;
    let complex = poles.iter().filter(|pole| pole.im > ROUNDING).map(|pole| [1.0, -2.0 * pole.re, pole.norm_sqr()]);
    let mut real: Vec<f64> = poles.iter().filter(|pole| pole.im.abs() <= ROUNDING).map(|pole| pole.re).collect();
    real.sort_by(f64::total_cmp);
    let pairs = real.chunks(2).map(|pair| match *pair {
        [p, q] => [1.0, -(p + q), p * q],
        [p] => [1.0, -p, 0.0],
        _ => [1.0, 0.0, 0.0],
    });
    complex.chain(pairs).collect()
}

#[cfg(test)]
mod tests;
