//! Which layers make up a figure: sorted, with shares, beside what the same layer had in the source.

use std::collections::HashMap;

use tinsmith_core::graph::Graph;
use tinsmith_core::measure::sizes::Sizes;
use tinsmith_core::measure::{AccuracyFigures, Estimate, LayerFigures, StaticFigures};

use super::features;
use crate::gui::command::Quantity;
use crate::gui::context::PanelCtx;
use crate::gui::figures::{Fresh, half_width};
use crate::gui::panels::graph::{short_name, sqnr};
use crate::gui::panels::memory::{peak_op, plan_words};
use crate::gui::units;

/// So many layers are listed; the rest is one line.
const MAX_PARTS: usize = 8;

/// What a figure is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Sentences about the whole.
    pub facts: Vec<String>,
    /// What the rows are.
    pub column: &'static str,
    /// Most first.
    pub parts: Vec<Part>,
    /// What is not listed, in words.
    pub rest: Option<String>,
}

/// A layer's part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Shown: the layer, short.
    pub name: String,
    /// Which node to select; `None` for what belongs to no layer.
    pub node: Option<String>,
    /// In the figure's own unit.
    pub value: f64,
    /// The same of the source.
    pub baseline: Option<f64>,
    /// The value with its unit.
    pub words: String,
    /// Of the whole; `None` if parts do not add up.
    pub share: Option<f64>,
}

/// The accuracy that is explained: the candidate's, or the source's while that is held.
pub fn accuracy_of(cx: PanelCtx<'_>) -> &Fresh<AccuracyFigures> {
    let figures = &cx.session.figures;
    if cx.session.hold_baseline { &figures.baseline_accuracy } else { &figures.candidate_accuracy }
}

/// The forms of the candidate; `None` while the source is held, or before they are known.
pub fn sizes_of(cx: PanelCtx<'_>) -> Option<&Sizes> {
    let sizes = &cx.session.figures.sizes;
    sizes.value.as_deref().filter(|_| !sizes.is_stale && !cx.session.hold_baseline)
}

/// How large the candidate is in its other forms, and what zeros among its weights are good for.
pub fn size_facts(sizes: &Sizes) -> Vec<String> {
    let compact = match &sizes.compact {
        Ok(compact) => format!("{} bytes as .tin, which Tinsmith's runtime decodes in place", units::exact(compact.bytes)),
        Err(error) => format!("no .tin: {error}"),
    };
    let forms = format!("Through gzip -9 {} bytes, which no device runs; {compact}.", units::exact(sizes.gzip_bytes));
    std::iter::once(forms).chain(sizes.sparsity().map(|sparsity| format!("{sparsity}."))).collect()
}

/// Whether what is known belongs to an older recipe.
pub fn is_stale(cx: PanelCtx<'_>, quantity: Quantity) -> bool {
    let figures = &cx.session.figures;
    if quantity == Quantity::Accuracy {
        let accuracy = accuracy_of(cx);
        return accuracy.is_stale && accuracy.value.is_some();
    }
    let is_candidate = figures.candidate_static.value.is_some() && !cx.session.hold_baseline;
    if is_candidate { figures.candidate_static.is_stale } else { figures.baseline_static.is_stale }
}

/// What makes up a figure of the candidate, or of the source while that is held. `None` while nothing is measured.
pub fn explain(cx: PanelCtx<'_>, quantity: Quantity) -> Option<Explanation> {
    let figures = &cx.session.figures;
    let source = figures.baseline_static.value.as_deref();
    let (statics, baseline) = match figures.candidate_static.value.as_deref() {
        _ if quantity == Quantity::Accuracy => return Some(accuracy(cx)),
        Some(candidate) if !cx.session.hold_baseline => (candidate, source),
        _ => (source?, None),
    };
    let mut of = match quantity {
        Quantity::Size => size(statics, baseline, sizes_of(cx)),
        Quantity::Ram => ram(cx, statics, baseline),
        Quantity::Macs => macs(statics, baseline),
        Quantity::Latency => time(cx, statics, baseline, false),
        Quantity::Energy => time(cx, statics, baseline, true),
        Quantity::Accuracy => return None,
    };
    let features = match quantity {
        Quantity::Ram => features::ram(cx, statics),
        Quantity::Latency => features::time(cx, statics),
        _ => None,
    };
    of.facts.extend(features.map(|words| format!("With its features: {words}.")));
    if figures.candidate_static.value.is_none() {
        of.facts.insert(0, "The recipe gives no candidate yet: these are the figures of the source.".to_owned());
    }
    Some(of)
}

