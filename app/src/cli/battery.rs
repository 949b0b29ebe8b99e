//! How long a battery lasts, as `tinsmith run` prints it.

use clap::Args;
use serde_json::{Value, json};
use tinsmith_core::measure::StaticFigures;
use tinsmith_core::measure::battery::battery;
use tinsmith_core::measure::device::Device;

use super::inspect::estimate_json;
use super::units::{hours, percent};

/// What a board listens on, and how often it runs its model.
#[derive(Clone, Copy, Debug, Args)]
pub struct BatteryOptions {
    /// Estimate how long a battery of so many milliampere hours lasts, without sensors and radio
    #[arg(long = "battery", value_name = "MAH", value_parser = capacity)]
    capacity_mah: Option<f64>,
    /// For --battery: from one run of the model to the next, milliseconds
    #[arg(long = "stride", value_name = "MS", default_value = "100", value_parser = stride, requires = "capacity_mah")]
    stride_ms: f64,
}

fn capacity(text: &str) -> Result<f64, String> {
    let mah = text.parse().ok().filter(|mah| (1.0..=1e6).contains(mah));
    mah.ok_or_else(|| "expected milliampere hours from 1 to 1000000".to_owned())
}

fn stride(text: &str) -> Result<f64, String> {
    let ms = text.parse().ok().filter(|ms| (1.0..=1e9).contains(ms));
    ms.ok_or_else(|| "expected milliseconds from 1, such as 100".to_owned())
}

impl BatteryOptions {
    /// Lines of a report; none if nobody asked.
    pub fn lines(&self, device: &Device, figures: &StaticFigures) -> String {
        let Some(capacity_mah) = self.capacity_mah else { return String::new() };
        let Some(power) = &device.active_power else {
            return format!("battery     – (no power figure with a source is known of {})\n", device.name);
        };
        let busy = figures.busy(self.stride_ms);
        let of = battery(capacity_mah, power, busy.unwrap_or(1.0));
        let (awake, current) = (&of.awake_h, &of.current_ma);
        let mut text = format!(
            "battery     {capacity_mah} mAh last {} ({} to {}) if the board never sleeps, at {:.1} ({:.1} to {:.1}) mA, estimate: {}\n",
            hours(awake.value),
            hours(awake.low),
            hours(awake.high),
            current.value,
            current.low,
            current.high,
            awake.source,
        );
        match busy {
            Some(busy) if busy < 1.0 => text.push_str(&format!(
                "            at most {} with sleep between runs every {} ms, as if it took no power: it computes for {} of the time\n",
                hours(of.most_h),
                self.stride_ms,
                percent(busy),
            )),
            Some(_) => text.push_str(&format!("            every {} ms is more often than it can run\n", self.stride_ms)),
            None => {}
        }
        text
    }

    /// The same for programs; null if nobody asked, or nothing is known.
    pub fn json(&self, device: &Device, figures: &StaticFigures) -> Value {
        let Some((capacity_mah, power)) = self.capacity_mah.zip(device.active_power.as_ref()) else { return Value::Null };
        let busy = figures.busy(self.stride_ms);
        let of = battery(capacity_mah, power, busy.unwrap_or(1.0));
        json!({
            "capacity_mah": capacity_mah, "stride_ms": self.stride_ms, "busy": busy, "current_ma": estimate_json(Some(&of.current_ma)),
            "awake_hours": estimate_json(Some(&of.awake_h)), "most_hours": busy.map(|_| of.most_h),
        })
    }
}
