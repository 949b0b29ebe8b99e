//! The data set that is open: what it holds, what its samples are used for, how its classes are balanced.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{Frame, Label, Margin, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::data::{DataSet, Values};

use super::offer_data;
use crate::gui::command::Action;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::panels::layout_choice;
use crate::gui::session::{LoadedData, Open};
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, icon_button, panel_header, rule, sentence_row, stacked_bar, text_in, value_row};

/// The panel's view state: samples counted by class.
#[derive(Debug, Default)]
pub struct DataSetPanel {
    counted: Option<(Arc<DataSet>, Vec<Class>)>,
}

/// How many samples of a class there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Class {
    name: String,
    n_calibration: usize,
    n_test: usize,
    n_other: usize,
}

impl Class {
    fn n(&self) -> usize {
        self.n_calibration + self.n_test + self.n_other
    }
}

impl DataSetPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let Some(open) = &cx.session.open else { return };
        let data = open.data.as_ref();
        panel_header(ui, "Data set", data.map_or("", |d| d.set.name.as_str()), |ui| {
            if data.is_some() && icon_button(ui, icons::X, Action::RemoveData.name()).clicked() {
                cx.commands.act(Action::RemoveData);
            }
            if icon_button(ui, icons::FOLDER_OPEN, "Choose another data set").clicked() {
                cx.commands.act(Action::ChooseData);
            }
        });
        let Some(data) = data else {
            let words = "Samples find ranges and measure accuracy: an .npz or .npy file, or a folder of clips.";
            offer_data(cx, icons::DATABASE, "No data set", words, ui);
            return;
        };
        self.count(data);
        let classes = self.counted.as_ref().map(|(_, classes)| classes.as_slice()).unwrap_or_default();
        ScrollArea::vertical().id_salt("data set").auto_shrink([false, false]).show(ui, |ui| {
            let margin = Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 10, bottom: 12 };
            Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                facts_ui(data, ui);
                layout_ui(cx, ui);
                section(ui);
                splits_ui(data, ui);
                section(ui);
                classes_ui(data, classes, ui);
            });
        });
    }

    fn count(&mut self, data: &LoadedData) {
        if !self.counted.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, &data.set)) {
            self.counted = Some((Arc::clone(&data.set), classes(data)));
        }
    }
}

fn section(ui: &mut Ui) {
    ui.add_space(8.0);
    rule(ui);
    ui.add_space(8.0);
}

fn classes(data: &LoadedData) -> Vec<Class> {
    let Some(labels) = data.set.labels.as_deref() else { return Vec::new() };
    let name = |i: usize| data.set.label_names.get(i).cloned().unwrap_or_else(|| format!("class {i}"));
    let class = |i: usize| (i, Class { name: name(i), ..Class::default() });
    // Those that have a name, and those that occur: without names a label may be any number.
    let mut classes: BTreeMap<usize, Class> = (0..data.set.label_names.len()).map(class).collect();
    for label in labels {
        classes.entry(*label as usize).or_insert_with_key(|&i| class(i).1).n_other += 1;
    }
    let mut used = |samples: &[usize], of: fn(&mut Class) -> &mut usize| {
        for label in samples.iter().filter_map(|&i| labels.get(i)) {
            let Some(class) = classes.get_mut(&(*label as usize)) else { continue };
            *of(class) += 1;
            class.n_other = class.n_other.saturating_sub(1);
        }
    };
    used(&data.roles.calibration, |c| &mut c.n_calibration);
    used(&data.roles.test, |c| &mut c.n_test);
    classes.into_values().collect()
}

fn facts_ui(data: &LoadedData, ui: &mut Ui) {
    let set = &*data.set;
    let file = data.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    value_row(ui, "File", &file).on_hover_text(data.path.display().to_string());
    value_row(ui, "Samples", &units::exact(set.n_samples() as u64));
    for input in set.arrays() {
        let of = |what: &str| if set.more.is_empty() { what.to_owned() } else { format!("{what}, {}", input.array) };
        array_ui(input, of, ui);
    }
    let labels = match (&set.labels, set.label_names.len()) {
        (None, _) => "none: agreement with float is shown instead of accuracy".to_owned(),
        (Some(_), 0) => "without names".to_owned(),
        (Some(_), n) => format!("{n} classes"),
    };
    value_row(ui, "Labels", &labels);
    let hash: String = set.hash.iter().map(|b| format!("{b:02x}")).collect();
    value_row(ui, "blake3", &hash[..16]).on_hover_text(hash);
}

