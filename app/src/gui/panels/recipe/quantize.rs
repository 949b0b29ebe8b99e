//! The controls of quantization. They are more than its description says: samples have an end, overrides lead to their layers.

use eframe::egui::{Label, Ui};
use tinsmith_core::preview::progressive::Goal;
use tinsmith_core::recipe::{Calibrator, Granularity, IoType, Quantize, Scheme, WeightRange, WeightRounding};

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{Slider, label_row, segmented, select, slider, switch, text_button};

/// Names of the calibrators with their customary parameter, as offered in cards and overrides.
pub const CALIBRATORS: [(Calibrator, &str); 5] = [
    (Calibrator::MinMax, "min / max"),
    (Calibrator::MovingAverage { momentum: 0.9 }, "moving average"),
    (Calibrator::Percentile { keep: 99.99 }, "percentile"),
    (Calibrator::Mse, "least squared error"),
    (Calibrator::Entropy, "entropy (KL)"),
];

/// What the model may become, as the card offers it.
const SCHEMES: [(Scheme, &str); Scheme::ALL.len()] = [
    (Scheme::Float32, "float32, as it came"),
    (Scheme::Float16, "float16 weights"),
    (Scheme::Dynamic, "dynamic range, int8 weights"),
    (Scheme::Int16x8, "int16 activations, int8 weights"),
    (Scheme::Int8, "int8, full integer"),
    (Scheme::Int4Blocks, "int4 weights in blocks"),
    (Scheme::Int4, "int4 weights"),
    (Scheme::Ternary, "ternary weights"),
    (Scheme::Binary, "binary weights"),
];

/// Percent of samples whose class stays, to start with.
const AGREEMENT: f64 = 99.0;

/// Shows the controls of quantization.
pub(super) fn quantize_ui(cx: PanelCtx<'_>, q: &mut Quantize, ui: &mut Ui) {
    label_row(ui, "Scheme", |ui| {
        let width = ui.available_width();
        select(ui, "Scheme", &mut q.scheme, &SCHEMES, width)
    });
    if !q.needs_calibration() && q.schemes().all(|scheme| scheme != Scheme::Dynamic) {
        return;
    }
    weights_ui(q, ui);
    if q.needs_calibration() {
        activations_ui(cx, q, ui);
    }
    lowering_ui(cx, ui);
    overrides_ui(cx, q, ui);
}

/// Fewer bits while the answers stay the float model's; where there are test samples to tell by.
fn lowering_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    if let Some(lowering) = &cx.session.lowering {
        label_row(ui, "Fewer bits", |ui| {
            if text_button(ui, "Stop").clicked() {
                cx.send(Command::StopLowering);
            }
            ui.add(Label::new(Type::Small.text(lowering.words(), p.text_weak)).truncate());
        });
        return;
    }
    if cx.session.accuracies().1.is_none_or(|figures| figures.agreement().is_none()) {
        return;
    }
    let id = ui.scope_id().with("agreement to keep");
    let mut share = ui.data(|d| d.get_temp::<f64>(id)).unwrap_or(AGREEMENT);
    let of = Slider { name: "Agreement", range: 80.0..=100.0, default: AGREEMENT, step: 0.1, decimals: 1, unit: "%" };
    let row = label_row(ui, "Agreement", |ui| slider(ui, &mut share, &of));
    row.on_hover_text("Samples that have to get the float model's class when bits are lowered.");
    ui.data_mut(|d| d.insert_temp(id, share));
    let lower = label_row(ui, "", |ui| text_button(ui, "Lower the bits while it holds"));
    let lower = lower.on_hover_text("Tries 16, 8 and 4 bits, then 4 bits layer by layer, and keeps the last that holds.");
    if lower.clicked() {
        cx.send(Command::Lower(Goal::Agreement(share / 100.0)));
    }
}

/// What becomes of weights.
fn weights_ui(q: &mut Quantize, ui: &mut Ui) {
    let granularities = [(Granularity::PerTensor, "per-tensor"), (Granularity::PerChannel, "per-channel")];
    label_row(ui, "Granularity", |ui| segmented(ui, &mut q.granularity, &granularities))
        .on_hover_text("Scales of convolution weights: one for all, or one for each output channel.");
    label_row(ui, "Dense", |ui| ui.push_id("dense", |ui| segmented(ui, &mut q.fully_connected, &granularities)).inner)
        .on_hover_text("Scales of dense layers. Per-channel costs 8 bytes of RAM a channel on TensorFlow Lite Micro.");
    if !matches!(q.scheme, Scheme::Ternary | Scheme::Binary | Scheme::Int4Blocks) {
        let ranges = [(WeightRange::Largest, "largest"), (WeightRange::Mse, "least error")];
        label_row(ui, "Weight range", |ui| segmented(ui, &mut q.weight_range, &ranges))
            .on_hover_text("The largest weight is the largest integer, or some are clipped where that makes the others finer.");
    }
}

