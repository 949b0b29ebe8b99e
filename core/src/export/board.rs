//! Firmware for boards: whole projects that stream sensors over the device link and run a model, to be built as they are.
//!
//! | framework | folder | what |
//! | --- | --- | --- |
//! | ESP-IDF | `esp-idf` | CMake project; sources in `main` |
//! | Arduino | `TinsmithBoard` | sketch; sources in `src` |
//!
//! The sources are those of `assets/firmware`. Written here are the model, `tinsmith_model.h` that says which it is, MODEL.md.

use std::fmt::Write;

use super::c_header::{Firmware, c_model};
use super::c_text::{comment, identifier, string};
use super::features::{FeaturePlan, features_c};
use super::{ExportError, NamedFile};
use crate::measure::arena::firmware_arena_bytes;

/// What the firmware is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// Espressif's own.
    EspIdf,
    /// Arduino with Espressif's core.
    Arduino,
}

macro_rules! assets {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../../assets/firmware/", $path)))),*] };
}

/// Sources that every project has, by their place in `assets/firmware`.
const SOURCES: &[(&str, &str)] = assets![
    "common/tinsmith_board.c",
    "common/tinsmith_board.h",
    "common/tinsmith_imu.c",
    "common/tinsmith_imu.h",
    "common/tinsmith_latency.c",
    "common/tinsmith_latency.h",
    "common/tinsmith_link.c",
    "common/tinsmith_link.h",
    "common/tinsmith_queue.c",
    "common/tinsmith_queue.h",
    "common/tinsmith_sound.c",
    "common/tinsmith_sound.h",
    "common/tinsmith_watch.c",
    "common/tinsmith_watch.h",
    "esp/tinsmith_config.h",
    "esp/tinsmith_esp.c",
    "esp/tinsmith_esp.h",
    "esp/tinsmith_esp_imu.c",
    "esp/tinsmith_esp_microphone.c",
    "esp/tinsmith_esp_sensors.h",
    "esp/tinsmith_esp_task.c",
    "esp/tinsmith_esp_task.h",
    "esp/tinsmith_tflite.h",
    "esp/tinsmith_tflm.cpp",
    "esp/tinsmith_tflm.h",
];

const ESP_IDF: &[(&str, &str)] = assets![
    "esp-idf/CMakeLists.txt",
    "esp-idf/main/CMakeLists.txt",
    "esp-idf/main/Kconfig.projbuild",
    "esp-idf/main/idf_component.yml",
    "esp-idf/main/main.c",
    "esp-idf/sdkconfig.defaults",
    "esp-idf/sdkconfig.defaults.esp32",
    "esp-idf/sdkconfig.defaults.esp32c3",
    "esp-idf/sdkconfig.defaults.esp32s3",
];

const ARDUINO: &[(&str, &str)] = assets!["arduino/TinsmithBoard/TinsmithBoard.ino"];

/// A sensor that the firmware has, as `tinsmith_esp_*.c` say.
struct BoardSensor {
    n_channels: usize,
    id: u8,
    name: &'static str,
    rate_hz: f64,
    /// How far the rate may be off: motion sensors that take each other's place measure at 200 or 208 Hz.
    tolerance: f64,
}

const SENSORS: [BoardSensor; 2] = [
    BoardSensor { n_channels: 1, id: 1, name: "microphone", rate_hz: 16_000.0, tolerance: 0.0 },
    BoardSensor { n_channels: 6, id: 2, name: "motion sensor", rate_hz: 200.0, tolerance: 0.05 },
];

impl Framework {
    /// Where the sources lie.
    fn folder(self) -> &'static str {
        match self {
            Self::EspIdf => "esp-idf/main/",
            Self::Arduino => "TinsmithBoard/src/",
        }
    }

    fn own_files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::EspIdf => ESP_IDF,
            Self::Arduino => ARDUINO,
        }
    }

    /// Place and text of README.md.
    fn readme(self) -> (&'static str, &'static str) {
        match self {
            Self::EspIdf => ("esp-idf/README.md", include_str!("../../../assets/firmware/esp-idf/README.md")),
            Self::Arduino => {
                ("TinsmithBoard/README.md", include_str!("../../../assets/firmware/arduino/TinsmithBoard/README.md"))
            }
        }
    }
}

