//! Boards: what they hold, how fast their software computes, what they draw. One `.ron` file each, in `assets/devices`.
//!
//! A profile states figures with their sources, nothing else; estimates are made of them in [`super::latency`] and
//! [`super::energy`]. A user's own board is a file of the same form, read with [`Device::from_ron`].

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::arena::Abi;

/// The profiles that come with the program; to add one, add its file and a line here.
const PROFILES: &[&str] = &[
    include_str!("../../../assets/devices/esp32-s3.ron"),
    include_str!("../../../assets/devices/esp32.ron"),
    include_str!("../../../assets/devices/esp32-c3.ron"),
    include_str!("../../../assets/devices/nano33ble.ron"),
    include_str!("../../../assets/devices/rp2040.ron"),
    include_str!("../../../assets/devices/stm32f446.ron"),
    include_str!("../../../assets/devices/stm32h7a3.ron"),
    include_str!("../../../assets/devices/stm32l4r5.ron"),
];

/// A board with a microcontroller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Short name for files and the command line: `esp32-s3`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The processor.
    pub core: Core,
    /// Clock that the rates and the power are meant for.
    pub clock_mhz: f64,
    /// Flash of the board.
    pub flash_bytes: u64,
    /// Internal RAM.
    pub ram_bytes: u64,
    /// External RAM, slow.
    pub psram_bytes: Option<u64>,
    /// Where the memory sizes come from.
    pub source: String,
    /// Power while it computes; `None` if no figure with a source was found.
    pub active_power: Option<Power>,
    /// Plain C on floats, which features are made with; `None` to take the float kernels of the preferred software.
    #[serde(default)]
    pub float_code: Option<FloatCode>,
    /// Software that runs models on it, the preferred first.
    pub stacks: Vec<Stack>,
}

/// A processor core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Core {
    /// Arm, no DSP instructions, no floating point.
    CortexM0Plus,
    /// Arm with DSP instructions and single precision.
    CortexM4F,
    /// Arm, two instructions at once, single or double precision.
    CortexM7,
    /// Arm v8-M with DSP instructions and single precision.
    CortexM33,
    /// RISC-V with multiplication, no floating point.
    RiscV32,
    /// Tensilica of the ESP32, single precision.
    XtensaLx6,
    /// Tensilica of the ESP32-S3, single precision, 128-bit vectors of integers.
    XtensaLx7,
}

impl Core {
    /// How its compilers lay out structures.
    pub fn abi(self) -> Abi {
        match self {
            Self::CortexM0Plus | Self::CortexM4F | Self::CortexM7 | Self::CortexM33 => Abi::ARM32,
            Self::RiscV32 | Self::XtensaLx6 | Self::XtensaLx7 => Abi::OTHER32,
        }
    }
}

/// Power drawn while the processor computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// The likeliest, milliwatts.
    pub mw: f64,
    /// Lower end of what was measured.
    pub low_mw: f64,
    /// Upper end.
    pub high_mw: f64,
    /// Who measured it, and how.
    pub source: String,
}

/// Cycles of plain C in single precision: loops over arrays, as a compiler makes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FloatCode {
    /// Cycles for a multiplication with an addition.
    pub mac: f64,
    /// Cycles for an addition, a product, a move.
    pub other: f64,
    /// The true time lies between `value / spread` and `value * spread` four times out of five.
    pub spread: f64,
    /// Who measured it, and how.
    pub source: String,
}

/// A runtime with its kernels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Name for people: `TFLM + ESP-NN`.
    pub name: String,
    /// One for each arithmetic it has figures for.
    pub rates: Vec<Rate>,
}

/// Which arithmetic a rate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Arithmetic {
    /// 8-bit weights and activations.
    Int8,
    /// Single precision.
    Float32,
}

/// Cycles of one kind of arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Which arithmetic.
    pub element: Arithmetic,
    /// Cycles for a multiply-accumulate of CONV_2D.
    pub conv: f64,
    /// Of DEPTHWISE_CONV_2D.
    pub depthwise: f64,
    /// Of FULLY_CONNECTED.
    pub dense: f64,
    /// Cycles for an elementary operation of any other node.
    pub other: f64,
    /// The true latency lies between `value / spread` and `value * spread` four times out of five.
    pub spread: f64,
    /// What the figures rest on.
    pub source: String,
}

impl Stack {
    /// The rates for this arithmetic, if there are any.
    pub fn rate(&self, arithmetic: Arithmetic) -> Option<&Rate> {
        self.rates.iter().find(|r| r.element == arithmetic)
    }
}

/// Why a device profile cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeviceError {
    /// Not RON, or not this form.
    #[error("not a device profile: {0}; compare with a file in assets/devices")]
    Syntax(String),
    /// A figure that cannot be.
    #[error("device \"{id}\": {field} is {value}, expected {expected}")]
    Figure {
        /// Which device.
        id: String,
        /// Which field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What would do.
        expected: &'static str,
    },
}

