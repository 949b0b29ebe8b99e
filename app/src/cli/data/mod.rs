//! `tinsmith data`: data sets as folders, from files of any format and back.

mod align;
mod coverage;
mod export;
mod import;
mod info;
mod ranges;
mod split;
mod subset;
mod window;

use std::path::Path;

use clap::{Args, Subcommand};
use tinsmith_core::data::library::{INDEX, Library, file::is_library};

use super::Failure;
use super::messages::Messages;
use super::paths::existing;

/// Data sets: import files, look at them, split them, see what a model's ranges hang on, align sensors, export
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data info assets/samples/keyword/keyword.npz
  tinsmith data coverage assets/samples/keyword/keyword_float32.tflite --data assets/samples/keyword/keyword.npz")]
pub struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Import),
    Info(info::Info),
    Split(split::Split),
    Window(window::Window),
    Subset(subset::Subset),
    Coverage(coverage::Coverage),
    Align(align::Align),
    Export(export::Export),
}

impl Data {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        match self.command {
            Command::Import(command) => command.run(messages),
            Command::Info(command) => command.run(),
            Command::Split(command) => command.run(messages),
            Command::Window(command) => command.run(),
            Command::Subset(command) => command.run(messages),
            Command::Coverage(command) => command.run(messages),
            Command::Align(command) => command.run(messages),
            Command::Export(command) => command.run(messages),
        }
    }
}

/// Opens the index of a data set in a folder.
fn open(folder: &Path) -> Result<Library, Failure> {
    existing(folder)?;
    if !is_library(folder) {
        let remedy = "make one of its files with tinsmith data import";
        return Err(Failure::at(folder, format_args!("there is no {INDEX} in it; {remedy}")));
    }
    Ok(Library::open(folder)?)
}

/// Parses a fraction of a whole.
fn parse_fraction(text: &str) -> Result<f64, String> {
    let fraction: Option<f64> = text.parse().ok().filter(|f| (0.0..=1.0).contains(f));
    fraction.ok_or_else(|| "expected a fraction from 0 to 1, such as 0.2".to_owned())
}
