//! `tinsmith device`: the boards that figures are estimated for.

use clap::{Args, Subcommand};
use serde_json::json;
use tinsmith_core::measure::device::{self, Device as Profile};

use super::{Failure, output, units};

/// Boards: list the profiles that latency, energy and memory are estimated for
#[derive(Debug, Args)]
pub struct Device {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the boards with their flash, RAM, clock and software
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Parses the value of `--device`: a board's name, whatever its case.
pub fn parse_device(name: &str) -> Result<&'static Profile, String> {
    device::named(name).ok_or_else(|| {
        let names: Vec<&str> = device::all().iter().map(|d| d.name.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl Device {
    pub fn run(self) -> Result<(), Failure> {
        let Command::List { json } = self.command;
        if json {
            return output::print_json(&json!({ "devices": device::all() }));
        }
        let row = |d: &Profile| {
            vec![
                d.name.clone(),
                d.core.clone(),
                format!("{} MHz", d.clock_mhz),
                units::bytes(d.flash_bytes),
                units::bytes(d.ram_bytes),
            ]
        };
        let rows: Vec<Vec<String>> = device::all().iter().map(row).collect();
        output::print(&output::table(&["board", "core", "clock", "flash", "RAM"], &[false, false, true, true, true], &rows))
    }
}
