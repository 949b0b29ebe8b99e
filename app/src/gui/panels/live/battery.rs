//! How long a battery would last that the board listens on.

use eframe::egui::{DragValue, Label, Role, Ui, WidgetInfo};
use tinsmith_core::measure::battery::battery;

use crate::cli::units::hours;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, label_row, value_row};

/// The section's state.
#[derive(Debug)]
pub struct BatteryView {
    capacity_mah: f64,
}

impl Default for BatteryView {
    fn default() -> Self {
        Self { capacity_mah: 1000.0 }
    }
}

impl BatteryView {
    /// Shows the section.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let Some(device) = cx.session.device() else { return };
        group_title(ui, "Battery", Type::Small.text(format!("est. of {}", device.name), p.amber), |_| {});
        let Some(power) = &device.active_power else {
            let words = "No power figure with a source is known of this board.";
            ui.add(Label::new(Type::Small.text(words, p.text_weak)).wrap());
            return;
        };
        label_row(ui, "Capacity", |ui| {
            let field =
                ui.add(DragValue::new(&mut self.capacity_mah).range(1.0..=1e6).speed(10.0).max_decimals(0).suffix(" mAh"));
            field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Capacity of the battery"));
        });
        let statics = cx.session.figures.candidate_static.value.as_ref();
        let busy = statics.and_then(|statics| statics.busy(cx.session.live.settings.stride_ms));
        let of = battery(self.capacity_mah, power, busy.unwrap_or(1.0));
        let (awake, current) = (&of.awake_h, &of.current_ma);
        let words = format!("{} ({} to {})", hours(awake.value), hours(awake.low), hours(awake.high));
        value_row(ui, "Lasts, never asleep", &words).on_hover_text(format!(
            "As the exported firmware, which listens all the time. Sensors and radio are not in it. {}",
            awake.source
        ));
        value_row(ui, "Current", &format!("{:.1} mA ({:.1} to {:.1})", current.value, current.low, current.high))
            .on_hover_text(&*current.source);
        if let Some(busy) = busy.filter(|busy| *busy < 1.0) {
            let words = format!(
                "An upper bound, as if sleep took no power at all. The board computes for {} of the time",
                units::percent(busy).joined()
            );
            value_row(ui, "Asleep between steps, at most", &hours(of.most_h)).on_hover_text(words);
        }
    }
}