impl NamedFile {
    /// Whether it is a file of a project that its user may well change: pins, settings, what brings the serial port.
    pub fn is_for_editing(&self) -> bool {
        let is_of = |framework: Framework| {
            let own = framework.own_files().iter().map(|(name, _)| name.trim_start_matches("arduino/"));
            own.chain([framework.readme().0]).any(|name| name == self.name)
        };
        self.name.ends_with("/tinsmith_config.h") || [Framework::EspIdf, Framework::Arduino].into_iter().any(is_of)
    }
}

/// A project, with a model or without, and with a front end between a sensor and that model or without. The model's golden
/// samples are left out: `tinsmith device check` compares more of them.
///
/// # Errors
/// [`ExportError`] if TensorFlow Lite Micro lacks an operator, an input or output has no C type, or the front end does not fit
/// what the firmware's sensors measure.
pub fn board_project(
    framework: Framework,
    model: Option<&Firmware<'_>>,
    features: Option<&FeaturePlan>,
) -> Result<Vec<NamedFile>, ExportError> {
    let text = |name: String, text: &str| NamedFile { name, bytes: text.as_bytes().to_vec() };
    let own = framework.own_files().iter().map(|(name, content)| text(name.trim_start_matches("arduino/").to_owned(), content));
    let base = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let shared = SOURCES.iter().map(|(name, content)| text(framework.folder().to_owned() + &base(name), content));
    let mut files: Vec<NamedFile> = own.chain(shared).collect();
    let (place, readme) = framework.readme();
    files.push(text(place.to_owned(), &format!("{readme}{}", include_str!("../../../assets/firmware/esp/README.md"))));
    // Files of the model are called after it, and so is what is in them: neither may be those of the firmware.
    let name = model.map_or_else(String::new, |model| identifier(model.name));
    let name = if name.starts_with("tinsmith") { format!("model_{name}") } else { name };
    let model = model.map(|model| Firmware { name: &name, golden: &[], ..*model });
    let model = model.as_ref();
    files.push(text(place.replace("README", "MODEL"), &model.map_or_else(|| NO_MODEL.to_owned(), about)));
    let mut made = vec![text("tinsmith_model.h".to_owned(), &model_header(model, features)?)];
    if let Some(model) = model {
        made.extend(c_model(model)?);
        made.extend(features.map_or_else(Vec::new, |plan| features_c(model.name, plan)));
    }
    files.extend(made.into_iter().map(|file| NamedFile { name: framework.folder().to_owned() + &file.name, bytes: file.bytes }));
    files.sort_by(|a, b| a.name.rsplit_once('/').cmp(&b.name.rsplit_once('/')));
    match files.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(ExportError::SameName(pair[0].name.clone())),
        None => Ok(files),
    }
}

const NO_MODEL: &str = "# The model\n\nNone: this firmware streams its sensors, to record data. `tinsmith export --target \
                        esp-idf` or `--target arduino` writes the same\nwith a model.\n";

/// MODEL.md: what of the project changes with each export.
fn about(model: &Firmware<'_>) -> String {
    let bytes = model.tflite.len();
    let arena = firmware_arena_bytes(model.graph);
    format!(
        "# The model\n\n`{}`, {bytes} bytes in flash, arena {arena} bytes and what `TINSMITH_ARENA_EXTRA` adds, in internal RAM \
         if it fits, else in PSRAM.\nMade of `{}`.\n\n```\ntinsmith device check PORT MODEL.tflite --data DATA\n```\n\nsends samples to \
         the board and compares every output with the studio's own; MODEL.tflite is what `export --target tflite` writes.\n",
        identifier(model.name),
        model.source_name.replace('`', "'"),
    )
}

