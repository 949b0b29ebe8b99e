//! Test samples for the board, each with the output that is due for it. One is made when it is its turn: nobody waits for all.

use std::sync::Arc;

use tinsmith_core::data::feed::{self, Meaning};
use tinsmith_core::data::{DataProblem, DataSet};
use tinsmith_core::execute::ExecuteError;
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::{only_input, roles};
use tinsmith_core::progress::Cancel;

use super::setup::Setup;

/// Test samples that are sent for a check.
const CHECKED: usize = 200;

/// Why there is no sample to send.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Nothing is open.
    #[error("there are no samples to send; open a data set")]
    NoData,
    /// It is all for something else.
    #[error("the data set has no test samples to send; split it in Data")]
    NoTest,
    /// The samples do not fit the model's input.
    #[error(transparent)]
    Data(#[from] DataProblem),
    /// The candidate cannot run here.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

/// The first test samples, with the candidate's own outputs.
#[derive(Debug)]
pub struct Samples {
    data: Arc<DataSet>,
    meaning: Meaning,
    candidate: Arc<Candidate>,
    executor: Executor,
    left: std::vec::IntoIter<usize>,
}

impl Samples {
    /// Those of the data set that is open.
    ///
    /// # Errors
    /// [`CheckError`]
    pub fn of(setup: &Setup) -> Result<Self, CheckError> {
        let data = Arc::clone(setup.data.as_ref().ok_or(CheckError::NoData)?);
        let mut test = roles(&data).test;
        test.truncate(CHECKED);
        if test.is_empty() {
            return Err(CheckError::NoTest);
        }
        let meaning = feed::meaning(&data, only_input(&setup.source.graph)?);
        let executor = Executor::new(&setup.candidate.graph)?;
        Ok(Self { data, meaning, candidate: Arc::clone(&setup.candidate), executor, left: test.into_iter() })
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.left.len()
    }

    fn make(&self, sample: usize) -> Result<(Vec<u8>, Vec<u8>), CheckError> {
        let input = feed::model_samples(&self.data, self.meaning, &[sample], only_input(&self.candidate.graph)?)?;
        let output = self.executor.run(&[&input], 1, &Cancel::new())?.concat();
        Ok((input, output))
    }
}

impl Iterator for Samples {
    type Item = Result<(Vec<u8>, Vec<u8>), CheckError>;

    fn next(&mut self) -> Option<Self::Item> {
        let sample = self.left.next()?;
        Some(self.make(sample))
    }
}
