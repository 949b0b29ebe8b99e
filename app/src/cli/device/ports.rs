//! `tinsmith device ports`: where boards may be, and microphones.

use clap::Args;
use serde_json::json;

use super::board::port_of;
use crate::cli::{Failure, output};
use crate::device::ports;
use crate::microphone::{self, MicrophoneInfo};

/// List the serial ports with what is behind them, simulated boards among them, and the microphones
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
        let (ports, microphones) = (ports::list(), microphone::list());
        if self.json {
            let microphones: Vec<_> = microphones.iter().map(|m| json!({ "path": port_of(m), "microphone": m })).collect();
            return output::print_json(&json!({ "ports": ports, "microphones": microphones }));
        }
        if ports.is_empty() && microphones.is_empty() {
            return output::print("no ports; plug a board or a microphone in, or try tinsmith device simulate --board esp32\n");
        }
        let boards = ports.into_iter().map(|port| vec![port.path, port.name]);
        let rows: Vec<Vec<String>> = boards.chain(microphones.iter().map(|m| vec![port_of(m), describe(m)])).collect();
        output::print(&output::table(&["port", "what is there"], &[false, false], &rows))
    }
}

/// A microphone's name, its rates and channels.
fn describe(microphone: &MicrophoneInfo) -> String {
    let (rates, channels) = (&microphone.rates_hz, &microphone.channels);
    let span = |low: String, high: String| if low == high { low } else { format!("{low} to {high}") };
    let rates = span(rates.start().to_string(), rates.end().to_string());
    let channels = span(channels.start().to_string(), channels.end().to_string());
    format!("{} (microphone, {rates} Hz, channels: {channels})", microphone.name)
}
