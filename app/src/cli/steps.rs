//! `tinsmith steps`: every recipe step with its parameters, ranges, units and defaults.

use clap::Args;
use tinsmith_core::optimize;

use super::{Failure, output};

/// List every recipe step with its parameters, ranges, units and defaults
#[derive(Debug, Args)]
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
            text.push_str(&format!("{}: {}\n", step.name, step.help));
            let rows: Vec<Vec<String>> = step
                .parameters
                .iter()
                .map(|p| vec![format!("  {}", p.name), p.values.to_string(), p.default.to_string(), p.help.to_string()])
                .collect();
            text.push_str(&output::table(&["  parameter", "values", "default", ""], &[false; 4], &rows));
            text.push('\n');
        }
        text.push_str("Use them with tinsmith quantize --step NAME:KEY=VALUE,…\n");
        output::print(&text)
    }
}
