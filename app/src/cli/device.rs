//! `tinsmith device`: the boards that figures are estimated for.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use tinsmith_core::measure::device::{self, Device as Profile};

use super::{Failure, output, units};

/// Boards: list the profiles that latency, energy and memory are estimated for
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device list
  tinsmith device list --json")]
pub struct Device {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the boards with their core, clock in MHz, flash and RAM
    #[command(after_help = "\
Examples:
  tinsmith device list
  tinsmith device list --json")]
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Parses the value of `--device`: a board's id.
pub fn parse_device(id: &str) -> Result<Arc<Profile>, String> {
    device::device(id).ok_or_else(|| {
        let ids: Vec<&str> = device::devices().iter().map(|d| d.id.as_str()).collect();
        format!("expected one of {}", ids.join(", "))
    })
}

impl Device {
    pub fn run(self) -> Result<(), Failure> {
        let Command::List { json } = self.command;
        if json {
            return output::print_json(&json!({ "devices": device::devices() }));
        }
        let row = |d: &Arc<Profile>| {
            vec![
                d.id.clone(),
                d.name.clone(),
                format!("{:?}", d.core),
                format!("{} MHz", d.clock_mhz),
                units::bytes(d.flash_bytes),
                units::bytes(d.ram_bytes),
            ]
        };
        let rows: Vec<Vec<String>> = device::devices().iter().map(row).collect();
        output::print(&output::table(
            &["id", "board", "core", "clock", "flash", "RAM"],
            &[false, false, false, true, true, true],
            &rows,
        ))
    }
}
