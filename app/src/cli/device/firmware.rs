//! `tinsmith device firmware`: sources for a board that records.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use serde_json::json;
use tinsmith_core::export::{self, board_project};

use crate::cli::export::whole;
use crate::cli::{Failure, folder, output};

/// Write firmware that streams a microphone and a motion sensor, for ESP32, ESP32-S3 and ESP32-C3
///
/// The same with a model: tinsmith export --target esp-idf or --target arduino.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device firmware --framework esp-idf --out firmware
  tinsmith device firmware --framework arduino --out firmware --json")]
pub struct Firmware {
    /// What it is built with
    #[arg(long, value_enum)]
    framework: Framework,
    /// The folder to write to; made if need be
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// As the command line calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Framework {
    /// Espressif's own, by idf.py
    EspIdf,
    /// Arduino, a sketch
    Arduino,
}

impl Firmware {
    pub fn run(self) -> Result<(), Failure> {
        let framework = match self.framework {
            Framework::EspIdf => export::Framework::EspIdf,
            Framework::Arduino => export::Framework::Arduino,
        };
        let project = board_project(framework, None, None).map_err(|error| Failure::new(error.to_string()))?;
        let files = whole(&self.out, project)?;
        if self.json {
            return output::print_json(&json!({ "files": files }));
        }
        output::print(&folder::wrote(&files))
    }
}
