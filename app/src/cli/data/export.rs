//! `tinsmith data export`: a data set as files for other tools.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use tinsmith_core::data::export::{self, Format};
use tinsmith_core::progress::Cancel;

use super::open;
use crate::cli::messages::{Messages, timed};
use crate::cli::{Failure, output, units};

/// Write a data set as files for other tools
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data export keyword --format npz --out keyword.npz
  tinsmith data export keyword --format npz --out again.npz --quiet")]
pub struct Export {
    /// The folder of the data set
    folder: PathBuf,
    /// wav, csv or png with a labels.csv, npz, idx, edge-impulse-json or edge-impulse-cbor
    #[arg(long, value_parser = parse_format)]
    format: Format,
    /// The folder to write, or for npz the file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    out: PathBuf,
}

fn parse_format(name: &str) -> Result<Format, String> {
    Format::named(name).ok_or_else(|| format!("expected {}", Format::ALL.map(Format::name).join(", ")))
}

impl Export {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let library = open(&self.folder)?;
        if !self.format.is_one_file() {
            crate::cli::folder::make(&self.out)?;
        }
        let progress = messages.progress();
        let mut tell = |done, total| progress.show("exporting", done, total);
        let work = || export::export(&self.folder, &library, self.format, &self.out, &Cancel::new(), &mut tell);
        let n_files = timed(format_args!("exported {}", self.folder.display()), work)?;
        drop(progress);
        output::print(&format!("{} files\n{}\n", units::count(n_files as u64), self.out.display()))
    }
}