/// Layers by what `get` reads, most first, with their share of `whole`.
fn layers(
    statics: &StaticFigures,
    baseline: Option<&StaticFigures>,
    whole: f64,
    get: impl Fn(&LayerFigures) -> f64,
    words: impl Fn(f64) -> String,
) -> (Vec<Part>, Option<String>) {
    let before: HashMap<&str, &LayerFigures> =
        baseline.into_iter().flat_map(|b| &b.layers).map(|l| (l.name.as_str(), l)).collect();
    let part = |l: &LayerFigures| Part {
        name: short_name(&l.name),
        node: Some(l.name.clone()),
        value: get(l),
        baseline: before.get(l.name.as_str()).map(|b| get(b)).filter(|&b| b > 0.0),
        words: words(get(l)),
        share: Some(get(l) / whole.max(f64::MIN_POSITIVE)),
    };
    let all = statics.layers.iter().map(part).filter(|part| part.value > 0.0).collect();
    most_first(all, &words)
}

fn most_first(mut all: Vec<Part>, words: impl Fn(f64) -> String) -> (Vec<Part>, Option<String>) {
    all.sort_by(|a, b| b.value.total_cmp(&a.value));
    let rest = all.split_off(all.len().min(MAX_PARTS));
    let sum: f64 = rest.iter().map(|part| part.value).sum();
    let share: f64 = rest.iter().filter_map(|part| part.share).sum();
    let rest_words = (!rest.is_empty()).then(|| format!("rest: {} more, {}, {:.1} %", rest.len(), words(sum), share * 100.0));
    (all, rest_words)
}

fn exact_bytes(n: f64) -> String {
    format!("{} B", units::exact(n as u64))
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0} %", part as f64 / whole.max(1) as f64 * 100.0)
}

fn size(statics: &StaticFigures, baseline: Option<&StaticFigures>, sizes: Option<&Sizes>) -> Explanation {
    let z = &statics.size;
    let whole = z.file_bytes;
    let (mut parts, rest) = layers(statics, baseline, whole as f64, |l| (l.weights_bytes + l.bias_bytes) as f64, exact_bytes);
    let other = z.structure_bytes + z.other_constants_bytes;
    parts.push(Part {
        name: "structure".to_owned(),
        node: None,
        value: other as f64,
        baseline: baseline.map(|b| (b.size.structure_bytes + b.size.other_constants_bytes) as f64),
        words: exact_bytes(other as f64),
        share: Some(other as f64 / whole.max(1) as f64),
    });
    parts.sort_by(|a, b| b.value.total_cmp(&a.value));
    let mut facts = vec![format!(
        "{} bytes, the exported file: weights {}, biases {}, structure with scales and names {}.",
        units::exact(whole),
        percent(z.weights_bytes, whole),
        percent(z.bias_bytes, whole),
        percent(other, whole)
    )];
    facts.extend(sizes.map(size_facts).unwrap_or_default());
    Explanation { facts, column: "weights and biases of", parts, rest }
}

