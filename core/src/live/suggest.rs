//! A threshold for an autoencoder, from the distances of samples that are as they should be.

use std::fmt;

use serde::Serialize;

use super::decide::{is_quiet, plain};
use super::{LiveError, Reading, Runner};
use crate::data::{DataSet, feed};
use crate::execute::ExecuteError;
use crate::graph::Graph;
use crate::preview::{only_input, roles};
use crate::progress::Cancel;

/// So many percent of the distances are at most the threshold.
const PERCENT: usize = 99;
/// Samples that are looked at: a percentile becomes no better by more.
const MOST_SAMPLES: usize = 500;
/// What classes are called whose samples are as they should be, beside those that stand for nothing in particular.
const NORMAL: [&str; 6] = ["normal", "ok", "good", "healthy", "usual", "regular"];

/// A threshold, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The distance.
    pub threshold: f32,
    /// Of how many samples.
    pub n_samples: usize,
    /// Which samples.
    pub of: &'static str,
}

impl fmt::Display for Suggestion {
    /// The rule, and the samples.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PERCENT} % of the distances of {} {} are at most that", self.n_samples, self.of)
    }
}

/// The distance that 99 % (nearest rank) of samples do not exceed that are as they should be: test samples whose class is called
/// so (normal, ok, background …); where no class is, calibration samples, which are what the model was made for.
///
/// `source` is the model as it came, which says what integer samples mean.
///
/// # Errors
/// [`LiveError::Misfit`] if the model is no autoencoder, or there are no such samples; [`LiveError::Data`] if they do not fit it;
/// [`LiveError::Execute`] if it was cancelled.
pub fn suggest(candidate: &Runner, source: &Graph, data: &DataSet, cancel: &Cancel) -> Result<Suggestion, LiveError> {
    let misfit = |why: &str| LiveError::Misfit(why.to_owned());
    if candidate.reading() != Reading::Distance {
        return Err(misfit("a threshold is suggested for autoencoders"));
    }
    let (samples, of) = usual_samples(data);
    let meaning = feed::meaning(data, only_input(source)?);
    let mut distances = Vec::new();
    for &sample in samples.iter().take(MOST_SAMPLES) {
        cancel.check().map_err(ExecuteError::from)?;
        distances.extend(candidate.run_sample(data, meaning, sample)?.values);
    }
    distances.sort_unstable_by(f32::total_cmp);
    let rank = (distances.len() * PERCENT).div_ceil(100).saturating_sub(1);
    let none = "the data set has neither test samples of a class called normal nor calibration samples";
    let threshold = distances.get(rank).copied().ok_or_else(|| misfit(none))?;
    Ok(Suggestion { threshold, n_samples: distances.len(), of })
}

/// Samples that are as they should be, and what they are called.
fn usual_samples(data: &DataSet) -> (Vec<usize>, &'static str) {
    let roles = roles(data);
    let is_usual: Vec<bool> =
        data.label_names.iter().map(|name| NORMAL.contains(&plain(name).as_str()) || is_quiet(name)).collect();
    let class = |sample: usize| data.labels.as_ref().and_then(|labels| labels.get(sample)).map(|class| *class as usize);
    let is_usual = |sample: &usize| class(*sample).is_some_and(|class| is_usual.get(class) == Some(&true));
    let usual: Vec<usize> = roles.test.into_iter().filter(is_usual).collect();
    if usual.is_empty() { (roles.calibration, "calibration samples") } else { (usual, "normal test samples") }
}
