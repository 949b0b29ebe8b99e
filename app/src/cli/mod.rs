//! The command line: parse, call the core, print. One subcommand a file.
//!
//! Scripts depend on it: with `--json` one JSON object goes to stdout and nothing else; messages and progress go to stderr.
//! Exit 0: done; 1: the input or a file is at fault, and one line says what and where; 2: wrong usage.

mod device;
mod evaluate;
pub(crate) mod export;
mod inspect;
mod outcome;
mod output;
mod progress;
mod quantize;
mod run;
mod samples;
mod steps;
mod tensor_dump;
mod units;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use outcome::Failure;

const EXAMPLES: &str = "\
Examples:
  tinsmith                                             open the window on the sample project
  tinsmith inspect model.tflite                        layers, parameters, MACs, arena
  tinsmith quantize model.tflite --calibrate data.npz -o int8.tflite
  tinsmith evaluate int8.tflite --data data.npz --split test
  tinsmith run projects/keyword.ron --export out       everything the project says, headless";

/// Makes a trained network small enough for a microcontroller and proves the result.
#[derive(Debug, Parser)]
#[command(name = "tinsmith", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// A project (.ron) or model to open in the window; the sample project if left out
    file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Inspect),
    Run(run::Run),
    Quantize(quantize::Quantize),
    Steps(steps::Steps),
    Evaluate(evaluate::Evaluate),
    Export(export::Export),
    Device(device::Device),
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Inspect(command)) => command.run(),
        Some(Command::Run(command)) => command.run(),
        Some(Command::Quantize(command)) => command.run(),
        Some(Command::Steps(command)) => command.run(),
        Some(Command::Evaluate(command)) => command.run(),
        Some(Command::Export(command)) => command.run(),
        Some(Command::Device(command)) => command.run(),
        None => open_window(arguments.file),
    };
    outcome::report(done)
}

#[cfg(feature = "gui")]
fn open_window(file: Option<PathBuf>) -> Result<(), Failure> {
    crate::gui::open(file).map_err(|error| Failure::new(error.to_string()))
}

#[cfg(not(feature = "gui"))]
fn open_window(_file: Option<PathBuf>) -> Result<(), Failure> {
    Err(Failure::new("this build has no window (it was built without the feature \"gui\"); see tinsmith --help for commands"))
}
