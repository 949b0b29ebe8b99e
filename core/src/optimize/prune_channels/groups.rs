//! Which layers lose channels together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::follow::{Followed, Member};
use super::units::Unit;
use crate::graph::Graph;

/// All groups of a graph: what can be cut where, and why the rest stays.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ChannelGroups {
    /// In the order of their first layers. Every layer with float weights is in at least one; a layer whose output is a sum with one
    /// layer here and another there is in several.
    pub groups: Vec<ChannelGroup>,
}

/// Channels that layers have in common: cutting one of them takes an output channel, or several, from each of these layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelGroup {
    /// Names of the layers, in execution order.
    pub layers: Vec<String>,
    /// How many channels can be cut one by one.
    pub n_channels: usize,
    /// Why none of them can be cut, as a clause with "they" for the channels; `None` if they can.
    pub fixed: Option<String>,
}

impl ChannelGroups {
    /// The groups that a layer is in.
    pub fn of_layer<'s>(&'s self, layer: &'s str) -> impl Iterator<Item = &'s ChannelGroup> {
        self.groups.iter().filter(move |group| group.layers.iter().any(|name| name == layer))
    }
}

/// Channels of the same layers.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Which layers, by their place in [`Followed::members`].
    pub members: Vec<usize>,
    /// In the order in which the first layer has them.
    pub units: Vec<Unit>,
    pub fixed: Option<Arc<str>>,
}

/// What channels of one group have in common: layers, and why they stay.
type Likeness = (Vec<usize>, Option<Arc<str>>);

/// Sorts the channels of a graph by the layers that have them.
pub(super) fn groups(followed: &Followed) -> Vec<Group> {
    let mut members_of: BTreeMap<Unit, Vec<usize>> = BTreeMap::new();
    for (index, member) in followed.members.iter().enumerate() {
        for unit in &member.output {
            let members = members_of.entry(*unit).or_default();
            if members.last() != Some(&index) {
                members.push(index);
            }
        }
    }
    let mut alike: BTreeMap<Likeness, Vec<Unit>> = BTreeMap::new();
    for (unit, members) in members_of {
        alike.entry((members, followed.units.fixed(unit).cloned())).or_default().push(unit);
    }
    let group = |((members, fixed), mut units): (Likeness, Vec<Unit>)| {
        let place: BTreeMap<Unit, usize> = places(&followed.members[members[0]]);
        units.sort_by_key(|unit| place.get(unit).copied());
        Group { members, units, fixed }
    };
    alike.into_iter().map(group).collect()
}

/// For each channel the first output channel of a layer that is one of its.
pub(super) fn places(member: &Member) -> BTreeMap<Unit, usize> {
    member.output.iter().enumerate().rev().map(|(channel, unit)| (*unit, channel)).collect()
}

/// The groups with the names of their layers.
pub(super) fn described(graph: &Graph, followed: &Followed, groups: &[Group]) -> ChannelGroups {
    let name = |member: &usize| graph.node(followed.members[*member].layer.node).name.clone();
    let described = |group: &Group| ChannelGroup {
        layers: group.members.iter().map(name).collect(),
        n_channels: group.units.len(),
        fixed: match (&group.fixed, group.units.len()) {
            (Some(why), _) => Some(why.to_string()),
            (None, 1) => Some("there is but one that can be cut by itself".into()),
            _ => None,
        },
    };
    ChannelGroups { groups: groups.iter().map(described).collect() }
}
