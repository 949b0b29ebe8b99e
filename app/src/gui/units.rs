//! Figures as people read them: the same units and separators everywhere.
//!
//! 1 KB is 1,024 bytes. A figure that does not exist is [`NONE`], with the reason on hover.

use std::time::Duration;

/// Stands for a figure that does not exist yet.
pub const NONE: &str = "–";

/// A figure and its unit, to be set in different sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Digits: `19.4`.
    pub number: String,
    /// `KB`; empty for plain counts.
    pub unit: &'static str,
}

impl Figure {
    fn new(number: String, unit: &'static str) -> Self {
        Self { number, unit }
    }

    /// Number and unit with a space between, if there is a unit.
    pub fn joined(&self) -> String {
        if self.unit.is_empty() { self.number.clone() } else { format!("{} {}", self.number, self.unit) }
    }
}

/// Bytes in B, KB or MB: `504 B`, `19.4 KB`, `1.21 MB`.
pub fn bytes(n: u64) -> Figure {
    scaled(n as f64, &[(1.0, "B"), (1024.0, "KB"), (1024.0 * 1024.0, "MB")])
}

/// A figure without needless decimals, for marks on an axis: `16 KB`, `10 k`.
pub fn short(figure: &Figure) -> String {
    let number = figure.number.as_str();
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    Figure::new(number.to_owned(), figure.unit).joined()
}

/// Multiply-accumulates: `672`, `288 k`, `2.66 M`.
pub fn count(n: u64) -> Figure {
    scaled(n as f64, &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")])
}

/// Microseconds in us, ms or s.
pub fn microseconds(us: f64) -> Figure {
    scaled(us, &[(1.0, "µs"), (1e3, "ms"), (1e6, "s")])
}

/// Microjoules in uJ, mJ or J.
pub fn microjoules(uj: f64) -> Figure {
    scaled(uj, &[(1.0, "µJ"), (1e3, "mJ"), (1e6, "J")])
}

/// A fraction in percent, one decimal.
pub fn percent(fraction: f64) -> Figure {
    Figure::new(format!("{:.1}", fraction * 100.0), "%")
}

/// `value` in the unit of `like`, so that two figures can be compared by eye: `98.6 → 19.4 KB`. Falls back to a unit of its own
/// if it would read as zero.
pub fn in_unit_of(value: f64, like: &Figure) -> String {
    let divisor = match like.unit {
        "KB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        "k" | "ms" | "mJ" => 1e3,
        "M" | "s" | "J" => 1e6,
        "G" => 1e9,
        _ => 1.0,
    };
    three_digits(value / divisor)
}

/// How long something has gone on: `5 s`, `4 min 12 s`, `2 h 1 min`.
pub fn duration(of: Duration) -> String {
    let seconds = of.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

/// A whole number with separators: `19,864`.
pub fn exact(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A shape as people write it: `25×5×56`, without the batch axis.
pub fn shape(shape: &[usize]) -> String {
    let inner = if shape.len() > 1 { &shape[1..] } else { shape };
    if inner.is_empty() {
        return "scalar".to_owned();
    }
    inner.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// A real number of any size in four characters or so: `0.0189`, `6.41`, `128`, `1.2e-7`.
pub fn real(x: f64) -> String {
    let a = x.abs();
    if !x.is_finite() {
        x.to_string()
    } else if a == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e6).contains(&a) {
        format!("{x:.1e}")
    } else if a < 0.1 {
        format!("{x:.4}")
    } else if a < 100.0 {
        format!("{x:.2}")
    } else {
        format!("{x:.0}")
    }
}

/// A mark on an axis whose marks are `step` apart, with just the decimals that tell them apart.
pub fn tick(x: f64, step: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&step) {
        return format!("{x:.0e}");
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{x:.decimals$}")
}

fn scaled(value: f64, units: &[(f64, &'static str)]) -> Figure {
    // 0.9995 of the next unit already rounds up to it.
    let (divisor, unit) = *units.iter().rev().find(|(d, _)| value >= d * 0.9995).unwrap_or(&units[0]);
    let plain = divisor == 1.0 && value.fract() == 0.0;
    Figure::new(if plain { format!("{value:.0}") } else { three_digits(value / divisor) }, unit)
}

/// Three significant digits, never more decimals than two; thousands are separated.
fn three_digits(x: f64) -> String {
    match x.abs() {
        a if a >= 999.5 => exact(x.round() as u64),
        a if a >= 99.95 => format!("{x:.0}"),
        a if a >= 9.995 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(bytes(504).joined(), "504 B");
        assert_eq!(bytes(19_864).joined(), "19.4 KB");
        assert_eq!(bytes(1024 * 1024 - 1).joined(), "1.00 MB");
        assert_eq!([16_384, 100, 1_536].map(|n| short(&bytes(n))), ["16 KB", "100 B", "1.5 KB"]);
        assert_eq!(count(2_656_768).joined(), "2.66 M");
        assert_eq!(count(672).joined(), "672");
        assert_eq!(microseconds(8_400.0).joined(), "8.40 ms");
        assert_eq!(percent(0.9133).joined(), "91.3 %");
        assert_eq!(exact(1_234_567), "1,234,567");
        assert_eq!(exact(12), "12");
    }

    #[test]
    fn baseline_takes_the_unit_of_the_candidate() {
        assert_eq!(in_unit_of(100_966.0, &bytes(19_864)), "98.6");
    }

    #[test]
    fn durations_are_read_in_their_own_units() {
        let words = [5, 252, 7300].map(|s| duration(Duration::from_secs(s)));
        assert_eq!(words, ["5 s", "4 min 12 s", "2 h 1 min"]);
    }
}