fn ram(cx: PanelCtx<'_>, statics: &StaticFigures, baseline: Option<&StaticFigures>) -> Explanation {
    let arena = &statics.arena;
    // The graph has to be the one that was measured: a candidate is there before its figures are.
    let is_candidate = !cx.session.hold_baseline && cx.session.figures.candidate_static.value.is_some();
    let candidate = cx.session.candidate().filter(|_| is_candidate).map(|c| &c.graph);
    let source = cx.session.open.as_ref().map(|o| &*o.source.graph);
    let Some(graph) = candidate.or(source) else { return Explanation::default() };
    let peak = peak_op(&arena.lifetimes, graph.nodes.len());
    let before = baseline.zip(source).map(|(b, g)| bytes_by_maker(b, g)).unwrap_or_default();
    let makers = graph.producers();
    let whole = arena.arena_mcu32_bytes as f64;
    let alive = arena.lifetimes.iter().filter(|l| l.first_node <= peak && peak <= l.last_node);
    let mut all: Vec<Part> = alive
        .map(|l| {
            let node = makers.get(l.tensor.index()).copied().flatten().map(|id| graph.node(id).name.clone());
            Part {
                name: node.as_deref().map_or_else(|| "input".to_owned(), short_name),
                baseline: before.get(&node).map(|&bytes| bytes as f64),
                node,
                value: l.bytes as f64,
                words: exact_bytes(l.bytes as f64),
                share: Some(l.bytes as f64 / whole.max(1.0)),
            }
        })
        .collect();
    let persistent = arena.arena_mcu32_bytes.saturating_sub(arena.activations_bytes);
    all.push(Part {
        name: "persistent and set-up".to_owned(),
        node: None,
        value: persistent as f64,
        baseline: baseline.map(|b| b.arena.arena_mcu32_bytes.saturating_sub(b.arena.activations_bytes) as f64),
        words: exact_bytes(persistent as f64),
        share: Some(persistent as f64 / whole.max(1.0)),
    });
    let (parts, rest) = most_first(all, exact_bytes);
    let name = graph.nodes.get(peak).map_or_else(String::new, |n| format!(", {}", short_name(&n.name)));
    let facts = vec![
        format!("{} bytes: tensors alive at op {}{name}, and what stays.", units::exact(arena.arena_mcu32_bytes), peak + 1),
        format!("{}.", plan_words(arena)),
    ];
    Explanation { facts, column: "output of", parts, rest }
}

/// Bytes of each activation of the source by the name of the node that makes it; `None` is the input.
fn bytes_by_maker(statics: &StaticFigures, graph: &Graph) -> HashMap<Option<String>, u64> {
    let makers = graph.producers();
    let by_name = statics.arena.lifetimes.iter().map(|l| {
        let maker = makers.get(l.tensor.index()).copied().flatten();
        (maker.map(|id| graph.node(id).name.clone()), l.bytes)
    });
    by_name.collect()
}

fn macs(statics: &StaticFigures, baseline: Option<&StaticFigures>) -> Explanation {
    let words = |n: f64| units::count(n as u64).joined();
    let (parts, rest) = layers(statics, baseline, statics.macs as f64, |l| l.macs as f64, words);
    let facts = vec![format!(
        "{} multiply-accumulates an inference, {} operations in all.",
        units::exact(statics.macs),
        units::exact(statics.flops)
    )];
    Explanation { facts, column: "layer", parts, rest }
}

/// Latency, or energy, which is the same times the board's power.
fn time(cx: PanelCtx<'_>, statics: &StaticFigures, baseline: Option<&StaticFigures>, is_energy: bool) -> Explanation {
    let (total, what): (Option<&Estimate>, fn(f64) -> units::Figure) = if is_energy {
        (statics.energy_uj.as_ref(), units::microjoules)
    } else {
        (statics.latency_us.as_ref(), units::microseconds)
    };
    let Some(total) = total else {
        let board = cx
            .session
            .device()
            .map_or_else(|| "No board is chosen".to_owned(), |d| format!("{} has no rate for this model", d.name));
        return Explanation { facts: vec![format!("{board}, so there is nothing to estimate from.")], ..Explanation::default() };
    };
    let us = |l: &LayerFigures| l.latency_us.as_ref().map_or(0.0, |e| e.value);
    let whole: f64 = statics.layers.iter().map(us).sum();
    // Energy goes by time: each layer has the part of it that it has of the time.
    let factor = if is_energy && whole > 0.0 { total.value / whole } else { 1.0 };
    // The source's layers may be drawn at another rate, so its energy is not shown by layer.
    let baseline = baseline.filter(|_| !is_energy);
    let (parts, rest) = layers(statics, baseline, whole * factor, |l| us(l) * factor, |v| what(v).joined());
    let mut facts = vec![format!(
        "Estimated {}, between {} and {} four times out of five.",
        what(total.value).joined(),
        what(total.low).joined(),
        what(total.high).joined()
    )];
    if is_energy {
        facts.push("Time by the board's active power, so layers share it as they share the time.".to_owned());
    }
    facts.push(format!("Rate: {}", total.source));
    Explanation { facts, column: "layer", parts, rest }
}

