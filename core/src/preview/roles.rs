//! Which samples of a data set find ranges and which measure accuracy. No sample ever does both unnoticed: a model that is
//! measured on what it was calibrated with flatters itself.

use crate::data::{DataSet, Split};

/// How many samples of a set without splits are put aside to calibrate.
const N_CALIBRATION: usize = 100;

/// What the samples of a set are used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Indices of the samples that find activation ranges.
    pub calibration: Vec<usize>,
    /// Indices of the samples that measure accuracy.
    pub test: Vec<usize>,
    /// What the user should know about this choice, in one sentence; `None` if the set itself says what is what.
    pub note: Option<String>,
}

/// Decides by the set's own splits. Without any, the first tenth, at most 100 samples, calibrates and the rest tests. A set
/// that has splits but lacks one: training samples calibrate where no calibration samples are; nothing stands in for the
/// test split.
pub fn roles(data: &DataSet) -> Roles {
    let n = data.n_samples();
    let Some(splits) = &data.splits else {
        let n_calibration = n.div_ceil(10).min(N_CALIBRATION);
        let note = format!(
            "the data set has no splits: its first {n_calibration} samples calibrate, the other {} measure accuracy",
            n - n_calibration
        );
        return Roles { calibration: (0..n_calibration).collect(), test: (n_calibration..n).collect(), note: Some(note) };
    };
    let of = |split: Split| (0..n).filter(|&i| splits.get(i) == Some(&split)).collect::<Vec<_>>();
    let (mut calibration, test) = (of(Split::Calibration), of(Split::Test));
    let mut notes = Vec::new();
    if calibration.is_empty() {
        calibration = of(Split::Train);
        calibration.truncate(N_CALIBRATION);
        notes.push(match calibration.len() {
            0 => "the data set has no calibration samples".to_owned(),
            n => format!("the data set has no calibration samples: the first {n} training samples calibrate"),
        });
    }
    if test.is_empty() {
        notes.push("the data set has no test samples: accuracy is not measured".to_owned());
    }
    Roles { calibration, test, note: (!notes.is_empty()).then(|| notes.join("; ")) }
}
