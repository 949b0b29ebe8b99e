//! What pruning with some settings would do, before it is done: what the window draws and what the step carries out.

use std::collections::{BTreeMap, BTreeSet};

use super::super::compact::compact;
use super::super::layer::Edit;
use super::super::prepare::simplified;
use super::super::{Observations, OptimizeError};
use super::compensate::{Compensation, compensation};
use super::follow::{Followed, follow};
use super::groups::{ChannelGroup, ChannelGroups, Group, described, groups, places};
use super::importance::{Importances, importances, weightless};
use super::seen::{Means, constants, means};
use super::select::{ascending, emptied, selected};
use super::units::Unit;
use super::{Pruned, add_biases, cut};
use crate::graph::{Graph, TensorId};
use crate::recipe::{PruneChannels, PruneCriterion};

/// Channels, their importances, and which of them go.
#[derive(Debug)]
pub struct PrunePlan {
    pub(super) simple: Graph,
    /// `None` if the tensors are too large to follow.
    pub(super) followed: Option<Followed>,
    pub(super) groups: Vec<Group>,
    pub(super) importances: Vec<Importances>,
    pub(super) cut: BTreeSet<Unit>,
    pub(super) compensation: Compensation,
    pub(super) asked: PruneCriterion,
    /// Whether there was nothing to see the means of some channels in.
    pub(super) is_uncompensated: bool,
    /// Whether an earlier run decided: nothing was ranked for it here.
    pub(super) is_recalled: bool,
}

/// The channels that a layer has in common with its tied layers, the least important one first.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerImportances {
    /// The layers, in execution order; see [`ChannelGroup`](super::ChannelGroup).
    pub layers: Vec<String>,
    /// What the importances are by: the L2 norm where the criterion that was asked for cannot be had.
    pub criterion: PruneCriterion,
    /// Why none of the channels can be cut.
    pub fixed: Option<String>,
    /// All channels, by ascending importance.
    pub channels: Vec<ChannelImportance>,
}

/// One channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelImportance {
    /// Which output channel of the layer that was asked for; the first of several that go together.
    pub channel: usize,
    /// How much it matters, from zero up; comparable within the group.
    pub importance: f64,
    /// Whether it goes.
    pub is_cut: bool,
}

impl PrunePlan {
    /// What `settings` would do to `graph`, as it stands before the step.
    ///
    /// # Errors
    /// [`OptimizeError`] for settings out of range, or samples on which the graph cannot be run.
    pub fn new(graph: &Graph, settings: &PruneChannels, observations: &Observations<'_>) -> Result<Self, OptimizeError> {
        Self::decided(graph, settings, observations, None)
    }

    /// The same, with what an earlier run decided.
    pub(in crate::optimize) fn decided(
        graph: &Graph,
        settings: &PruneChannels,
        observations: &Observations<'_>,
        stored: Option<&Pruned>,
    ) -> Result<Self, OptimizeError> {
        checked(settings)?;
        let simple = simplified(graph);
        let asked = settings.criterion;
        let mut plan = Self {
            followed: follow(&simple),
            simple,
            groups: Vec::new(),
            importances: Vec::new(),
            cut: BTreeSet::new(),
            compensation: Compensation::default(),
            asked,
            is_uncompensated: false,
            is_recalled: stored.is_some(),
        };
        let Some(followed) = &plan.followed else { return Ok(plan) };
        let simple = &plan.simple;
        plan.groups = groups(followed);
        let wants_means = stored.is_none() && (settings.compensate || asked == PruneCriterion::Activation);
        let means = match wants_means && !observations.inputs.is_empty() && plan.groups.iter().any(|group| group.fixed.is_none())
        {
            true => Some(means(simple, followed, observations)?),
            false => None,
        };
        plan.importances = importances(simple, followed, &plan.groups, asked, means.as_ref());
        match stored {
            Some(stored) => plan.recall(stored)?,
            None => {
                plan.cut = selected(simple, followed, &plan.groups, &plan.importances, settings);
                if settings.compensate {
                    plan.compensate(means, observations)?;
                }
            }
        }
        Ok(plan)
    }

    /// Without samples only what is constant anyway is known.
    fn compensate(&mut self, means: Option<Means>, observations: &Observations<'_>) -> Result<(), OptimizeError> {
        let Some(followed) = &self.followed else { return Ok(()) };
        let means = match means {
            Some(means) => Some(means),
            None => {
                let weightless = &weightless(&self.simple, followed) & &self.cut;
                self.is_uncompensated = weightless.len() < self.cut.len();
                match weightless.is_empty() {
                    true => None,
                    false => constants(&self.simple, followed, &weightless, observations.cancel)?,
                }
            }
        };
        if let Some(means) = means {
            self.compensation = compensation(&self.simple, followed, &self.cut, &means);
        }
        Ok(())
    }