fn accuracy(cx: PanelCtx<'_>) -> Explanation {
    let mut facts = Vec::new();
    match &accuracy_of(cx).value {
        None if cx.session.open.as_ref().is_none_or(|o| o.data.is_none()) => {
            facts.push("No data is chosen: there is nothing to evaluate on.".to_owned());
        }
        None => facts.push("Not evaluated yet.".to_owned()),
        Some(a) => {
            if let (Some(right), Some(top1)) = (a.top1_correct, a.top1()) {
                let spread = half_width(right, a.done) * 100.0;
                facts.push(format!(
                    "{right} of {} samples right, {}. So many samples tell it to ±{spread:.1} points (95 %, Wilson 1927).",
                    a.done,
                    units::percent(top1).joined()
                ));
            } else {
                facts.push("The data has no labels: agreement with the float model is shown instead.".to_owned());
            }
            if let (Some(same), Some(agreement)) = (a.agree_with_float, a.agreement()) {
                facts.push(format!(
                    "Agrees with the float model on {same} of {}, {}.",
                    a.done,
                    units::percent(agreement).joined()
                ));
            }
            if let Some(d) = a.mean_abs_difference {
                facts.push(format!("Mean difference of the outputs from the float model's: {}.", units::real(d)));
            }
        }
    }
    // The source is what the others are compared with: it loses nothing.
    let parts = if cx.session.hold_baseline { Vec::new() } else { lowest_sqnr(cx) };
    if !parts.is_empty() {
        facts.push("Layers that lose most to quantization, lowest signal-to-noise ratio first:".to_owned());
    }
    Explanation { facts, column: "layer, SQNR in dB", parts, rest: None }
}

fn lowest_sqnr(cx: PanelCtx<'_>) -> Vec<Part> {
    let (Some(errors), Some(candidate)) = (cx.session.figures.layer_errors.value.as_deref(), cx.session.candidate()) else {
        return Vec::new();
    };
    if errors.layers.len() != candidate.graph.nodes.len() {
        return Vec::new();
    }
    let mut all: Vec<Part> = candidate
        .graph
        .nodes
        .iter()
        .zip(&errors.layers)
        .filter_map(|(node, error)| {
            let db = error.as_ref()?.sqnr_db;
            db.is_finite().then(|| Part {
                name: short_name(&node.name),
                node: Some(node.name.clone()),
                value: db.max(0.0),
                baseline: None,
                words: format!("{} dB", sqnr(db)),
                share: None,
            })
        })
        .collect();
    all.sort_by(|a, b| a.value.total_cmp(&b.value));
    all.truncate(MAX_PARTS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::command::Commands;
    use crate::gui::session::Session;

    #[test]
    fn while_the_source_is_held_its_own_accuracy_is_explained() {
        let right = |n| AccuracyFigures {
            done: 100,
            total: 100,
            top1_correct: Some(n),
            agree_with_float: None,
            mean_abs_difference: None,
        };
        let (mut session, commands) = (Session::default(), Commands::default());
        session.figures.baseline_accuracy.value = Some(right(93));
        session.figures.candidate_accuracy.value = Some(right(91));
        let first_fact = |session: &Session| accuracy(PanelCtx { session, commands: &commands }).facts[0].clone();
        assert!(first_fact(&session).starts_with("91 of 100"));
        session.hold_baseline = true;
        assert!(first_fact(&session).starts_with("93 of 100"));
    }

    #[test]
    fn what_is_not_listed_is_summed_up() {
        let part = |value: f64| Part {
            name: String::new(),
            node: None,
            value,
            baseline: None,
            words: String::new(),
            share: Some(value / 100.0),
        };
        let (parts, rest) = most_first((1..=10).map(|i| part(f64::from(i))).collect(), exact_bytes);
        assert_eq!((parts.len(), parts[0].value), (MAX_PARTS, 10.0));
        assert_eq!(rest.unwrap(), "rest: 2 more, 3 B, 3.0 %");
    }
}
