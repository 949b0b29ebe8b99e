//! The recipe: one card a step, with a switch, its few controls, and what it did.

use eframe::egui::{CornerRadius, Frame, Label, Margin, ScrollArea, Stroke, Ui};
use tinsmith_core::optimize::StepOutcome;
use tinsmith_core::recipe::{Calibrator, Entry, Granularity, IoType, Pack, Quantize, Recipe, Scheme, Step};

use crate::gui::command::{Action, Command};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, RADIUS_CARD, Type};
use crate::gui::units;
use crate::gui::widgets::{
    Slider, button, icon_button, label_row, panel_header, rule, segmented, select, slider, small_icon, switch,
};

/// Names of the calibrators with their customary parameter, as offered in cards and overrides.
pub const CALIBRATORS: [(Calibrator, &str); 5] = [
    (Calibrator::MinMax, "min / max"),
    (Calibrator::MovingAverage { momentum: 0.9 }, "moving average"),
    (Calibrator::Percentile { keep: 99.99 }, "percentile"),
    (Calibrator::Mse, "least squared error"),
    (Calibrator::Entropy, "entropy (KL)"),
];

/// Shows the recipe and edits it.
pub fn ui(cx: PanelCtx<'_>, recipe: &mut Recipe, ui: &mut Ui) {
    let n = recipe.steps.len();
    let about = if n == 1 { "1 step".to_owned() } else { format!("{n} steps") };
    panel_header(ui, "Recipe", &about, |ui| {
        let reset = Action::ResetRecipe;
        if icon_button(ui, reset.icon(), reset.name()).clicked() {
            cx.commands.act(reset);
        }
    });
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: 8, right: 8, top: 8, bottom: 8 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            failure_ui(cx, ui);
            for (i, entry) in recipe.steps.iter_mut().enumerate() {
                ui.push_id(i, |ui| card_ui(cx, i, entry, ui));
            }
            totals_ui(cx, ui);
        });
    });
}

/// Why the recipe gives no candidate, and what to do.
fn failure_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let Some(why) = &cx.session.figures.failure else { return };
    Frame::new().fill(p.amber_soft).corner_radius(CornerRadius::same(RADIUS_CARD)).inner_margin(Margin::symmetric(10, 8)).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                small_icon(ui, icons::WARNING, p.amber);
                ui.label(Type::Caption.text(why, p.text));
            });
            let has_data = cx.session.open.as_ref().is_some_and(|o| o.data.is_some());
            if !has_data && button(ui, Action::ChooseData.name()).clicked() {
                cx.commands.act(Action::ChooseData);
            }
        },
    );
}

fn card_ui(cx: PanelCtx<'_>, index: usize, entry: &mut Entry, ui: &mut Ui) {
    let p = Palette::of(ui);
    let title = match &entry.step {
        Step::CleanUp(_) => "Clean up",
        Step::FuseBatchNorm(_) => "Fuse batch norm",
        Step::Equalize(_) => "Equalize",
        Step::AbsorbBias(_) => "Absorb bias",
        Step::Quantize(_) => "Quantize",
        Step::Pack(_) => "Pack",
    };
    Frame::new()
        .fill(p.raised)
        .stroke(Stroke::new(1.0, p.card_line))
        .corner_radius(CornerRadius::same(RADIUS_CARD))
        .inner_margin(Margin::symmetric(10, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal(|ui| {
                ui.set_min_height(22.0);
                switch(ui, &mut entry.enabled, &format!("{title} on"));
                let colour = if entry.enabled { p.text } else { p.text_faint };
                ui.label(Type::Title.text(title, colour));
                ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                    let about = if entry.enabled { about_step(cx, index) } else { "off".to_owned() };
                    ui.label(Type::Caption.text(about, p.text_weak));
                });
            });
            if !entry.enabled {
                return;
            }
            match &mut entry.step {
                Step::Quantize(q) => quantize_ui(cx, q, ui),
                Step::Pack(pack) => pack_ui(cx, pack, ui),
                _ => {}
            }
            report_ui(cx, index, ui);
        });
}

fn about_step(cx: PanelCtx<'_>, index: usize) -> String {
    let report = cx.session.candidate().and_then(|c| c.steps.iter().find(|s| s.index == index));
    match report.map(|r| r.outcome) {
        Some(StepOutcome::Applied) => "applied".to_owned(),
        Some(StepOutcome::Skipped) => "cannot apply".to_owned(),
        None => String::new(),
    }
}

