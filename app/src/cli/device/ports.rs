//! `tinsmith device ports`: where boards may be.

use clap::Args;
use serde_json::json;

use crate::cli::{Failure, output};
use crate::device::ports;

/// List the serial ports with what is behind them; simulated boards are among them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device ports
  tinsmith device ports --json")]
pub struct Ports {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Ports {
    pub fn run(self) -> Result<(), Failure> {
        let ports = ports::list();
        if self.json {
            return output::print_json(&json!({ "ports": ports }));
        }
        if ports.is_empty() {
            return output::print("no ports; plug a board in, or try tinsmith device simulate --board esp32\n");
        }
        let rows: Vec<Vec<String>> = ports.into_iter().map(|port| vec![port.path, port.name]).collect();
        output::print(&output::table(&["port", "board"], &[false, false], &rows))
    }
}