/// `tinsmith_model.h`: the names of this model behind names that the firmware knows.
fn model_header(model: Option<&Firmware<'_>>, features: Option<&FeaturePlan>) -> Result<String, ExportError> {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = comment(&format!("tinsmith_model.h\nMade by Tinsmith {version}; export again rather than edit."), " ");
    text += "#ifndef TINSMITH_MODEL_H\n#define TINSMITH_MODEL_H\n\n";
    let mut define =
        |name: &str, value: &str| writeln!(text, "#define {name:<28} {value}").expect("writing to a string succeeds");
    define("TINSMITH_VERSION", &string(version));
    define("TINSMITH_HAS_MODEL", if model.is_some() { "1" } else { "0" });
    let features = model.and(features);
    define("TINSMITH_HAS_FEATURES", if features.is_some() { "1" } else { "0" });
    if let Some(model) = model {
        let lower = identifier(model.name);
        let upper = lower.to_ascii_uppercase();
        define("TINSMITH_MODEL", &format!("{lower}_model"));
        for what in ["MODEL_BYTES", "ARENA_BYTES", "OPS"] {
            define(&format!("TINSMITH_{what}"), &format!("{upper}_{what}"));
        }
        define("tinsmith_register_ops", &format!("{lower}_register_ops"));
        if let Some(plan) = features {
            let sensor = sensor_of(plan, model)?;
            define("TINSMITH_FEATURES_SENSOR", &sensor.id.to_string());
            define("TINSMITH_FEATURES_HZ", &format!("{:.0}", sensor.rate_hz));
            define("TINSMITH_FEATURES_VALUES", &format!("{upper}_FEATURES_VALUES"));
            let (step, span) = if plan.frame.is_some() { ("STEP", "FRAME") } else { ("", "") };
            for (name, macro_name) in [("STEP", step), ("SPAN", span)] {
                let value = if macro_name.is_empty() { "1".to_owned() } else { format!("{upper}_FEATURES_{macro_name}") };
                define(&format!("TINSMITH_FEATURES_{name}"), &value);
            }
            for what in ["state", "reset", "push"] {
                define(&format!("tinsmith_features_{what}"), &format!("{lower}_features_{what}"));
            }
        }
        let include = if features.is_some() { format!("#include \"{lower}_features.h\"\n") } else { String::new() };
        text += &format!("\n#include \"{lower}_model.h\"\n{include}#ifdef __cplusplus\n#include \"{lower}_ops.h\"\n#endif\n");
    }
    text += "\n#endif  // TINSMITH_MODEL_H\n";
    Ok(text)
}

/// The sensor that a front end is made for, if the model takes what comes out.
fn sensor_of(plan: &FeaturePlan, model: &Firmware<'_>) -> Result<&'static BoardSensor, ExportError> {
    let n = plan.n_channels;
    let Some(sensor) = SENSORS.iter().find(|sensor| sensor.n_channels == n) else {
        return Err(ExportError::FrontEnd(format!("it takes {n} channels, the microphone has 1 and the motion sensor 6")));
    };
    let (name, wanted_hz, given_hz) = (sensor.name, plan.rate_hz, sensor.rate_hz);
    if (wanted_hz - given_hz).abs() > sensor.tolerance * given_hz {
        return Err(ExportError::Rate { sensor: name, wanted_hz, given_hz });
    }
    let taken: Vec<usize> = model.graph.inputs.iter().map(|&input| model.graph.tensor(input).n_elements()).collect();
    match taken[..] {
        [taken] if taken.is_multiple_of(plan.n_values()) => Ok(sensor),
        [taken] => Err(ExportError::FrontEnd(format!(
            "the model takes {taken} values, and {} at a time come out of the {name}'s",
            plan.n_values()
        ))),
        _ => Err(ExportError::FrontEnd("the model has several inputs, and a front end feeds one".to_owned())),
    }
}
