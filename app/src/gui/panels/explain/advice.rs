//! What would lower a figure, in plain words. Only what the program can do today, and only with figures that are known.

use tinsmith_core::graph::Graph;
use tinsmith_core::measure::StaticFigures;
use tinsmith_core::measure::device::{Device, devices};
use tinsmith_core::ops::Op;
use tinsmith_core::recipe::{Granularity, Pack, Recipe, Step};

use crate::gui::command::Quantity;
use crate::gui::context::PanelCtx;
use crate::gui::panels::graph::{short_name, sqnr};
use crate::gui::units;

/// RAM that a scale and zero point of their own cost a dense layer's channel on TensorFlow Lite Micro.
const DENSE_CHANNEL_BYTES: u64 = 8;
/// From so much clipping on, a wider range is worth a try.
const MUCH_CLIPPED: f64 = 0.005;

/// Advice about a figure of the candidate; empty if nothing is known that would help.
pub fn advice(cx: PanelCtx<'_>, quantity: Quantity) -> Vec<String> {
    let figures = &cx.session.figures;
    let (Some(statics), Some(candidate)) = (figures.candidate_static.value.as_deref(), cx.session.candidate()) else {
        return Vec::new();
    };
    let recipe = &cx.session.edit.recipe;
    let device = cx.session.device();
    match quantity {
        Quantity::Size => {
            let mut lines = heaviest(statics);
            lines.extend(float_weights(statics, recipe));
            lines.extend(names(statics, recipe));
            lines.extend(device.and_then(|d| boards(statics.size.file_bytes, d.flash_bytes, "flash", |d| d.flash_bytes)));
            lines
        }
        Quantity::Ram => {
            let needed = statics.arena.arena_mcu32_bytes;
            let mut lines: Vec<String> = float_activations(&candidate.graph, recipe).into_iter().collect();
            lines.extend(plan(statics, recipe));
            lines.extend(dense(&candidate.graph));
            lines.extend(device.and_then(|d| boards(needed, d.ram_bytes, "RAM", |d| d.ram_bytes)));
            lines
        }
        Quantity::Macs => vec!["No step of a recipe changes the operations: only another network has fewer.".to_owned()],
        Quantity::Latency | Quantity::Energy => {
            let quantized = is_quantized(recipe);
            let int8 = (!quantized).then(|| "Quantize to int8: integer kernels have rates of their own.".to_owned());
            let board = "Another board: choose one above, the estimate follows at once.".to_owned();
            int8.into_iter().chain([board]).collect()
        }
        Quantity::Accuracy => accuracy(cx),
    }
}

fn is_quantized(recipe: &Recipe) -> bool {
    recipe.steps.iter().any(|e| matches!(&e.step, Step::Quantize(q) if e.enabled && q.scheme.is_integer()))
}

fn pack(recipe: &Recipe) -> Option<&Pack> {
    recipe.steps.iter().find_map(|e| match &e.step {
        Step::Pack(pack) if e.enabled => Some(pack),
        _ => None,
    })
}

/// `Weights are 71 % of the file, conv_4 alone 22 %.`
fn heaviest(statics: &StaticFigures) -> Vec<String> {
    let whole = statics.size.file_bytes.max(1) as f64;
    let Some(layer) = statics.layers.iter().max_by_key(|l| l.weights_bytes).filter(|l| l.weights_bytes > 0) else {
        return Vec::new();
    };
    vec![format!(
        "Weights are {:.0} % of the file, {} alone {:.0} %.",
        statics.size.weights_bytes as f64 / whole * 100.0,
        short_name(&layer.name),
        layer.weights_bytes as f64 / whole * 100.0
    )]
}

/// Float weights that int8 would store in a quarter.
fn float_weights(statics: &StaticFigures, recipe: &Recipe) -> Option<String> {
    let float: Vec<_> = statics.layers.iter().filter(|l| l.scheme == "float32" && l.weights_bytes > 0).collect();
    let bytes: u64 = float.iter().map(|l| l.weights_bytes).sum();
    let saved = units::exact(bytes - bytes / 4);
    match float[..] {
        [] => Some("All weights are quantized already.".to_owned()),
        [layer] if is_quantized(recipe) => {
            Some(format!("Quantize {}: its weights are float32, int8 takes {saved} B less.", short_name(&layer.name)))
        }
        _ => Some(format!("Quantize {} float32 layers: their weights take {saved} B less as int8.", float.len())),
    }
}

