//! `tinsmith device load`: another model for a board, without reflashing it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::board::{PortOptions, model_file};
use crate::cli::messages::Messages;
use crate::cli::model::ModelOptions;
use crate::cli::{Failure, output, units};

/// Send a model to a board that speaks the device link, and have the board run it from now on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device load /dev/ttyUSB0 int8.tflite
  tinsmith device load /dev/ttyUSB0 firmware/int8.tin --json")]
pub struct Load {
    #[command(flatten)]
    port: PortOptions,
    /// The model: a compact one (.tin), or an integer model of any other format
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Load {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let file = model_file(&self.model, &self.options)?;
        let board = self.port.open_model_runner(messages)?;
        let n_bytes = board.load(&file, messages)?;
        if self.json {
            return output::print_json(&json!({
                "port": self.port.port, "board": board.info.name, "model": self.model, "bytes": n_bytes,
            }));
        }
        let (name, size) = (&board.info.name, units::bytes(n_bytes as u64));
        output::print(&format!("{name} runs {} ({size})\n", self.model.display()))
    }
}