/// What one input takes; `of` says of which it is.
fn array_ui(set: &DataSet, of: impl Fn(&str) -> String, ui: &mut Ui) {
    let shape = set.sample_shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
    value_row(ui, &of("Shape of a sample"), &shape);
    let element = match &set.values {
        Values::F32(_) => "float32",
        Values::I8(_) => "int8",
        Values::U8(_) => "uint8",
        Values::I16(_) => "int16",
    };
    value_row(ui, &of("Values"), element);
    if let Some(scale) = set.scale {
        value_row(ui, &of("Values mean"), &format!("(q - {}) × {}", set.zero_point, units::real(scale.into())));
    }
}

/// Where the samples have their channels, if that has to be said.
fn layout_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let is_asked = cx.session.is_layout_asked();
    let is_open = cx.session.open.as_ref().is_some_and(Open::is_layout_open);
    if !is_open && cx.session.edit.layout.is_none() {
        return;
    }
    let p = Palette::of(ui);
    section(ui);
    group_title(ui, "Channels of a sample", "", |_| {});
    layout_choice::ui(cx, ui);
    ui.add_space(4.0);
    let (icon, colour, words) = match (is_asked, is_open) {
        (true, _) => (icons::WARNING, p.amber, "The shape fits the model's input either way: say which it is."),
        (false, true) => (icons::INFO, p.text_weak, "The shape fits the model's input either way."),
        (false, false) => (icons::INFO, p.text_weak, "The shape tells by itself."),
    };
    sentence_row(ui, icon, colour, words, false);
}

/// What samples are used for, as parts of a bar.
fn splits_ui(data: &LoadedData, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (n_calibration, n_test) = (data.roles.calibration.len(), data.roles.test.len());
    let n_other = data.set.n_samples().saturating_sub(n_calibration + n_test);
    group_title(ui, "Splits", "", |_| {});
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let words = format!("{n_calibration} to calibrate, {n_test} to test, {n_other} not used");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    let parts = [(n_calibration, p.base), (n_test, p.base_fill), (n_other, p.plot)];
    stacked_bar(ui, rect, &parts, data.set.n_samples());
    ui.add_space(4.0);
    value_row(ui, "Calibration, finds ranges", &units::exact(n_calibration as u64));
    value_row(ui, "Test, never used for ranges", &units::exact(n_test as u64));
    if n_other > 0 {
        value_row(ui, "Not used", &units::exact(n_other as u64));
    }
    if let Some(note) = &data.roles.note {
        ui.add_space(4.0);
        sentence_row(ui, icons::INFO, p.text_weak, note, false);
    }
}

fn classes_ui(data: &LoadedData, classes: &[Class], ui: &mut Ui) {
    let p = Palette::of(ui);
    group_title(ui, "Classes", Type::Small.text("calibration, then test", p.text_weak), |_| {});
    if classes.is_empty() {
        let words = if data.set.labels.is_some() { "There are no samples." } else { "The samples have no labels." };
        ui.add(Label::new(Type::Small.text(words, p.text_weak)).wrap());
        return;
    }
    let most = classes.iter().map(Class::n).max().unwrap_or(1);
    for class in classes {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
        let words = format!("Class {}: {} to calibrate, {} to test", class.name, class.n_calibration, class.n_test);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        if !ui.is_rect_visible(rect) {
            continue;
        }
        let name = (rect.width() * 0.28).min(110.0);
        let cell = |left: f32, right: f32| Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        text_in(ui, cell(rect.left(), rect.left() + name), true, &class.name, Type::Caption, p.text_weak);
        text_in(ui, cell(rect.right() - 40.0, rect.right()), true, &units::exact(class.n() as u64), Type::Caption, p.text_weak);
        let track = cell(rect.left() + name + 8.0, rect.right() - 44.0).shrink2(vec2(0.0, 4.0));
        if track.width() > 4.0 {
            stacked_bar(
                ui,
                track,
                &[(class.n_calibration, p.base), (class.n_test, p.base_fill), (class.n_other, p.control)],
                most,
            );
        }
        response.on_hover_text(words);
    }
}
