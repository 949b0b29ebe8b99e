//! Controls of a step.

use eframe::egui::Ui;
use tinsmith_core::optimize::{parameter, set_parameter};
use tinsmith_core::recipe::Step;

use crate::gui::panels::parameters::{self, Settable};
use crate::gui::steps;

impl Settable for Step {
    fn word(&self, key: &str) -> Option<String> {
        parameter(self, key)
    }

    fn set_word(&mut self, key: &str, word: &str) -> bool {
        set_parameter(self, key, word).is_some()
    }
}

/// Shows everything that can be set.
pub(super) fn parameters_ui(step: &mut Step, ui: &mut Ui) {
    if let Some(info) = steps::described(step) {
        parameters::parameters_ui(step, &info.parameters, ui);
    }
}
