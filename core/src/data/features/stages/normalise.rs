//! Fixed statistics take samples to a common range.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work};
use crate::data::features::signal::Form;
use crate::settings::{Parameter, Settings, chosen, named, numbers};

/// Settings of the stage: `(x - centre) / spread`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Normalise {
    /// What the statistics are taken to be when they are made of a data set.
    pub fit: Fit,
    /// One for each channel (of a map: each bin), or one for all; empty while they are not known.
    pub centre: Vec<f64>,
    /// Likewise; above zero.
    pub spread: Vec<f64>,
}

/// How statistics are made of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fit {
    /// They are what is written.
    Fixed,
    /// Mean and standard deviation.
    MeanStd,
    /// Least value, and the distance to the greatest: 0 to 1 comes out.
    MinMax,
    /// The middle between least and greatest value, and the distance to either: -1 to 1 comes out.
    Symmetric,
}

const FITS: &[Choice] = &[
    Choice { key: "fixed", help: "centre and spread are what is written" },
    Choice { key: "mean-std", help: "mean and standard deviation over a data set" },
    Choice { key: "min-max", help: "0 to 1 over a data set" },
    Choice { key: "symmetric", help: "-1 to 1 over a data set" },
];

impl Default for Normalise {
    fn default() -> Self {
        Self { fit: Fit::MeanStd, centre: Vec::new(), spread: Vec::new() }
    }
}

impl Settings for Normalise {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            chosen(
                "fit",
                "Statistics",
                "How they are made of a data set; they are then stored.",
                FITS,
                named!(fit, {
                    Fit::Fixed => "fixed",
                    Fit::MeanStd => "mean-std",
                    Fit::MinMax => "min-max",
                    Fit::Symmetric => "symmetric",
                }),
            ),
            numbers(
                ["centre", "Centre", "What is taken away: one number, or one for each channel or bin.", ""],
                -1e9..=1e9,
                |s| &mut s.centre,
            ),
            numbers(
                ["spread", "Spread", "What is divided by: one number, or one for each channel or bin.", ""],
                1e-9..=1e9,
                |s| &mut s.spread,
            ),
        ]
    }
}

impl Normalise {
    /// Statistics that are fixed and those that are made of a data set.
    pub fn wants_fit(&self) -> bool {
        self.fit != Fit::Fixed
    }

    /// Whether centre and spread are there, set by hand or made of a data set.
    pub fn is_known(&self) -> bool {
        !self.centre.is_empty() && !self.spread.is_empty()
    }

    /// With the statistics of these signals, column by column.
    ///
    /// # Errors
    /// [`StageProblem`] if there are none, or they have different shapes.
    pub(in crate::data::features) fn fitted(&self, signals: &[Signal]) -> Result<Self, StageProblem> {
        let Some(first) = signals.first().filter(|signal| !signal.values.is_empty()) else {
            return Err(StageProblem::TooShort("there are no values to make statistics of; give it recordings".into()));
        };
        let n = n_columns(first);
        if let Some(other) = signals.iter().find(|signal| n_columns(signal) != n) {
            let found = n_columns(other);
            return Err(StageProblem::Setting(format!("{n} columns come in first and {found} later; make them alike before")));
        }
        let columns = (0..n).map(|index| self.column(signals.iter().flat_map(|s| s.values.iter().skip(index).step_by(n))));
        let (centre, spread) = columns.unzip();
        Ok(Self { centre, spread, ..self.clone() })
    }

    /// Centre and spread of the finite values of a column. What never changes has the spread 1.
    fn column<'a>(&self, values: impl Iterator<Item = &'a f32> + Clone) -> (f64, f64) {
        let values = values.map(|&x| f64::from(x)).filter(|x| x.is_finite());
        let n = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / n;
        let (least, greatest) = values.clone().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let (centre, spread) = match self.fit {
            Fit::Fixed | Fit::MeanStd => (mean, (values.map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()),
            Fit::MinMax => (least, greatest - least),
            Fit::Symmetric => ((least + greatest) / 2.0, (greatest - least) / 2.0),
        };
        let usable = |x: f64| x.is_finite() && x.abs() <= 1e9;
        (if usable(centre) { centre } else { 0.0 }, if usable(spread) && spread >= 1e-9 { spread } else { 1.0 })
    }

    /// Centre and spread of each of `n` columns.
    ///
    /// # Errors
    /// [`StageProblem::Setting`] if they are not known, or are of another number.
    pub fn columns(&self, n: usize) -> Result<Vec<(f64, f64)>, StageProblem> {
        let each = |key: &str, numbers: &[f64]| match numbers {
            [] => Err(StageProblem::Setting(format!(
                "{key} is not known yet: make the statistics of a data set (tinsmith features --fit), or set centre and spread"
            ))),
            [one] => Ok(vec![*one; n]),
            all if all.len() == n => Ok(all.to_vec()),
            all => Err(StageProblem::Setting(format!("{key} has {} numbers, expected {n} or 1", all.len()))),
        };
        Ok(each("centre", &self.centre)?.into_iter().zip(each("spread", &self.spread)?).collect())
    }
}

/// What has statistics of its own: a picture's channels, else everything that one instant or frame holds.
fn n_columns(signal: &Signal) -> usize {
    match &signal.form {
        Form::Picture { .. } => signal.channels.len(),
        Form::Table { .. } => signal.values.len().max(1),
        Form::Series | Form::Map { .. } => signal.shape()[1..].iter().product(),
    }
}

impl Work for Normalise {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let columns = self.columns(n_columns(signal))?;
        let all = signal.values.iter().zip(columns.iter().cycle());
        let values = all.map(|(&x, (centre, spread))| ((f64::from(x) - centre) / spread) as f32).collect();
        Ok(vec![Signal { values, ..signal.clone() }])
    }
}
