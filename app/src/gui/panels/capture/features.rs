//! What the model sees of a clip: the stages of the project's features, each with its settings and what it makes.

use std::sync::Arc;

use eframe::egui::{
    Color32, ColorImage, CornerRadius, Frame, Label, Margin, Pos2, Rect, Role, ScrollArea, Sense, TextureHandle, TextureOptions,
    Ui, WidgetInfo, pos2, vec2,
};
use tinsmith_core::data::features::{Form, Pipeline, Signal, Stage, StageInfo, describe_stages, parse_stage, preset, presets};

use super::ask;
use crate::gui::capture::{Ask, MadeStages as Made};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::panels::explain::features::time;
use crate::gui::panels::parameters::{Settable, parameters_ui};
use crate::gui::plots::trace::{outline, trace_ui};
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{button, group_title, icon_button, panel_header, rule, select, sentence_row};

/// Height of what a stage makes.
const PICTURE: f32 = 72.0;
/// Columns that a series is drawn in.
const COLUMNS: usize = 512;
/// Pixels of a picture, across and up.
const MOST_PIXELS: usize = 2048;
/// Rows of a figure that are listed.
const MOST_ROWS: usize = 8;

impl Settable for Stage {
    fn word(&self, key: &str) -> Option<String> {
        self.parameter(key)
    }

    fn set_word(&mut self, key: &str, word: &str) -> bool {
        self.set_parameter(key, word).is_some()
    }
}

/// The panel's view state.
pub struct FeaturesPanel {
    /// What stages there are.
    known: Vec<StageInfo>,
    /// The stage whose settings are shown.
    open: Option<usize>,
    /// What stages make as it is drawn, of which answer, and in which theme.
    drawn: Option<(Arc<Made>, bool, Vec<Drawn>)>,
}

impl Default for FeaturesPanel {
    fn default() -> Self {
        Self { known: describe_stages(), open: None, drawn: None }
    }
}

/// What a stage makes, as it is drawn: made once, since a frame must not go over all of a long recording.
enum Drawn {
    /// Maps and pictures.
    Picture(TextureHandle),
    /// The range of each channel in columns.
    Curves(Vec<Vec<(f32, f32)>>),
}

/// What to do to the list of stages.
enum Change {
    Remove(usize),
    Up(usize),
}