/// What the step did, or why it could not.
fn report_ui(cx: PanelCtx<'_>, index: usize, ui: &mut Ui) {
    let p = Palette::of(ui);
    let Some(report) = cx.session.candidate().and_then(|c| c.steps.iter().find(|s| s.index == index)) else { return };
    if report.text.is_empty() {
        return;
    }
    card_rule(ui);
    let is_stale = cx.session.figures.candidate.is_stale;
    let (icon, colour) = match report.outcome {
        StepOutcome::Applied => (None, if is_stale { p.text_faint } else { p.text_weak }),
        StepOutcome::Skipped => (Some(icons::WARNING), p.amber),
    };
    ui.horizontal_wrapped(|ui| {
        if let Some(icon) = icon {
            small_icon(ui, icon, colour);
        }
        ui.label(Type::Caption.text(&report.text, colour));
    });
}

fn card_rule(ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(eframe::egui::vec2(ui.available_width(), 5.0), eframe::egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, p.line));
}

fn quantize_ui(cx: PanelCtx<'_>, q: &mut Quantize, ui: &mut Ui) {
    label_row(ui, "Scheme", |ui| {
        let width = ui.available_width();
        select(
            ui,
            "Scheme",
            &mut q.scheme,
            &[(Scheme::Int8, "int8, full integer"), (Scheme::Float32, "float32, as it came")],
            width,
        )
    });
    if q.scheme == Scheme::Float32 && q.overrides.is_empty() {
        return;
    }
    let granularities = [(Granularity::PerTensor, "per-tensor"), (Granularity::PerChannel, "per-channel")];
    label_row(ui, "Granularity", |ui| segmented(ui, &mut q.granularity, &granularities))
        .on_hover_text("Scales of convolution weights: one for all, or one for each output channel.");
    label_row(ui, "Dense", |ui| ui.push_id("dense", |ui| segmented(ui, &mut q.fully_connected, &granularities)).inner)
        .on_hover_text("Scales of dense layers. Per-channel costs 8 bytes of RAM a channel on TensorFlow Lite Micro.");
    calibrator_ui("Calibrator", &mut q.calibrator, ui);
    samples_ui(cx, q, ui);
    label_row(ui, "In and out", |ui| {
        let types = [(IoType::Int8, "int8"), (IoType::UInt8, "uint8"), (IoType::Float32, "float32")];
        segmented(ui, &mut q.io, &types)
    })
    .on_hover_text("Type of the model's inputs and outputs. Others than int8 add QUANTIZE and DEQUANTIZE at the ends.");
    label_row(ui, "Correct bias", |ui| switch(ui, &mut q.correct_bias, "Correct bias"))
        .on_hover_text("Shifts each bias by the mean error that rounding the weights makes over the calibration samples.");
    overrides_ui(cx, q, ui);
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

fn pack_ui(cx: PanelCtx<'_>, pack: &mut Pack, ui: &mut Ui) {
    let p = Palette::of(ui);
    label_row(ui, "Strip names", |ui| switch(ui, &mut pack.strip_names, "Strip names"))
        .on_hover_text("Leaves out tensor names, signatures and descriptions: they take flash and no runtime needs them.");
    label_row(ui, "Plan memory", |ui| {
        let response = switch(ui, &mut pack.plan_memory, "Plan memory");
        if let Some(arena) = cx.session.figures.candidate_static.value.as_ref().map(|s| &s.arena) {
            let saved = arena.greedy_bytes.saturating_sub(arena.best_bytes);
            let words =
                if saved == 0 { "as the runtime plans".to_owned() } else { format!("saves {}", units::bytes(saved).joined()) };
            ui.label(Type::Caption.text(words, p.text_weak));
        }
        response
    })
    .on_hover_text("Writes the better arena plan into the file, which TensorFlow Lite Micro then follows.");
}

/// Source and result below the cards.
fn totals_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let figures = &cx.session.figures;
    let (base, candidate) = (figures.baseline_static.value.as_deref(), figures.candidate_static.value.as_deref());
    if base.is_none() && candidate.is_none() {
        return;
    }
    ui.add_space(4.0);
    rule(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    let rows = [("source", base, p.text_faint), ("after the recipe", candidate, p.accent_text)];
    for (name, statics, colour) in rows {
        ui.horizontal(|ui| {
            ui.label(Type::Caption.text(name, colour));
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                let words = statics.map_or_else(
                    || units::NONE.to_owned(),
                    |s| {
                        format!(
                            "{}    {} RAM",
                            units::bytes(s.size.file_bytes).joined(),
                            units::bytes(s.arena.arena_mcu32_bytes).joined()
                        )
                    },
                );
                ui.label(Type::Caption.text(words, colour));
            });
        });
    }
}
