//! The studio: window and command line.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tinsmith::Allocator = tinsmith::Allocator;

fn main() -> ExitCode {
    tinsmith::cli::main()
}
