//! The command line: parse, call the core, print. One subcommand a file.
//!
//! Scripts depend on it: with `--json` one JSON object goes to stdout and nothing else; messages and progress go to stderr.
//! `outcome` says what exit codes mean.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `usage`, `outcome` | the words in, the exit code out |
//! | `messages`, `style` | what is said on stderr on the way; colours |
//! | `output`, `units` | what goes to stdout |
//! | `paths`, `samples`, `signals`, `job` | files and data that are named |
//! | `battery` | what `run` says of a battery |
//! | `interrupt` | Ctrl-C |
//! | the others | a command each |

mod battery;
mod completions;
mod data;
mod device;
mod evaluate;
pub(crate) mod export;
mod features;
pub(crate) mod folder;
mod inspect;
mod interrupt;
mod job;
mod live;
mod man;
mod messages;
mod model;
mod outcome;
mod output;
mod paths;
mod progressive;
mod quantize;
mod reports;
mod run;
mod samples;
mod schemes;
mod signals;
mod steps;
mod style;
mod tensor_dump;
pub(crate) mod units;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use messages::Manners;
pub use outcome::Failure;

const EXAMPLES: &str = "\
Examples:
  tinsmith inspect assets/samples/keyword/keyword_float32.tflite
  tinsmith quantize assets/samples/keyword/keyword_float32.tflite --calibrate assets/samples/keyword/keyword.npz -o int8.tflite
  tinsmith evaluate int8.tflite --data assets/samples/keyword/keyword.npz --split test
  tinsmith run projects/keyword.ron --export firmware";

const ENVIRONMENT: &str = "\
Environment:
  NO_COLOR        no colours, unless it is empty
  CLICOLOR_FORCE  colours in a pipe as well, unless it is 0
  RUST_LOG        log lines on stderr, for example debug, or tinsmith=info
  TINSMITH_THEME  the window's theme, dark or light, whatever the system says";

/// Makes a trained network small enough for a microcontroller and proves the result.
///
/// Without a command, opens the window.
#[derive(Debug, Parser)]
#[command(name = "tinsmith", version, override_usage = "tinsmith [OPTIONS] [FILE]\n       tinsmith [OPTIONS] <COMMAND>")]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}\n\n{ENVIRONMENT}", outcome::EXIT_CODES))]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// A project (.ron) or model to open in the window; the sample project if left out
    file: Option<PathBuf>,

    #[command(flatten)]
    manners: Manners,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Inspect),
    Run(run::Run),
    Quantize(quantize::Quantize),
    Schemes(schemes::Schemes),
    Progressive(progressive::Progressive),
    Steps(steps::Steps),
    Evaluate(evaluate::Evaluate),
    Features(features::Features),
    Export(export::Export),
    Data(data::Data),
    Device(device::Device),
    Live(live::Live),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    match usage::parse(&words) {
        Ok(arguments) => outcome::report(run(arguments)),
        Err(error) => usage::explain(&error, &words),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let messages = arguments.manners.messages();
    match arguments.command {
        Some(Command::Inspect(command)) => command.run(),
        Some(Command::Run(command)) => command.run(messages),
        Some(Command::Quantize(command)) => command.run(messages),
        Some(Command::Schemes(command)) => command.run(messages),
        Some(Command::Progressive(command)) => command.run(messages),
        Some(Command::Steps(command)) => command.run(),
        Some(Command::Evaluate(command)) => command.run(messages),
        Some(Command::Features(command)) => command.run(messages),
        Some(Command::Export(command)) => command.run(messages),
        Some(Command::Data(command)) => command.run(messages),
        Some(Command::Device(command)) => command.run(messages),
        Some(Command::Live(command)) => command.run(messages),
        Some(Command::Completions(command)) => command.run(),
        Some(Command::Man(command)) => command.run(),
        None => {
            arguments.file.as_deref().map(paths::existing).transpose()?;
            open_window(arguments.file)
        }
    }
}

#[cfg(feature = "gui")]
fn open_window(file: Option<PathBuf>) -> Result<(), Failure> {
    crate::gui::open(file).map_err(|error| Failure::new(error.to_string()))
}

#[cfg(not(feature = "gui"))]
fn open_window(_file: Option<PathBuf>) -> Result<(), Failure> {
    Err(Failure::new("this build has no window (it was built without the feature \"gui\"); see tinsmith --help for commands"))
}
