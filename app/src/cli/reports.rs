//! What steps did, as they are printed.

use serde_json::{Value, json};
use tinsmith_core::optimize::StepReport;

/// One line.
pub fn step_line(step: &StepReport) -> String {
    let change = match step.output_change {
        Some(0.0) => "; no output changes".to_owned(),
        Some(change) => format!("; outputs change by at most {change:.1e} of the largest"),
        None => String::new(),
    };
    format!("{}: {}{change}\n", step.name, step.text)
}

/// One object.
pub fn step_json(step: &StepReport) -> Value {
    json!({ "name": step.name, "text": step.text, "output_change": step.output_change })
}
