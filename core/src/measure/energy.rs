//! Energy of one inference: the board's active power times the latency.
//!
//! Published runs show that the power of a board hardly depends on the model (within 10 % over the four MLPerf Tiny tasks), but
//! on supply and board by up to 1.7. Sleep between inferences, sensors and radio are not in it.

use super::Estimate;
use super::device::Power;

/// Microjoules: latency in microseconds times power in milliwatts, over 1000.
///
/// The two intervals are taken as independent: their relative widths add as squares, in logarithms.
pub fn energy(latency_us: &Estimate, power: &Power) -> Estimate {
    let value = latency_us.value * power.mw / 1e3;
    let width = |latency: f64, power: f64| (latency.ln().powi(2) + power.ln().powi(2)).sqrt().exp();
    let (low, high) = if value > 0.0 {
        let down = width(latency_us.value / latency_us.low, power.mw / power.low_mw);
        let up = width(latency_us.high / latency_us.value, power.high_mw / power.mw);
        (value / down, value * up)
    } else {
        (value, value)
    };
    Estimate { value, low, high, source: format!("{} mW ({}). {}", power.mw, power.source, latency_us.source).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliwatts_times_microseconds() {
        let latency = Estimate { value: 10_000.0, low: 5_000.0, high: 20_000.0, source: "".into() };
        let power = Power { mw: 50.0, low_mw: 50.0, high_mw: 50.0, source: "meter".into() };
        let energy = energy(&latency, &power);
        assert_eq!(energy.value, 500.0);
        assert!((energy.low - 250.0).abs() < 1e-9 && (energy.high - 1000.0).abs() < 1e-9);
    }
}