    /// Takes over what an earlier run decided.
    fn recall(&mut self, stored: &Pruned) -> Result<(), OptimizeError> {
        let Some(followed) = &self.followed else { return Ok(()) };
        let wrong =
            |layer: &str| OptimizeError::Calibration(format!("the channels cut from layer \"{layer}\" are none that can be cut"));
        for (name, channels) in &stored.cut {
            let member = followed.members.iter().find(|member| self.simple.node(member.layer.node).name == *name);
            let unit =
                |channel: &u32| member?.output.get(*channel as usize).filter(|unit| followed.units.fixed(**unit).is_none());
            for channel in channels {
                self.cut.insert(*unit(channel).ok_or_else(|| wrong(name))?);
            }
        }
        if !emptied(followed, &self.cut).is_empty() {
            return Err(OptimizeError::Calibration("the channels to cut are all that a layer has".into()));
        }
        match stored.added.iter().find(|(_, added)| added.iter().any(|added| !added.is_finite())) {
            Some((name, _)) => Err(OptimizeError::Calibration(format!("layer \"{name}\" is to get a bias that is no number"))),
            None => {
                self.compensation.added.clone_from(&stored.added);
                Ok(())
            }
        }
    }

    /// What was decided.
    pub fn pruned(&self) -> Pruned {
        let mut cut: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for group in &self.groups {
            let Some(member) = self.member(group.members[0]) else { continue };
            let channels: Vec<u32> = places(member)
                .iter()
                .filter(|(unit, _)| group.units.contains(unit) && self.cut.contains(unit))
                .filter_map(|(_, channel)| u32::try_from(*channel).ok())
                .collect();
            if !channels.is_empty() {
                cut.entry(self.simple.node(member.layer.node).name.clone()).or_default().extend(channels);
            }
        }
        cut.values_mut().for_each(|channels| channels.sort_unstable());
        Pruned { cut, added: self.compensation.added.clone(), ..Pruned::default() }
    }

    fn member(&self, index: usize) -> Option<&super::follow::Member> {
        self.followed.as_ref()?.members.get(index)
    }

    /// Which layers are tied, and why channels have to stay.
    pub fn groups(&self) -> ChannelGroups {
        self.followed.as_ref().map_or_else(ChannelGroups::default, |followed| described(&self.simple, followed, &self.groups))
    }

    /// The importances of a layer's channels, by node name; one entry for each group that it is in. Empty if there is no such layer.
    pub fn importances_of(&self, layer: &str) -> Vec<LayerImportances> {
        self.importances_at(|described| described.layers.iter().position(|name| name == layer))
    }

    /// The importances of every group, its channels as its first layer counts them.
    pub fn importances(&self) -> Vec<LayerImportances> {
        self.importances_at(|_| Some(0))
    }

    /// Of the groups that `position` finds a layer in, with channels as that layer counts them.
    fn importances_at(&self, position: impl Fn(&ChannelGroup) -> Option<usize>) -> Vec<LayerImportances> {
        let described = self.groups().groups;
        let all = self.groups.iter().zip(&self.importances).zip(described);
        all.filter_map(|((group, importances), described)| {
            let places = places(self.member(group.members[position(&described)?])?);
            let channel = |i: usize| {
                let unit = group.units[i];
                let channel = places.get(&unit).copied().unwrap_or_default();
                ChannelImportance { channel, importance: importances.values[i], is_cut: self.cut.contains(&unit) }
            };
            let channels = ascending(&importances.values).into_iter().map(channel).collect();
            let (layers, fixed) = (described.layers, described.fixed);
            Some(LayerImportances { layers, criterion: importances.criterion, fixed, channels })
        })
        .collect()
    }

    /// The graph without the channels, and what its tensors were.
    pub(super) fn narrowed(&self) -> (Graph, Vec<Option<TensorId>>) {
        let Some(followed) = &self.followed else { return (self.simple.clone(), self.simple.tensor_ids().map(Some).collect()) };
        let (narrow, origin) = cut::without(&self.simple, followed, &self.cut);
        let mut edit = Edit::new(narrow);
        add_biases(&mut edit, &self.compensation.added);
        let through = edit.origin.iter().map(|id| origin[(*id)?.index()]).collect();
        compact(edit.graph, through)
    }
}

fn checked(settings: &PruneChannels) -> Result<(), OptimizeError> {
    let fractions = settings.layers.values().chain([&settings.fraction]);
    match fractions.into_iter().find(|fraction| !(0.0..=PruneChannels::MAX_FRACTION).contains(*fraction)) {
        Some(fraction) => Err(OptimizeError::Setting {
            step: "prune-channels",
            trouble: format!("a fraction of {fraction}, only one from 0 to {} can be cut", PruneChannels::MAX_FRACTION),
        }),
        None => Ok(()),
    }
}
