//! What to write for the firmware, and where.

use eframe::egui::{Align, Align2, Context, Layout, Ui, Vec2, Window, vec2};

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{primary_button, text_button};

/// The dialog's state.
#[derive(Debug, Default)]
pub struct ExportPanel {
    /// Whether it is shown.
    pub is_open: bool,
}

/// What the export holds: file and what it is for.
const FILES: [(&str, &str); 2] = [
    (".tflite", "the model, for TensorFlow Lite Micro and other runtimes"),
    ("C sources", "the model as an array, with arena size, operators, quantization and golden samples"),
];

impl ExportPanel {
    /// Shows the dialog, if it is open.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ctx: &Context) {
        let mut is_open = self.is_open && cx.session.open.is_some();
        Window::new("Export for the firmware")
            .open(&mut is_open)
            .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
            .collapsible(false)
            .resizable(false)
            .default_width(460.0)
            .show(ctx, |ui| {
                if self.contents_ui(cx, ui) {
                    self.is_open = false;
                }
            });
        self.is_open &= is_open;
    }

    /// True once the dialog is to be closed.
    fn contents_ui(&self, cx: PanelCtx<'_>, ui: &mut Ui) -> bool {
        let p = Palette::of(ui);
        let figures = &cx.session.figures;
        for (suffix, about) in FILES {
            ui.horizontal(|ui| {
                ui.allocate_ui_with_layout(vec2(80.0, 20.0), Layout::left_to_right(Align::Center), |ui| {
                    ui.set_width(80.0);
                    ui.label(Type::Mono.text(suffix, p.text));
                });
                ui.label(Type::Small.text(about, p.text_weak));
            });
        }
        ui.add_space(8.0);
        let statics = figures.candidate_static.value.as_deref();
        let words = match (statics, &figures.failure) {
            (_, Some(why)) => why.clone(),
            (Some(s), None) => format!(
                "{} bytes of flash, {} bytes of arena",
                units::exact(s.size.file_bytes),
                units::exact(s.arena.arena_mcu32_bytes)
            ),
            (None, None) => "The candidate is still being made.".to_owned(),
        };
        ui.label(Type::Small.text(words, if figures.failure.is_some() { p.amber } else { p.text_weak }));
        let is_ready = figures.candidate.value.is_some() && !figures.candidate.is_stale && figures.failure.is_none();
        ui.add_space(8.0);
        let line = vec2(ui.available_width(), 32.0);
        ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
            let chosen = ui.add_enabled_ui(is_ready, |ui| primary_button(ui, "Choose a folder").clicked()).inner;
            if chosen {
                cx.send(Command::ChooseExportFolder);
            }
            chosen || text_button(ui, "Close").clicked()
        })
        .inner
    }
}
