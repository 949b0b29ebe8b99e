//! The studio: window and command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    tinsmith::cli::main()
}
