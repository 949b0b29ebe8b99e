//! How the clips are spread over classes and splits, what is wrong with them, and taking them for the model.

use eframe::egui::{DragValue, Frame, Label, Margin, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::data::level::Trouble;
use tinsmith_core::data::library::filter::ClassCount;
use tinsmith_core::data::library::split::{Keep, Plan};

use super::ask;
use crate::gui::capture::{Ask, ChosenBy, ClipEdit, Counts, MOST_KEPT};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{
    Slider, button, empty_state, group_title, label_row, panel_header, primary_button, rule, segmented_named, sentence_row,
    slider, stacked_bar, switch, text_in, value_row,
};

/// The panel's view state: how clips are to be split.
#[derive(Debug)]
pub struct ClassesPanel {
    calibration: f64,
    test: f64,
    by_person: bool,
    seed: u64,
    /// How many clips are to calibrate.
    count: usize,
    choice: Choice,
}

/// How they are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Chance,
    Ranges,
}

impl Default for ClassesPanel {
    fn default() -> Self {
        Self { calibration: 20.0, test: 80.0, by_person: false, seed: 1, count: 20, choice: Choice::Chance }
    }
}

impl ClassesPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let capture = &cx.session.capture;
        let library = capture.library().filter(|library| !library.items.is_empty());
        let about =
            library.as_ref().map_or(String::new(), |library| format!("{} clips", units::exact(library.items.len() as u64)));
        panel_header(ui, "Classes", &about, |_| {});
        if library.is_none() {
            empty_state(
                ui,
                icons::TAG,
                "No clips yet",
                "How many there are of each label, and what they are for, is shown here.",
                None,
            );
            return;
        }
        ask(cx, Ask::ShowCounts);
        let counts = capture.counts.as_deref();
        ScrollArea::vertical().id_salt("classes").auto_shrink([false, false]).show(ui, |ui| {
            let margin = Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 10, bottom: 12 };
            Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                counts.iter().for_each(|counts| balance_ui(&counts.balance, ui));
                section(ui);
                self.splits_ui(cx, counts.is_some_and(|counts| counts.is_split), ui);
                section(ui);
                self.calibration_ui(cx, ui);
                section(ui);
                counts.iter().for_each(|counts| checks_ui(cx, counts, ui));
            });
        });
    }

    fn splits_ui(&mut self, cx: PanelCtx<'_>, is_split: bool, ui: &mut Ui) {
        let p = Palette::of(ui);
        group_title(ui, "Splits", Type::Small.text("every class alike", p.text_weak), |ui| {
            let field = ui.add(DragValue::new(&mut self.seed).range(0..=u64::from(u32::MAX)).prefix("seed "));
            field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Seed: another one gives other splits"));
        });
        let percent = |name| Slider { name, range: 0.0..=100.0, default: 20.0, step: 5.0, decimals: 0, unit: "%" };
        label_row(ui, "Calibrate", |ui| slider(ui, &mut self.calibration, &percent("Part that calibrates")));
        self.test = self.test.min(100.0 - self.calibration);
        label_row(ui, "Test", |ui| slider(ui, &mut self.test, &percent("Part that tests")));
        self.calibration = self.calibration.min(100.0 - self.test);
        label_row(ui, "Persons", |ui| {
            switch(ui, &mut self.by_person, "Keep persons together");
            ui.label(Type::Small.text("keep together", p.text_weak));
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if button(ui, "Split").on_hover_text("Puts every clip into a split; undo brings the old ones back").clicked() {
                let keep = if self.by_person { Keep::Groups } else { Keep::Recordings };
                let plan = Plan { test: self.test / 100.0, calibration: self.calibration / 100.0, keep, seed: self.seed };
                ask(cx, Ask::Edit(ClipEdit::Split(plan)));
            }
            ui.add_enabled_ui(is_split, |ui| {
                let response =
                    primary_button(ui, "Use as data").on_hover_text("The model is calibrated and measured with these clips");
                if response.on_disabled_hover_text("Split the clips first: what calibrates must not test").clicked() {
                    ask(cx, Ask::UseAsData);
                }
            });
        });
    }

    /// Other clips to calibrate with; those that test are left alone.
    fn calibration_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        group_title(ui, "Calibration", Type::Small.text("never with what tests", p.text_weak), |_| {});
        label_row(ui, "Clips", |ui| {
            let field = ui.add(DragValue::new(&mut self.count).range(1..=100_000));
            field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "How many clips calibrate"));
            let options = [(Choice::Chance, "by chance"), (Choice::Ranges, "by ranges")];
            segmented_named(ui, "How they are chosen", &mut self.choice, &options).on_hover_text(
                "By chance takes as many of each class. By ranges takes the clips that together reach the ends of most tensors' ranges",
            );
        });
        ui.add_space(4.0);
        let capture = &cx.session.capture;
        ui.horizontal(|ui| {
            if capture.choosing.is_some() {
                ui.spinner();
                ui.label(Type::Small.text("the model is run", p.text_weak));
                return;
            }
            let is_possible = self.choice == Choice::Chance || cx.session.open.is_some();
            ui.add_enabled_ui(is_possible, |ui| {
                let response = button(ui, "Choose").on_hover_text("Undo brings the ones before back");
                if response.on_disabled_hover_text("Open a model first: its ranges choose").clicked() {
                    let by = if self.choice == Choice::Chance { ChosenBy::Chance(self.seed) } else { ChosenBy::Ranges };
                    ask(cx, Ask::Calibrate(self.count, by));
                }
            });
        });
    }
}

