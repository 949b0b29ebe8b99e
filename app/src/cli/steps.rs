//! `tinsmith steps`: every recipe step with its parameters, ranges, units and defaults.

use clap::Args;
use tinsmith_core::optimize::{self, ParameterInfo, ParameterKind};

use super::{Failure, output};

/// List every recipe step with its parameters, ranges, units and defaults
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith steps
  tinsmith steps --json")]
pub struct Steps {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Steps {
    pub fn run(self) -> Result<(), Failure> {
        let steps = optimize::describe_steps();
        if self.json {
            return output::print_json(&serde_json::json!({ "steps": steps }));
        }
        let mut text = String::new();
        for step in steps {
            text.push_str(&described(step.name, step.help, &step.parameters));
        }
        text.push_str("Use them with tinsmith quantize --step NAME:KEY=VALUE,…\n");
        output::print(&text)
    }
}

/// What a step or stage does, and a table of its parameters.
pub(super) fn described(name: &str, help: &str, parameters: &[ParameterInfo]) -> String {
    let row = |p: &ParameterInfo| vec![format!("  {}", p.key), values(p), p.default.clone(), p.help.to_owned()];
    let rows: Vec<Vec<String>> = parameters.iter().map(row).collect();
    format!("{name}: {help}\n{}\n", output::table(&["  parameter", "values", "default", ""], &[false; 4], &rows))
}

/// What a parameter can be set to, as it is written on the command line.
fn values(parameter: &ParameterInfo) -> String {
    let unit = if parameter.unit.is_empty() { String::new() } else { format!(" {}", parameter.unit) };
    match &parameter.kind {
        ParameterKind::Choice { choices } => choices.iter().map(|choice| choice.key).collect::<Vec<_>>().join(" | "),
        ParameterKind::Switch => "on | off".to_owned(),
        ParameterKind::Number { min, max, .. } => format!("{min} to {max}{unit}"),
        ParameterKind::Numbers { min, max } => format!("numbers, each {min} to {max}{unit}"),
        ParameterKind::Count { min } => format!("{min} or more{unit} | all"),
    }
}
