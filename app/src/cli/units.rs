//! Figures as people read them: separators, units, signs.

use tinsmith_core::measure::Estimate;

/// Thousands separated by commas: `2,656,768`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes: `19.4 KB (19,864 bytes)`; 1 KB is 1,024 bytes.
pub fn bytes(n: u64) -> String {
    if n < 1024 { format!("{n} bytes") } else { format!("{:.1} KB ({} bytes)", n as f64 / 1024.0, count(n)) }
}

/// An estimate in milli-units with its interval: `8.4 (6.5 to 10.3) ms`.
pub fn milli(estimate: &Estimate, unit: &str) -> String {
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|v| significant(v / 1000.0));
    format!("{value} ({low} to {high}) {unit}")
}

/// Hours: `31 h`, `9 days`.
pub fn hours(hours: f64) -> String {
    if hours < 72.0 { format!("{hours:.0} h") } else { format!("{:.0} days", hours / 24.0) }
}

/// A share in percent: `91.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// Three significant digits, without an exponent.
fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(count(2_656_768), "2,656,768");
        assert_eq!(count(999), "999");
        assert_eq!(bytes(19_864), "19.4 KB (19,864 bytes)");
        let estimate = Estimate { value: 8400.0, low: 6500.0, high: 10_300.0, source: "test".into() };
        assert_eq!(milli(&estimate, "ms"), "8.40 (6.50 to 10.3) ms");
    }
}
