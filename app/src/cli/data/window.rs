//! `tinsmith data window`: how recordings become samples.

use std::path::PathBuf;

use clap::Args;
use tinsmith_core::data::library::{Kind, Window as Cut};

use super::info::{counts_text, save};
use super::open;
use crate::cli::{Failure, output};

/// Say how the recordings of a data set are cut to samples of one length
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data window gestures --length 128 --stride 64
  tinsmith data window clips --length 16000 --pad")]
pub struct Window {
    /// The folder of the data set
    folder: PathBuf,
    /// Instants of a sample
    #[arg(long, value_name = "INSTANTS", value_parser = clap::value_parser!(u64).range(1..))]
    length: u64,
    /// From one sample to the next; as long as a sample if left out
    #[arg(long, value_name = "INSTANTS", value_parser = clap::value_parser!(u64).range(1..))]
    stride: Option<u64>,
    /// Fill recordings that are shorter with zeros; they are left out otherwise
    #[arg(long)]
    pad: bool,
}

impl Window {
    pub fn run(self) -> Result<(), Failure> {
        let mut library = open(&self.folder)?;
        if !matches!(library.kind, Kind::Sound | Kind::Series) {
            let what = format!("its items are of kind {}; only recordings can be cut", library.kind.name());
            return Err(Failure::at(&self.folder, what));
        }
        library.window = Some(Cut { length: self.length, stride: self.stride.unwrap_or(self.length), pad: self.pad });
        save(&self.folder, &library)?;
        output::print(&counts_text(&library))
    }
}
