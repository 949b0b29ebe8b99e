//! Structured pruning: whole channels go, out of the layers that make them and those that read them, so that the network that is left is
//! a smaller one of the same kind.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `units.rs`, `lanes.rs` | channels that are cut together, and where they lie in a tensor |
//! | `follow.rs`, `through.rs` | which channels of a graph are the same, operator by operator |
//! | `groups.rs` | which layers lose channels together |
//! | `importance.rs`, `seen.rs` | how much a channel matters, by weights or by what samples show of it |
//! | `select.rs` | which channels are cut |
//! | `cut.rs`, `compensate.rs` | the graph without them |
//!
//! The result computes what the network would compute if every layer read zeros, or with `compensate` the channel's mean, in the place of
//! the channels that are cut.

mod compensate;
mod cut;
mod follow;
mod groups;
mod importance;
mod lanes;
mod plan;
mod report;
mod seen;
mod select;
#[cfg(test)]
mod tests;
mod through;
mod units;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use groups::{ChannelGroup, ChannelGroups};
pub use plan::{ChannelImportance, LayerImportances, PrunePlan};

use super::StepOutcome;
use super::applied::Applied;
use super::layer::{Edit, Layer};
use crate::graph::Graph;

/// What pruning decided, of which some may have come from data: with it the same channels go without the data.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pruned {
    /// By the name of a layer which of its output channels went, ascending. Of layers that lose channels together the first is named.
    #[serde(with = "crate::optimize::numbers_as_text")]
    pub cut: BTreeMap<String, Vec<u32>>,
    /// By the name of a layer what was added to the biases of its output channels that stayed.
    #[serde(with = "crate::optimize::numbers_as_text", skip_serializing_if = "BTreeMap::is_empty")]
    pub added: BTreeMap<String, Vec<f32>>,
    /// By the name of a layer its weights, in the order of the file, where they were refitted to data; zero where they were pruned.
    #[serde(with = "crate::optimize::numbers_as_text", skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, Vec<f32>>,
}

/// Cuts the channels that a plan chose.
pub(super) fn carry_out(plan: &PrunePlan, graph: &Graph) -> Applied {
    if plan.cut.is_empty() {
        return Applied::skipped(graph, report::nothing_cut(plan));
    }
    let (narrow, origin) = plan.narrowed();
    let text = report::cut(plan, graph, &narrow);
    Applied { graph: narrow, origin, outcome: StepOutcome::Applied, text }
}

/// The groups of channels of a float graph: which layers are tied, and why channels have to stay.
pub fn channel_groups(graph: &Graph) -> ChannelGroups {
    let simple = super::prepare::simplified(graph);
    follow::follow(&simple).map_or_else(ChannelGroups::default, |followed| {
        let groups = groups::groups(&followed);
        groups::described(&simple, &followed, &groups)
    })
}

/// Adds to the biases of layers, by name.
pub(super) fn add_biases(edit: &mut Edit, added: &BTreeMap<String, Vec<f32>>) {
    let layers: Vec<Layer> = edit.graph.node_ids().filter_map(|id| Layer::of(&edit.graph, id)).collect();
    for layer in layers {
        let name = &edit.graph.node(layer.node).name;
        let Some(added) = added.get(name).filter(|added| added.len() == layer.n_outputs) else { continue };
        let bias = layer.bias(&edit.graph).map_or_else(|| vec![0.0; layer.n_outputs], <[f32]>::to_vec);
        edit.set_bias(&layer, bias.iter().zip(added).map(|(bias, added)| bias + added).collect());
    }
}