impl Device {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`DeviceError`] names the place or the field.
    pub fn from_ron(text: &str) -> Result<Self, DeviceError> {
        let device: Self = ron::from_str(text).map_err(|e| DeviceError::Syntax(e.to_string()))?;
        device.check()?;
        Ok(device)
    }

    fn check(&self) -> Result<(), DeviceError> {
        let wrong = |field, value: String, expected| Err(DeviceError::Figure { id: self.id.clone(), field, value, expected });
        let positive = |field, value: f64| match value {
            v if v.is_finite() && v > 0.0 => Ok(()),
            v => wrong(field, v.to_string(), "a number above zero"),
        };
        let cited = |field, text: &str| if text.trim().is_empty() { wrong(field, "empty".into(), "a source") } else { Ok(()) };
        let name_of_file = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || !self.id.chars().all(name_of_file) {
            return wrong("id", format!("\"{}\"", self.id), "small letters, digits and hyphens");
        }
        positive("clock_mhz", self.clock_mhz)?;
        cited("source", &self.source)?;
        if let Some(power) = &self.active_power {
            positive("active_power.low_mw", power.low_mw)?;
            cited("active_power.source", &power.source)?;
            if !(power.low_mw <= power.mw && power.mw <= power.high_mw && power.high_mw.is_finite()) {
                return wrong("active_power", format!("{power:?}"), "low_mw <= mw <= high_mw");
            }
        }
        let spread_is_sound = |spread: f64| match spread {
            s if s >= 1.0 && s.is_finite() => Ok(()),
            s => wrong("spread", s.to_string(), "1 or more"),
        };
        if let Some(code) = &self.float_code {
            positive("float_code.mac", code.mac)?;
            positive("float_code.other", code.other)?;
            cited("float_code.source", &code.source)?;
            spread_is_sound(code.spread)?;
        }
        if self.stacks.is_empty() {
            return wrong("stacks", "empty".into(), "at least one");
        }
        for rate in self.stacks.iter().flat_map(|s| &s.rates) {
            let cycles = [rate.conv, rate.depthwise, rate.dense, rate.other];
            cycles.into_iter().try_for_each(|c| positive("a rate", c))?;
            cited("a rate's source", &rate.source)?;
            spread_is_sound(rate.spread)?;
        }
        Ok(())
    }

    /// The software preferred on this board.
    pub fn stack(&self) -> &Stack {
        &self.stacks[0]
    }

    /// What plain C on floats takes: as it was measured, or else as the float kernels of the preferred software, which are C too.
    /// `None` if nobody has measured either.
    pub fn float_code(&self) -> Option<FloatCode> {
        let of_kernels = || {
            let rate = self.stack().rate(Arithmetic::Float32)?;
            let source = format!("float rates of {}. {}", self.stack().name, rate.source);
            Some(FloatCode { mac: rate.dense, other: rate.other, spread: rate.spread, source })
        };
        self.float_code.clone().or_else(of_kernels)
    }
}

/// All profiles that come with the program, the usual choice first.
pub fn devices() -> &'static [Arc<Device>] {
    static DEVICES: OnceLock<Vec<Arc<Device>>> = OnceLock::new();
    let parse = |text: &&str| Arc::new(Device::from_ron(text).expect("a test reads every profile that comes with the program"));
    DEVICES.get_or_init(|| PROFILES.iter().map(parse).collect())
}

/// The profile with this id.
pub fn device(id: &str) -> Option<Arc<Device>> {
    devices().iter().find(|d| d.id == id).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_parses_and_cites_its_sources() {
        for text in PROFILES {
            Device::from_ron(text).unwrap();
        }
        let mut ids: Vec<&str> = devices().iter().map(|d| d.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), PROFILES.len());
    }

    #[test]
    fn every_file_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/devices");
        let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
        let files: Vec<_> = files.filter(|f| f.extension().is_some_and(|e| e == "ron")).collect();
        assert_eq!(files.len(), PROFILES.len());
        for file in files {
            let id = file.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(device(&id).is_some(), "{id}: the id must be the file's name");
        }
    }

    #[test]
    fn a_profile_without_a_source_is_refused() {
        let good = PROFILES[0];
        let source = good.lines().find(|l| l.starts_with("    source:")).unwrap();
        let bad = good.replace(source, "    source: \" \",");
        assert!(matches!(Device::from_ron(&bad), Err(DeviceError::Figure { field: "source", .. })));
        let bad = good.replace("clock_mhz: 240.0", "clock_mhz: 0.0");
        assert!(matches!(Device::from_ron(&bad), Err(DeviceError::Figure { field: "clock_mhz", .. })));
        assert!(matches!(Device::from_ron("(id: 3"), Err(DeviceError::Syntax(_))));
        assert!(matches!(Device::from_ron(&good.replace("spread: 2.0", "spread: 0.5")), Err(DeviceError::Figure { .. })));
    }
}
