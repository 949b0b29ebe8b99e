//! Why a preview ends early.

use crate::data::{DataError, DataProblem};
use crate::execute::ExecuteError;
use crate::export::ExportError;
use crate::export::compact::CompactError;
use crate::formats::FormatError;
use crate::optimize::OptimizeError;
use crate::progress::Cancelled;

/// Why a preview ends early. What was told before stays true.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The data set does not fit the model.
    #[error("data set: {0}")]
    Feed(DataProblem),
    /// The data set cannot be read.
    #[error(transparent)]
    Data(DataError),
    /// A model cannot be run.
    #[error(transparent)]
    Execute(ExecuteError),
    /// The recipe cannot be applied.
    #[error(transparent)]
    Optimize(OptimizeError),
    /// The candidate cannot be written as a file.
    #[error(transparent)]
    Export(#[from] FormatError),
    /// Firmware cannot take the candidate.
    #[error(transparent)]
    Firmware(#[from] ExportError),
    /// Tinsmith's runtime cannot take the candidate.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// Nobody wants the result any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl PreviewError {
    /// Whether the work was merely cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }
}

// Cancellation is one case, wherever it was noticed.

impl From<DataProblem> for PreviewError {
    fn from(error: DataProblem) -> Self {
        match error {
            DataProblem::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Feed(other),
        }
    }
}

impl From<DataError> for PreviewError {
    fn from(error: DataError) -> Self {
        match error.problem {
            DataProblem::Cancelled(cancelled) => Self::Cancelled(cancelled),
            problem => Self::Data(DataError { problem, ..error }),
        }
    }
}

impl From<ExecuteError> for PreviewError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Execute(other),
        }
    }
}

impl From<OptimizeError> for PreviewError {
    fn from(error: OptimizeError) -> Self {
        match error {
            OptimizeError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Optimize(other),
        }
    }
}