fn section(ui: &mut Ui) {
    ui.add_space(8.0);
    rule(ui);
    ui.add_space(8.0);
}

/// A bar for each class: training, calibration, test, and what is in no split.
fn balance_ui(balance: &[ClassCount], ui: &mut Ui) {
    let p = Palette::of(ui);
    let most = balance.iter().map(ClassCount::total).max().unwrap_or(1);
    for count in balance.iter().filter(|count| count.total() > 0) {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
        let [none, train, calibration, test] = count.items;
        let name = count.label.as_deref().unwrap_or("no label");
        let words = format!("{name}: {train} to train, {calibration} to calibrate, {test} to test, {none} in no split");
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        if !ui.is_rect_visible(rect) {
            continue;
        }
        let cell = |left: f32, right: f32| Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        let left = rect.left() + (rect.width() * 0.28).min(110.0);
        text_in(ui, cell(rect.left(), left), true, name, Type::Caption, p.text_weak);
        text_in(
            ui,
            cell(rect.right() - 40.0, rect.right()),
            true,
            &units::exact(count.total() as u64),
            Type::Caption,
            p.text_weak,
        );
        let track = cell(left + 8.0, rect.right() - 44.0).shrink2(vec2(0.0, 4.0));
        let parts = [(calibration, p.base), (test, p.base_fill), (train, p.accent_line), (none, p.control)];
        stacked_bar(ui, track, &parts, most);
        response.on_hover_text(words);
    }
}

/// What is wrong with clips, and with the set as a whole.
fn checks_ui(cx: PanelCtx<'_>, counts: &Counts, ui: &mut Ui) {
    let p = Palette::of(ui);
    let digests = &cx.session.capture.digests;
    let library = &counts.library;
    // The newest, of as many as are kept.
    let known: Vec<_> = library.items.iter().rev().take(MOST_KEPT).filter_map(|item| digests.of(item)).collect();
    let about = format!("{} of {} clips looked at", units::exact(known.len() as u64), units::exact(library.items.len() as u64));
    group_title(ui, "Checks", Type::Small.text(about, p.text_weak), |_| {});
    for trouble in Trouble::ALL {
        let n = known.iter().filter(|digest| digest.troubles.contains(&trouble)).count();
        value_row(ui, trouble.text(), &units::exact(n as u64));
    }
    let findings = &counts.findings;
    if !findings.is_empty() {
        ui.add_space(6.0);
    }
    for finding in findings.iter().take(8) {
        sentence_row(ui, icons::WARNING, p.amber, finding, false);
    }
    if findings.len() > 8 {
        ui.add(Label::new(Type::Caption.text(format!("and {} more", findings.len() - 8), p.text_faint)));
    }
}