impl FeaturesPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, features: &mut Option<Pipeline>, ui: &mut Ui) {
        let made = cx.session.capture.stages.made().cloned();
        let about = made.as_ref().map_or("", |made| made.of.item.file.rsplit('/').next().unwrap_or_default());
        panel_header(ui, "Features", about, |ui| {
            if features.is_some() && icon_button(ui, icons::X, "Feed samples as they are").clicked() {
                *features = None;
            }
        });
        ask(cx, Ask::ShowStages);
        ScrollArea::vertical().id_salt("features").auto_shrink([false, false]).show(ui, |ui| {
            let margin = Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 8, bottom: 12 };
            Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                match features {
                    None => begin_ui(features, ui),
                    Some(pipeline) => self.stages_ui(cx, pipeline, made.as_ref(), ui),
                }
            });
        });
    }

    fn stages_ui(&mut self, cx: PanelCtx<'_>, pipeline: &mut Pipeline, made: Option<&Arc<Made>>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let made = made.filter(|made| made.of.pipeline == *pipeline);
        let outcome = made.map(|made| made.outcome.as_ref());
        if let Some(Err(why)) = outcome {
            sentence_row(ui, icons::WARNING, p.amber, why, false);
            ui.add_space(4.0);
        }
        if let Some(made) = made {
            self.paint(made, ui);
        }
        let pieces = outcome.and_then(Result::ok).map(|(_, pieces)| pieces.as_slice()).unwrap_or_default();
        let (mut change, mut wants_fit, mut is_known) = (None, false, true);
        for (index, stage) in pipeline.stages.iter_mut().enumerate() {
            let made = pieces.get(index).map(Vec::as_slice).unwrap_or_default();
            change = self.stage_ui(index, stage, made, ui).or(change);
            if let Stage::Normalise(settings) = stage {
                wants_fit |= settings.wants_fit();
                is_known &= settings.is_known();
            }
        }
        match change {
            Some(Change::Remove(index)) => drop(pipeline.stages.remove(index)),
            Some(Change::Up(index)) => pipeline.stages.swap(index - 1, index),
            None => {}
        }
        if change.is_some() {
            self.open = None;
        }
        self.add_ui(pipeline, ui);
        if wants_fit {
            ui.add_space(6.0);
            let words = if is_known {
                "Statistics made of the clips that do not test would take the place of what is set, and be kept in the project."
            } else {
                "A stage needs the statistics of the data: made of the clips that do not test, and kept in the project."
            };
            sentence_row(ui, icons::INFO, p.text_weak, words, false);
            if button(ui, "Make the statistics").clicked() {
                ask(cx, Ask::Fit);
            }
        }
        if let Some(words) = cx.session.shown_static().and_then(|statics| time(cx, statics)) {
            ui.add_space(6.0);
            rule(ui);
            sentence_row(ui, icons::CLOCK, p.amber, &words, false);
        }
    }

    /// A stage: its name, what it makes, and its settings if they are asked for.
    fn stage_ui(&mut self, index: usize, stage: &mut Stage, made: &[Signal], ui: &mut Ui) -> Option<Change> {
        let p = Palette::of(ui);
        let info = self.known.iter().find(|info| info.name == stage.name())?;
        let mut change = None;
        let is_open = self.open == Some(index);
        group_title(ui, info.title, Type::Small.text(shape_of(made), p.text_weak), |ui| {
            if icon_button(ui, icons::X, &format!("Remove {}", info.title)).clicked() {
                change = Some(Change::Remove(index));
            }
            if index > 0 && icon_button(ui, icons::ARROW_UP, &format!("Move {} up", info.title)).clicked() {
                change = Some(Change::Up(index));
            }
            let (icon, name) = if is_open { (icons::CARET_UP, "Fold") } else { (icons::SLIDERS_HORIZONTAL, "Settings of") };
            if !info.parameters.is_empty() && icon_button(ui, icon, &format!("{name} {}", info.title)).clicked() {
                self.open = if is_open { None } else { Some(index) };
            }
        });
        if is_open {
            ui.add(Label::new(Type::Caption.text(info.help, p.text_faint)).wrap());
            ui.push_id(index, |ui| parameters_ui(stage, &info.parameters, ui));
        }
        if let Some(signal) = made.first() {
            let drawn = self.drawn.as_ref().and_then(|(_, _, drawn)| drawn.get(index));
            signal_ui(ui, signal, drawn, info.title);
        }
        ui.add_space(8.0);
        change
    }

    fn add_ui(&self, pipeline: &mut Pipeline, ui: &mut Ui) {
        let mut chosen = String::new();
        let mut options = vec![(String::new(), "Add a stage")];
        options.extend(self.known.iter().map(|info| (info.name.to_owned(), info.title)));
        if select(ui, "Add a stage", &mut chosen, &options, 160.0).changed()
            && let Ok(stage) = parse_stage(&chosen)
        {
            pipeline.stages.push(stage);
        }
    }

    /// Paints maps and pictures, once for each answer.
    fn paint(&mut self, made: &Arc<Made>, ui: &Ui) {
        let is_dark = ui.visuals().dark_mode;
        if self.drawn.as_ref().is_some_and(|(of, dark, _)| Arc::ptr_eq(of, made) && *dark == is_dark) {
            return;
        }
        let p = Palette::of(ui);
        let pieces = made.outcome.as_ref().map(|(_, pieces)| pieces.as_slice()).unwrap_or_default();
        let draw = |(index, pieces): (usize, &Vec<Signal>)| {
            let Some(signal) = pieces.first() else { return Drawn::Curves(Vec::new()) };
            let texture = |image| ui.ctx().load_texture(format!("stage {index}"), image, TextureOptions::NEAREST);
            image_of(signal, |part| p.heat_at(part))
                .map(texture)
                .map_or_else(|| Drawn::Curves(curves_of(signal, p.series.len())), Drawn::Picture)
        };
        let drawn = pieces.iter().enumerate().map(draw).collect();
        self.drawn = Some((Arc::clone(made), is_dark, drawn));
    }
}

/// The first channels of a series.
fn curves_of(signal: &Signal, most: usize) -> Vec<Vec<(f32, f32)>> {
    let n = if signal.form == Form::Series { signal.channels.len().min(most) } else { 0 };
    (0..n).map(|channel| outline(&signal.channel(channel), COLUMNS)).collect()
}

/// No features yet: samples are fed as they are.
fn begin_ui(features: &mut Option<Pipeline>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let words = "The model sees recordings as they are. Most see features: choose what it was trained with; the same code goes \
                 into the firmware.";
    ui.add(Label::new(Type::Small.text(words, p.text_weak)).wrap());
    ui.add_space(6.0);
    for of in presets() {
        if button(ui, of.name).clicked()
            && let Ok(pipeline) = preset(of.name)
        {
            *features = Some(pipeline);
        }
        ui.add(Label::new(Type::Caption.text(of.help, p.text_faint)).wrap());
        ui.add_space(4.0);
    }
    ui.add_space(4.0);
    if button(ui, "Begin with no stage").clicked() {
        *features = Some(Pipeline::default());
    }
}

/// `49 × 10, of 3 pieces`.
fn shape_of(made: &[Signal]) -> String {
    let Some(first) = made.first() else { return String::new() };
    let mut shape = first.shape();
    if shape.len() > 1 && shape.last() == Some(&1) {
        shape.pop();
    }
    match made.len() {
        1 => units::shape(&shape),
        n => format!("{}, {n} pieces", units::shape(&shape)),
    }
}

