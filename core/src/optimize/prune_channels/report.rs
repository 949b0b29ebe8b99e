//! What pruning did, in words.

use std::collections::BTreeMap;

use super::super::applied::gone;
use super::plan::PrunePlan;
use crate::graph::Graph;
use crate::recipe::PruneCriterion;

/// Layers that are named before the rest is counted.
const NAMED: usize = 3;

/// Why nothing was cut.
pub(super) fn nothing_cut(plan: &PrunePlan) -> String {
    if plan.followed.is_none() {
        return "the model says that its tensors are larger than can be followed".into();
    }
    if plan.groups.is_empty() {
        return "no layer has float weights".into();
    }
    let fixed = fixed(plan);
    let cuttable = plan.groups().groups.iter().any(|group| group.fixed.is_none());
    match (cuttable, fixed.is_empty()) {
        (true, _) => "the fraction, rounded, leaves every channel".into(),
        (false, true) => "no layer has channels that can be cut".into(),
        (false, false) => format!("no channel can be cut: {fixed}"),
    }
}

/// What was cut.
pub(super) fn cut(plan: &PrunePlan, before: &Graph, after: &Graph) -> String {
    let (mut n_cut, mut n_channels, mut layers) = (0, 0, std::collections::BTreeSet::new());
    let members = plan.followed.iter().flat_map(|followed| &followed.members);
    for (index, member) in members.enumerate() {
        n_channels += member.output.len();
        let cut = member.output.iter().filter(|unit| plan.cut.contains(unit)).count();
        n_cut += cut;
        layers.extend((cut > 0).then_some(index));
    }
    let layers = if layers.len() == 1 { "1 layer".into() } else { format!("{} layers", layers.len()) };
    let mut parts = vec![format!("{n_cut} of {n_channels} channels cut, in {layers}: {}", gone(before, after))];
    let fixed = fixed(plan);
    if !fixed.is_empty() {
        parts.push(format!("not cut: {fixed}"));
    }
    parts.extend(fallback(plan));
    parts.extend(compensated(plan));
    parts.join("; ")
}

/// Where the criterion could not be had.
fn fallback(plan: &PrunePlan) -> Option<String> {
    let groups = plan.groups.iter().zip(&plan.importances).filter(|(group, _)| group.fixed.is_none());
    let n = groups.filter(|(_, importances)| importances.criterion != plan.asked).count();
    let why = match plan.asked {
        PruneCriterion::BatchNorm => "without batch normalization",
        PruneCriterion::Activation => "without calibration samples",
        PruneCriterion::L1 | PruneCriterion::L2 => return None,
    };
    let groups = if n == 1 { "1 group of layers was".into() } else { format!("{n} groups of layers were") };
    (n > 0 && !plan.is_recalled).then(|| format!("{groups} ranked by the L2 norm, {why}"))
}

/// What became of the means of the channels.
fn compensated(plan: &PrunePlan) -> Option<String> {
    if plan.is_uncompensated {
        return Some(
            "without calibration samples the means of the cut channels are not known, and no bias makes up for them".into(),
        );
    }
    let (n, n_padded) = (plan.compensation.added.len(), plan.compensation.n_padded);
    let layers = |n: usize| if n == 1 { "1 layer".into() } else { format!("{n} layers") };
    let made = (n > 0).then(|| format!("the biases of {} make up for the means of the cut channels", layers(n)));
    let padded = (n_padded > 0).then(|| format!("{} cannot, because of zeros at the border", layers(n_padded)));
    let parts: Vec<String> = [made, padded].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Layers that keep channels that cannot be cut, by reason.
fn fixed(plan: &PrunePlan) -> String {
    let mut layers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for group in plan.groups().groups {
        if let Some(why) = group.fixed {
            let named = layers.entry(why).or_default();
            named.extend(group.layers);
        }
    }
    let words = layers.iter_mut().map(|(why, names)| {
        names.dedup();
        let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!("{}{more} ({why})", shown.join(", "))
    });
    words.collect::<Vec<_>>().join(", ")
}
