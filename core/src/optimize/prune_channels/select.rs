//! Which channels are cut.

use std::collections::{BTreeSet, HashMap};

use super::follow::Followed;
use super::groups::Group;
use super::importance::Importances;
use super::units::Unit;
use crate::graph::Graph;
use crate::recipe::{PruneChannels, PruneScope};

/// The channels to cut: the least important ones. Every tensor keeps at least one.
pub(super) fn selected(
    graph: &Graph,
    followed: &Followed,
    groups: &[Group],
    importances: &[Importances],
    settings: &PruneChannels,
) -> BTreeSet<Unit> {
    let own: Vec<Option<f32>> = groups.iter().map(|group| own_fraction(graph, followed, group, settings)).collect();
    let wanted = match settings.scope {
        PruneScope::PerLayer => groups.iter().map(|group| share(group.units.len(), settings.fraction)).collect(),
        PruneScope::Global => globally(groups, importances, &own, settings.fraction),
    };
    let mut cut = BTreeSet::new();
    for (index, group) in groups.iter().enumerate().filter(|(_, group)| group.fixed.is_none()) {
        let n = group.units.len();
        let wanted = own[index].map_or(wanted[index], |fraction| share(n, fraction));
        let kept = (n - wanted.min(n)).max(1).next_multiple_of(settings.multiple.max(1)).min(n);
        let order = ascending(&importances[index].values);
        cut.extend(order.into_iter().take(n - kept).map(|i| group.units[i]));
    }
    keep_one(followed, groups, importances, &mut cut);
    cut
}

/// How many of `n` channels a fraction is.
fn share(n: usize, fraction: f32) -> usize {
    (n as f64 * f64::from(fraction)).round() as usize
}

/// The fraction that a layer of the group has of its own: tied layers share the least.
fn own_fraction(graph: &Graph, followed: &Followed, group: &Group, settings: &PruneChannels) -> Option<f32> {
    let name = |member: &usize| graph.node(followed.members[*member].layer.node).name.as_str();
    group.members.iter().filter_map(|member| settings.layers.get(name(member)).copied()).min_by(f32::total_cmp)
}

/// Positions, the least value first; equal ones in their order.
pub(super) fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    order
}

/// How many channels each group loses if all are ranked together. Norms of different layers do not compare: each importance is
/// taken relative to the mean of its group.
fn globally(groups: &[Group], importances: &[Importances], own: &[Option<f32>], fraction: f32) -> Vec<usize> {
    let ranked = |index: &usize| groups[*index].fixed.is_none() && own[*index].is_none();
    let mut all: Vec<(f64, usize)> = Vec::new();
    for index in (0..groups.len()).filter(ranked) {
        let values = &importances[index].values;
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        all.extend(values.iter().map(|value| (if mean > 0.0 { value / mean } else { 0.0 }, index)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut wanted = vec![0; groups.len()];
    all.iter().take(share(all.len(), fraction)).for_each(|(_, index)| wanted[*index] += 1);
    wanted
}

/// Takes channels back where a tensor would lose all of them: the parts of a tensor that was taken apart.
fn keep_one(followed: &Followed, groups: &[Group], importances: &[Importances], cut: &mut BTreeSet<Unit>) {
    let of_group = |(group, importances): (&Group, &Importances)| -> Vec<(Unit, f64)> {
        group.units.iter().copied().zip(importances.values.iter().copied()).collect()
    };
    let importance: HashMap<Unit, f64> = groups.iter().zip(importances).flat_map(of_group).collect();
    for units in emptied(followed, cut) {
        if units.iter().all(|unit| cut.contains(unit)) {
            let most = units.iter().rev().max_by(|a, b| importance[a].total_cmp(&importance[b]));
            most.map(|unit| cut.remove(unit));
        }
    }
}

/// The channels of tensors that a cut leaves without any.
pub(super) fn emptied<'f>(followed: &'f Followed, cut: &BTreeSet<Unit>) -> Vec<&'f [Unit]> {
    let tensors = followed.lanes.iter().flatten().map(|lanes| lanes.units.as_slice()).filter(|units| !units.is_empty());
    tensors.filter(|units| units.iter().all(|unit| cut.contains(unit))).collect()
}