/// Time to the right, the first bin at the bottom; pictures upright.
fn image_of(signal: &Signal, colour: impl Fn(f32) -> Color32) -> Option<ColorImage> {
    let n_channels = signal.channels.len();
    let ends = signal
        .values
        .iter()
        .filter(|v| v.is_finite())
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    let heat = |value: f32| colour(((value - ends.0) / (ends.1 - ends.0).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0));
    // Extents across and up, and the place of a pixel's value counted in values of one channel.
    type Place = fn(usize, usize, usize, usize) -> usize;
    let (columns, lines, place): (usize, usize, Place) = match (&signal.form, signal.shape().as_slice()) {
        (Form::Map { .. }, &[frames, bins, _]) => (frames, bins, |x, y, _, bins| x * bins + (bins - 1 - y)),
        (Form::Picture { .. }, &[lines, columns, _]) => (columns, lines, |x, y, columns, _| y * columns + x),
        _ => return None,
    };
    // More pixels than a screen has are left out: the card takes no more either.
    let (step_x, step_y) = (columns.div_ceil(MOST_PIXELS).max(1), lines.div_ceil(MOST_PIXELS).max(1));
    let (width, height) = (columns.div_ceil(step_x), lines.div_ceil(step_y));
    let pixel = |(x, y): (usize, usize)| heat(signal.values[place(x * step_x, y * step_y, columns, lines) * n_channels]);
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(pixel).collect();
    (width > 0 && height > 0).then(|| ColorImage::new([width, height], pixels))
}

fn signal_ui(ui: &mut Ui, signal: &Signal, drawn: Option<&Drawn>, name: &str) {
    let p = Palette::of(ui);
    if let Form::Table { rows } = &signal.form {
        let n_channels = signal.channels.len().max(1);
        for (row, values) in rows.iter().zip(signal.values.chunks_exact(n_channels)).take(MOST_ROWS) {
            let words = values.iter().map(|value| units::real((*value).into())).collect::<Vec<_>>().join("  ");
            crate::gui::widgets::value_row(ui, row, &words);
        }
        return;
    }
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), PICTURE), Sense::hover());
    let unit = signal.channels.first().map_or("", |channel| channel.unit.as_str());
    let words = format!("{name}: {} at {:.1} a second {unit}", units::shape(&signal.shape()), signal.rate_hz);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
    ui.painter().rect_filled(rect, CornerRadius::same(2), p.plot);
    match drawn {
        Some(Drawn::Picture(texture)) => {
            let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
            ui.painter().image(texture.id(), rect, uv, Color32::WHITE);
        }
        Some(Drawn::Curves(all)) => {
            let ends =
                all.iter().flatten().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), (low, high)| (a.min(*low), b.max(*high)));
            for (index, columns) in all.iter().enumerate() {
                let colour = if all.len() == 1 { p.base } else { p.series[index] };
                trace_ui(ui, rect.shrink2(vec2(0.0, 3.0)), columns, ends, colour);
            }
        }
        None => {}
    }
    response.on_hover_text(words);
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::Axis;

    use super::*;

    #[test]
    fn long_maps_and_wide_pictures_are_thinned_to_what_a_card_takes() {
        let grey = |part: f32| Color32::from_gray((part * 255.0) as u8);
        let signal = |form, n_values: usize| {
            let values = (0..n_values).map(|i| i as f32).collect();
            Signal { rate_hz: 50.0, form, channels: Axis::unnamed(1), values }
        };
        let map = signal(Form::Map { bins: vec![0.0, 1.0, 2.0], unit: "" }, 3 * 9000);
        let image = image_of(&map, grey).expect("a picture");
        assert_eq!(image.size, [1800, 3], "each fifth frame, all bins");
        // The first bin is at the bottom, and the last frame's pixel is that of a frame which is there.
        let heat = |value: f32| grey(value / (3.0 * 9000.0 - 1.0));
        assert_eq!((image[(0, 2)], image[(1799, 0)]), (heat(0.0), heat(8995.0 * 3.0 + 2.0)));
        let picture = signal(Form::Picture { width: 2049 }, 2049 * 4);
        assert_eq!(image_of(&picture, grey).expect("a picture").size, [1025, 4]);
        assert!(image_of(&signal(Form::Picture { width: 4 }, 0), grey).is_none());
    }

    #[test]
    fn long_series_are_drawn_in_few_columns_that_keep_their_peaks() {
        let mut values = vec![0.0; 1_000_000];
        values[777_777] = 5.0;
        let curves = curves_of(&Signal { rate_hz: 16e3, form: Form::Series, channels: Axis::unnamed(1), values }, 3);
        assert_eq!(curves.len(), 1);
        assert!(curves[0].len() <= COLUMNS && curves[0].iter().any(|(_, high)| *high == 5.0));
    }
}