/// What becomes of activations, and what samples are good for.
fn activations_ui(cx: PanelCtx<'_>, q: &mut Quantize, ui: &mut Ui) {
    let roundings = [(WeightRounding::Nearest, "nearest"), (WeightRounding::Adaptive, "adaptive")];
    label_row(ui, "Rounding", |ui| segmented(ui, &mut q.rounding, &roundings)).on_hover_text(
        "Each weight to its nearest integer, or to those that change a layer's output least over the calibration samples.",
    );
    calibrator_ui("Calibrator", &mut q.calibrator, ui);
    label_row(ui, "Symmetric", |ui| switch(ui, &mut q.symmetric, "Symmetric"))
        .on_hover_text("Activations have the zero point 0: less exact where values have one sign.");
    samples_ui(cx, q, ui);
    label_row(ui, "In and out", |ui| {
        let types = [(IoType::Int8, "int8"), (IoType::UInt8, "uint8"), (IoType::Float32, "float32")];
        segmented(ui, &mut q.io, &types)
    })
    .on_hover_text("Type of the model's inputs and outputs. Others than int8 add QUANTIZE and DEQUANTIZE at the ends.");
    label_row(ui, "Correct bias", |ui| switch(ui, &mut q.correct_bias, "Correct bias"))
        .on_hover_text("Shifts each bias by the mean error that rounding the weights makes over the calibration samples.");
}

/// The calibrator and its parameter, as a card's and as an override's control.
pub fn calibrator_ui(name: &str, calibrator: &mut Calibrator, ui: &mut Ui) {
    let same_kind = |a: &Calibrator, b: &Calibrator| std::mem::discriminant(a) == std::mem::discriminant(b);
    label_row(ui, name, |ui| {
        // A choice by kind: the parameter in the list is only where it starts.
        let mut kind = CALIBRATORS.iter().find(|(c, _)| same_kind(c, calibrator)).map_or(Calibrator::MinMax, |(c, _)| *c);
        let width = ui.available_width();
        if select(ui, name, &mut kind, &CALIBRATORS, width).changed() {
            *calibrator = kind;
        }
    });
    match calibrator {
        Calibrator::Percentile { keep } => {
            let of = Slider { name: "Keep", range: 99.0..=100.0, default: 99.99, step: 0.01, decimals: 2, unit: "%" };
            parameter_ui(ui, &of, keep);
        }
        Calibrator::MovingAverage { momentum } => {
            let of = Slider { name: "Momentum", range: 0.0..=0.999, default: 0.9, step: 0.01, decimals: 3, unit: "" };
            parameter_ui(ui, &of, momentum);
        }
        Calibrator::MinMax | Calibrator::Mse | Calibrator::Entropy => {}
    }
}

fn parameter_ui(ui: &mut Ui, of: &Slider<'_>, parameter: &mut f32) {
    let mut value = f64::from(*parameter);
    if label_row(ui, of.name, |ui| slider(ui, &mut value, of)).changed() {
        *parameter = value as f32;
    }
}

fn samples_ui(cx: PanelCtx<'_>, q: &mut Quantize, ui: &mut Ui) {
    let p = Palette::of(ui);
    let available = cx.session.open.as_ref().and_then(|o| o.data.as_ref()).map_or(0, |d| d.roles.calibration.len());
    label_row(ui, "Samples", |ui| {
        if available == 0 {
            ui.label(Type::Small.text("no calibration data", p.amber));
            return;
        }
        let all = available as f64;
        let of = Slider { name: "Samples", range: 1.0..=all, default: all, step: 1.0, decimals: 0, unit: "" };
        let mut value = q.samples.map_or(all, |n| n as f64).min(all);
        if slider(ui, &mut value, &of).changed() {
            let n = value.round() as usize;
            q.samples = (n < available).then_some(n);
        }
    });
}

fn overrides_ui(cx: PanelCtx<'_>, q: &mut Quantize, ui: &mut Ui) {
    let p = Palette::of(ui);
    q.overrides.retain(|_, o| !o.is_empty());
    label_row(ui, "Overrides", |ui| {
        if q.overrides.is_empty() {
            ui.add(Label::new(Type::Small.text("none; choose a layer to set its own", p.text_faint)).truncate());
            return;
        }
        ui.horizontal_wrapped(|ui| {
            for name in q.overrides.keys() {
                if ui.link(Type::Small.text(name, p.accent_text)).clicked() {
                    cx.send(Command::Select(Some(name.clone())));
                }
            }
        });
    });
}
