//! `tinsmith device`: the boards that figures are estimated for, and those on serial ports, real or simulated.

pub(super) mod board;
mod check;
mod firmware;
mod load;
mod monitor;
mod ports;
mod record;
mod session;
#[cfg(unix)]
mod simulate;
mod watch;

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use tinsmith_core::measure::device::{self, Device as Profile};

use super::messages::Messages;
use super::{Failure, output, units};

/// Boards: their profiles, their ports, recording from them, and boards that are only simulated
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device list
  tinsmith device ports
  tinsmith device simulate --board esp32 --synthetic gestures --seconds 1")]
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
    Ports(ports::Ports),
    #[cfg(unix)]
    Simulate(simulate::Simulate),
    Monitor(monitor::Monitor),
    Record(record::Record),
    Session(session::Session),
    Load(load::Load),
    Check(check::Check),
    Watch(watch::Watch),
    Firmware(firmware::Firmware),
}

/// Parses the value of `--device`: a board's id.
pub fn parse_device(id: &str) -> Result<Arc<Profile>, String> {
    device::device(id).ok_or_else(|| {
        let ids: Vec<&str> = device::devices().iter().map(|d| d.id.as_str()).collect();
        format!("expected one of {}", ids.join(", "))
    })
}

impl Device {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        match self.command {
            Command::List { json } => list(json),
            Command::Ports(command) => command.run(),
            #[cfg(unix)]
            Command::Simulate(command) => command.run(messages),
            Command::Monitor(command) => command.run(messages),
            Command::Record(command) => command.run(messages),
            Command::Session(command) => command.run(messages),
            Command::Load(command) => command.run(messages),
            Command::Check(command) => command.run(messages),
            Command::Watch(command) => command.run(messages),
            Command::Firmware(command) => command.run(),
        }
    }
}

fn list(json: bool) -> Result<(), Failure> {
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
