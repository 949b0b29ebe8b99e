//! What errors of the core say in the window, where their own words name options of the command line.

use tinsmith_core::data::DataProblem;
use tinsmith_core::formats::{FormatError, Trouble};
use tinsmith_core::preview::{OpenError, PreviewError};

/// Why a model cannot be opened.
pub(super) fn of_model(error: FormatError) -> String {
    let FormatError { file, trouble } = error;
    let trouble = match trouble {
        Trouble::Extent { name, what, remedy } => Trouble::Unsupported { place: format!("extent {name}"), what, remedy },
        other => other,
    };
    FormatError { file, trouble }.to_string()
}

/// Why a project cannot be opened.
pub(super) fn of_project(error: OpenError) -> String {
    match error {
        OpenError::Model(error) => of_model(error),
        other => other.to_string(),
    }
}

/// Why samples cannot be fed to a model.
pub(super) fn of_data(problem: &DataProblem) -> String {
    let DataProblem::Layout { sample, input } = problem else { return problem.to_string() };
    let shape = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
    format!(
        "its samples of shape {} may have the channels of the model's input {} first or last; choose which in the panel Data set",
        shape(sample),
        shape(input)
    )
}

/// Why there are no figures.
pub(super) fn of_preview(error: &PreviewError) -> String {
    match error {
        PreviewError::Feed(problem) => format!("data set: {}", of_data(problem)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_command_line_are_not_named() {
        let (name, what, remedy) = ("time".to_owned(), "0 is no extent".to_owned(), "say 1 to 9".to_owned());
        let error = FormatError { file: "m.onnx".to_owned(), trouble: Trouble::Extent { name, what, remedy } };
        assert!(error.to_string().contains("--dim"));
        assert_eq!(of_model(error), "m.onnx: extent time: 0 is no extent; say 1 to 9");
        let problem = DataProblem::Layout { sample: vec![2, 2], input: vec![2, 2] };
        assert!(problem.to_string().contains("--layout"));
        let words = of_preview(&problem.into());
        assert!(words.contains("2×2") && words.contains("Data set") && !words.contains("--"), "{words}");
    }
}
