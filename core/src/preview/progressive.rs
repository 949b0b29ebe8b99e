//! Progressive quantization: fewer bits step by step, for as long as the answers stay good enough.
//!
//! All layers go down together; at the first width that is too few for all, each layer is tried alone, those with most weights
//! first, and keeps the fewer bits if the goal still holds with all that was lowered before it.

use super::{Engine, Event, Job, PreviewError, Side};
use crate::measure::AccuracyFigures;
use crate::progress::Cancel;
use crate::recipe::{LayerOverride, Recipe, Scheme};

/// What has to hold on the test samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// At least this share of samples gets its label's class.
    Accuracy(f64),
    /// At least this share of samples gets the class that the float model gives it.
    Agreement(f64),
}

impl Goal {
    /// The share that figures have of what is asked for; `None` if they do not say.
    pub fn reached(self, figures: &AccuracyFigures) -> Option<f64> {
        match self {
            Self::Accuracy(_) => figures.top1(),
            Self::Agreement(_) => figures.agreement(),
        }
    }

    /// The share that is asked for.
    pub fn share(self) -> f64 {
        match self {
            Self::Accuracy(share) | Self::Agreement(share) => share,
        }
    }
}

/// A recipe that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The layer that got this scheme; `None` for all layers.
    pub layer: Option<String>,
    /// What its weights and activations became.
    pub scheme: Scheme,
    /// The share that was reached.
    pub reached: f64,
    /// Whether that is enough.
    pub is_kept: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProgressiveError {
    /// An attempt failed.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// There is nothing to lower.
    #[error("the recipe has no enabled step \"quantize\": add it")]
    NoQuantize,
    /// There is nothing to judge by.
    #[error("there are no test samples to judge by: give a data set with labels for accuracy, or a float model for agreement")]
    NoFigures,
}

/// Lowers `job`'s recipe from one of `widths` to the next while `goal` holds, and tells every attempt. Layers' own schemes are
/// forgotten. Returns the last recipe that holds; `None` if not even the first width does.
///
/// # Errors
/// [`ProgressiveError`]; [`PreviewError::Cancelled`] soon after `cancel` is raised.
pub fn progressive(
    engine: &mut Engine,
    job: &Job,
    widths: &[Scheme],
    goal: Goal,
    cancel: &Cancel,
    tell: &mut dyn FnMut(&Attempt),
) -> Result<Option<Recipe>, ProgressiveError> {
    let mut recipe = job.recipe.clone();
    let settings = recipe.quantize_mut().ok_or(ProgressiveError::NoQuantize)?;
    settings.overrides.values_mut().for_each(|own| own.scheme = None);
    settings.overrides.retain(|_, own| !own.is_empty());
    let mut search = Search { engine, job, goal, cancel, tell };
    let mut held = None;
    for &scheme in widths {
        if let Some(settings) = recipe.quantize_mut() {
            settings.scheme = scheme;
        }
        if search.holds(&recipe, None, scheme)? {
            held = Some(recipe.clone());
            continue;
        }
        return match held {
            Some(held) => search.layer_by_layer(held, scheme).map(Some),
            None => Ok(None),
        };
    }
    Ok(held)
}

struct Search<'a> {
    engine: &'a mut Engine,
    job: &'a Job,
    goal: Goal,
    cancel: &'a Cancel,
    tell: &'a mut dyn FnMut(&Attempt),
}

impl Search<'_> {
    fn layer_by_layer(&mut self, mut held: Recipe, scheme: Scheme) -> Result<Recipe, ProgressiveError> {
        for layer in self.layers(&held)? {
            let mut recipe = held.clone();
            let Some(settings) = recipe.quantize_mut() else { return Ok(held) };
            let own = settings.overrides.remove(&layer).unwrap_or_default();
            settings.overrides.insert(layer.clone(), LayerOverride { scheme: Some(scheme), ..own });
            if self.holds(&recipe, Some(layer), scheme)? {
                held = recipe;
            }
        }
        Ok(held)
    }

    /// Layers with weights, those with most of them first.
    fn layers(&mut self, recipe: &Recipe) -> Result<Vec<String>, ProgressiveError> {
        let mut layers: Vec<(usize, String)> = Vec::new();
        let job = Job { recipe: recipe.clone(), ..self.job.clone() };
        self.engine.run(&job, self.cancel, &mut |event| {
            if let Event::Candidate(candidate) = event {
                let graph = &candidate.rewritten.graph;
                let weights = |node: &crate::graph::Node| {
                    let [operands, _] = node.op.trained_operands();
                    operands.filter_map(|i| graph.input(node, i)).map(crate::tensor::Tensor::n_elements).sum::<usize>()
                };
                layers = graph.nodes.iter().map(|node| (weights(node), node.name.clone())).collect();
            }
        })?;
        layers.retain(|(weights, _)| *weights > 0);
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.0));
        Ok(layers.into_iter().map(|(_, name)| name).collect())
    }

    fn holds(&mut self, recipe: &Recipe, layer: Option<String>, scheme: Scheme) -> Result<bool, ProgressiveError> {
        let job = Job { recipe: recipe.clone(), ..self.job.clone() };
        let mut figures = None;
        self.engine.run(&job, self.cancel, &mut |event| {
            if let Event::Accuracy { side: Side::Candidate, figures: latest } = event {
                figures = Some(latest);
            }
        })?;
        let reached = figures.and_then(|figures| self.goal.reached(&figures)).ok_or(ProgressiveError::NoFigures)?;
        let is_kept = reached >= self.goal.share();
        (self.tell)(&Attempt { layer, scheme, reached, is_kept });
        Ok(is_kept)
    }
}
