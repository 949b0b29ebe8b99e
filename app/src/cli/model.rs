//! Options that say what a model's file and a data set leave open, shared by the commands that open them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use tinsmith_core::data::Layout;
use tinsmith_core::data::features::{Pipeline, preset};
use tinsmith_core::formats::{self, ImportOptions, Opened};

use super::Failure;
use super::messages::timed;
use super::paths::existing;

/// What a model's file leaves open.
#[derive(Clone, Debug, Default, Args)]
pub struct ModelOptions {
    /// The value of an extent that the model's file leaves open, by its name, or as INPUT:AXIS where it has none; may be given
    /// several times. The batch is 1 by itself
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_dim)]
    dim: Vec<(String, usize)>,
}

impl ModelOptions {
    /// Opens a model.
    pub fn open(&self, path: &Path) -> Result<Opened, Failure> {
        existing(path)?;
        Ok(timed(format_args!("opened {}", path.display()), || formats::open_with(path, &self.import()))?)
    }

    /// As the core takes them.
    pub fn import(&self) -> ImportOptions {
        ImportOptions { dims: self.dim.iter().cloned().collect() }
    }
}

/// What a data set leaves open.
#[derive(Clone, Debug, Default, Args)]
pub struct DataOptions {
    /// Where samples have their channels, if their shape does not tell: nchw in front, nhwc last
    #[arg(long, value_name = "nchw|nhwc", value_parser = parse_layout)]
    pub layout: Option<Layout>,
    #[command(flatten)]
    pub features: FeatureOptions,
}

/// What becomes of recordings before a model sees them.
#[derive(Clone, Debug, Default, Args)]
pub struct FeatureOptions {
    /// The stages that recordings go through before the model sees them, from a file that tinsmith features --save-pipeline wrote
    #[arg(long, value_name = "FILE.ron", conflicts_with = "preset", value_hint = ValueHint::FilePath)]
    features: Option<PathBuf>,
    /// The same, by name: see tinsmith features --list
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
}

impl FeatureOptions {
    /// The stages; `None` if nothing is said of them.
    pub fn pipeline(&self) -> Result<Option<Pipeline>, Failure> {
        pipeline(self.preset.as_deref(), self.features.as_deref())
    }
}

/// Stages by the name of a preset, or from a file.
pub fn pipeline(name: Option<&str>, file: Option<&Path>) -> Result<Option<Pipeline>, Failure> {
    match (name, file) {
        (Some(name), _) => Ok(Some(preset(name)?)),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(existing(path)?).map_err(|error| Failure::at(path, error))?;
            Ok(Some(Pipeline::from_ron(&text).map_err(|error| Failure::at(path, error))?))
        }
        (None, None) => Ok(None),
    }
}

/// What a model's file and the samples beside it leave open. In a project they win over what the project says.
#[derive(Clone, Debug, Default, Args)]
pub struct OpenOptions {
    #[command(flatten)]
    pub model: ModelOptions,
    #[command(flatten)]
    pub data: DataOptions,
}

fn parse_dim(text: &str) -> Result<(String, usize), String> {
    let wrong = || "expected NAME=VALUE, such as time=64 or input_1:1=64".to_owned();
    // Names may hold anything, values are numbers.
    let (name, value) = text.rsplit_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
    Ok((name.to_owned(), value.parse().map_err(|_| wrong())?))
}

fn parse_layout(name: &str) -> Result<Layout, String> {
    Layout::named(name).ok_or_else(|| "expected nchw or nhwc".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extent_is_a_name_and_a_number() {
        assert_eq!(parse_dim("time=64"), Ok(("time".into(), 64)));
        assert_eq!(parse_dim("a=b:1=2"), Ok(("a=b:1".into(), 2)));
        for wrong in ["time", "=3", "time=", "time=-1", "time=x"] {
            assert!(parse_dim(wrong).unwrap_err().contains("NAME=VALUE"), "{wrong}");
        }
    }
}
