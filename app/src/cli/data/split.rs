//! `tinsmith data split`: training, calibration and test.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use tinsmith_core::data::library::split::{Keep, Plan};

use super::info::{counts_json, counts_text, findings_text, save};
use super::{open, parse_fraction};
use crate::cli::messages::Messages;
use crate::cli::{Failure, output};

/// Put every item of a data set into a split, in the same proportions for every class
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data split keyword --test 0.2 --calibration 0.1
  tinsmith data split keyword --test 0.2 --calibration 0.1 --by label --seed 7 --json")]
pub struct Split {
    /// The folder of the data set
    folder: PathBuf,
    /// Fraction of each class for tests
    #[arg(long, value_name = "FRACTION", value_parser = parse_fraction)]
    test: f64,
    /// Fraction of each class for calibration; the rest is for training
    #[arg(long, value_name = "FRACTION", value_parser = parse_fraction)]
    calibration: f64,
    /// What stays together: recordings only, or all of one group (person, session) as well; group where there are groups
    #[arg(long, value_enum)]
    by: Option<By>,
    /// Another seed gives other splits; one seed gives the same on every machine
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Label,
    Group,
}

impl Split {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let library = open(&self.folder)?;
        let keep = match self.by {
            Some(By::Label) => Keep::Recordings,
            Some(By::Group) => Keep::Groups,
            None if library.groups().is_empty() => Keep::Recordings,
            None => {
                messages.note("items of one group stay together; --by label parts them");
                Keep::Groups
            }
        };
        let plan = Plan { test: self.test, calibration: self.calibration, keep, seed: self.seed };
        let library = library.split(&plan).map_err(|problem| Failure::at(&self.folder, problem))?;
        save(&self.folder, &library)?;
        let findings = library.findings();
        if self.json {
            let mut report = counts_json(&library);
            report["data"] = json!(self.folder);
            report["findings"] = json!(findings.iter().map(ToString::to_string).collect::<Vec<_>>());
            return output::print_json(&report);
        }
        output::print(&format!("{}{}", counts_text(&library), findings_text(&findings)))
    }
}