fn names(statics: &StaticFigures, recipe: &Recipe) -> Option<String> {
    if pack(recipe).is_some_and(|p| p.strip_names) {
        return None;
    }
    let bytes = units::exact(statics.size.structure_bytes);
    Some(format!("Strip names (step Pack): tensor names are part of the {bytes} B of structure, and no runtime needs them."))
}

fn float_activations(graph: &Graph, recipe: &Recipe) -> Option<String> {
    (!is_quantized(recipe) && !graph.is_integer())
        .then(|| "Quantize to int8: activations are float32, int8 stores each value in a quarter.".to_owned())
}

fn plan(statics: &StaticFigures, recipe: &Recipe) -> Option<String> {
    let saved = statics.arena.activations_bytes.saturating_sub(statics.arena.best_bytes);
    let is_on = pack(recipe).is_some_and(|p| p.plan_memory);
    (saved > 0 && !is_on).then(|| format!("Plan memory (step Pack): the best plan found takes {} B less.", units::exact(saved)))
}

/// Dense layers with a scale for each channel keep it in RAM.
fn dense(graph: &Graph) -> Option<String> {
    let channels = |node: &tinsmith_core::graph::Node| match &node.op {
        Op::FullyConnected(_) => {
            let scales = graph.input(node, 1)?.quantization.as_ref()?.scales.len();
            (scales > 1).then_some(scales as u64)
        }
        _ => None,
    };
    let n: u64 = graph.nodes.iter().filter_map(channels).sum();
    let bytes = units::exact(n * DENSE_CHANNEL_BYTES);
    (n > 0).then(|| format!("Dense layers per-tensor: 8 B of RAM a channel less, {bytes} B for {n} channels."))
}

/// Boards that hold it, if the chosen one does not.
fn boards(needed: u64, has: u64, what: &str, of: impl Fn(&Device) -> u64) -> Option<String> {
    if needed <= has {
        return None;
    }
    let enough: Vec<String> = devices().iter().filter(|d| of(d) >= needed).map(|d| d.name.clone()).collect();
    Some(match enough.len() {
        0 => format!("No board that is known here has {} of {what}.", units::bytes(needed).joined()),
        _ => format!("Boards with enough {what}: {}.", enough.join(", ")),
    })
}

fn accuracy(cx: PanelCtx<'_>) -> Vec<String> {
    let (Some(errors), Some(candidate)) = (cx.session.figures.layer_errors.value.as_deref(), cx.session.candidate()) else {
        return Vec::new();
    };
    let quantize = cx.session.edit.recipe.quantize();
    let layers = || candidate.graph.nodes.iter().zip(&errors.layers).filter_map(|(n, e)| Some((n, e.as_ref()?)));
    let mut lines = Vec::new();
    if let Some((node, error)) =
        layers().filter(|(_, e)| e.sqnr_db.is_finite()).min_by(|a, b| a.1.sqnr_db.total_cmp(&b.1.sqnr_db))
    {
        let name = short_name(&node.name);
        lines.push(format!(
            "{name} has the lowest SQNR, {} dB: keep it in float32, or try another calibrator for it.",
            sqnr(error.sqnr_db)
        ));
    }
    if let Some((node, error)) =
        layers().max_by(|a, b| a.1.clipped.total_cmp(&b.1.clipped)).filter(|(_, e)| e.clipped > MUCH_CLIPPED)
    {
        let name = short_name(&node.name);
        lines.push(format!("{:.2} % of the output of {name} is clipped: widen its range.", error.clipped * 100.0));
    }
    if quantize.is_some_and(|q| q.scheme.is_integer() && q.granularity == Granularity::PerTensor) {
        lines.push("Convolutions have one scale each: per-channel follows the weights more closely.".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_are_named_only_if_the_chosen_one_is_too_small() {
        assert_eq!(boards(1000, 2000, "RAM", |d| d.ram_bytes), None);
        let words = boards(300_000, 1000, "RAM", |d| d.ram_bytes).unwrap();
        assert!(words.starts_with("Boards with enough RAM: "), "{words}");
        assert!(boards(u64::MAX, 1000, "RAM", |d| d.ram_bytes).unwrap().starts_with("No board"));
    }

    #[test]
    fn steps_that_are_on_are_not_advised() {
        let mut statics = StaticFigures::default();
        (statics.arena.activations_bytes, statics.arena.best_bytes) = (24_000, 22_100);
        let mut recipe = Recipe::int8();
        assert_eq!((plan(&statics, &recipe), names(&statics, &recipe)), (None, None));
        recipe.steps.retain(|e| e.step.name() != "pack");
        assert!(plan(&statics, &recipe).unwrap().contains("1,900 B less"));
        assert!(names(&statics, &recipe).is_some());
    }
}
