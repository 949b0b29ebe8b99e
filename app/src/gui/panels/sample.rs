//! One sample of the data set: what the model sees, what it is, and what source and candidate say to it.

use std::sync::Arc;

use eframe::egui::{
    Align, Align2, Color32, ColorImage, DragValue, Frame, Label, Layout, Margin, Pos2, Rect, Role, ScrollArea, Sense,
    TextureHandle, TextureOptions, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use tinsmith_core::measure::accuracy::class_of;

use super::offer_data;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::plots::trace::{joined, outline, trace_ui};
use crate::gui::session::LoadedData;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{button, icon_button, panel_header, rule, small_icon, text_in, twin_bar};
use crate::worker::{Taken, Trial};

/// Height of a line of the outputs.
/// From this width on the header has room for a button with words.
const ROOM_FOR_WORDS: f32 = 348.0;
const LINE: f32 = 18.0;
/// The widest picture, in values.
const MAX_SIDE: usize = 1024;

/// The panel's view state.
#[derive(Default)]
pub struct SamplePanel {
    /// Number of the sample, from 0.
    sample: usize,
    /// A picture for each input of a sample.
    pictures: Option<(Arc<Trial>, bool, Vec<Option<TextureHandle>>)>,
}

impl SamplePanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let data = cx.session.open.as_ref().and_then(|o| o.data.as_ref());
        let n = data.map_or(0, |d| d.set.n_samples());
        self.sample = self.sample.min(n.saturating_sub(1));
        let about = data.map_or_else(String::new, |d| role(d, self.sample).to_owned());
        cx.send(Command::Need(Need::Confusion));
        let confusion = cx.session.candidate().and_then(|c| cx.session.on_demand.comparison.confusion(c)?.ok());
        let mistakes = confusion.map(|c| c.mistakes.as_slice()).unwrap_or_default();
        panel_header(ui, "Sample", &about, |ui| {
            if n > 0 {
                self.steps_ui(n, mistakes, ui);
            }
        });
        let Some(data) = data.filter(|_| n > 0) else {
            let words = "A data set shows here what the model sees, and what it says.";
            offer_data(cx, icons::WAVEFORM, "No samples", words, ui);
            return;
        };
        cx.send(Command::Need(Need::Trial(self.sample)));
        let trial = cx.session.on_demand.trial.value.as_ref().filter(|t| t.sample == self.sample);
        let Some(trial) = trial else {
            ui.centered_and_justified(|ui| ui.label(Type::Small.text("The sample is being run.", Palette::of(ui).text_faint)));
            return;
        };
        let all = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(all);
        let (upper, lower) = all.split_top_bottom_at_fraction(0.5);
        self.inputs_ui(trial, upper.shrink2(vec2(12.0, 10.0)), ui);
        ui.scope_builder(UiBuilder::new().max_rect(lower), |ui| says_ui(cx, data, trial, ui));
    }

    fn steps_ui(&mut self, n: usize, mistakes: &[usize], ui: &mut Ui) {
        let next = mistakes.iter().find(|&&i| i > self.sample).or(mistakes.first()).copied();
        let in_words = ui.available_width() > ROOM_FOR_WORDS;
        if let Some(next) = next {
            let name = "Next mistake";
            let response = if in_words { button(ui, name) } else { icon_button(ui, icons::SKIP_FORWARD, name) };
            if response.on_hover_text("The next test sample that the candidate takes for something else").clicked() {
                self.sample = next;
            }
        }
        if icon_button(ui, icons::CARET_RIGHT, "Next sample").clicked() {
            self.sample = (self.sample + 1) % n;
        }
        let p = Palette::of(ui);
        ui.label(Type::Small.text(format!("of {}", units::exact(n as u64)), p.text_weak));
        let mut number = self.sample + 1;
        let field = ui.add(DragValue::new(&mut number).range(1..=n).speed(0.25).update_while_editing(false));
        field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Number of the sample"));
        self.sample = number.saturating_sub(1).min(n - 1);
        if icon_button(ui, icons::CARET_LEFT, "Previous sample").clicked() {
            self.sample = (self.sample + n - 1) % n;
        }
    }

    /// What the inputs take, side by side.
    fn inputs_ui(&mut self, trial: &Arc<Trial>, rect: Rect, ui: &mut Ui) {
        const GAP: f32 = 8.0;
        let p = Palette::of(ui);
        if trial.inputs.is_empty() {
            ui.painter().rect_filled(rect, 2.0, p.plot);
            let words = "the sample does not fit the model's input";
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, words, Type::Small.font(), p.text_weak);
            return;
        }
        let n = trial.inputs.len() as f32;
        let size = vec2((rect.width() - (n - 1.0) * GAP) / n, rect.height());
        for index in 0..trial.inputs.len() {
            let at = rect.min + vec2(index as f32 * (size.x + GAP), 0.0);
            self.values_ui(trial, index, Rect::from_min_size(at, size), ui);
        }
    }

    /// A heat map of what has two axes, a curve of what has one.
    fn values_ui(&mut self, trial: &Arc<Trial>, index: usize, rect: Rect, ui: &mut Ui) {
        let p = Palette::of(ui);
        let Taken { shape, values } = &trial.inputs[index];
        ui.painter().rect_filled(rect, 2.0, p.plot);
        let inner = Rect::from_min_max(rect.min, rect.max - vec2(0.0, 18.0));
        let (low, high) = ends(values);
        match View::of(shape) {
            View::Curve => curve_ui(ui, inner.shrink2(vec2(0.0, 6.0)), values, (low, high)),
            View::Picture(picture) => {
                if let Some(texture) = self.texture(trial, index, ui) {
                    let scale = (inner.width() / picture.width as f32).min(inner.height() / picture.height as f32);
                    // What is not an image of pixels may be stretched to be seen better.
                    let size = if picture.turned || picture.channels == 1 && picture.height < 24 {
                        inner.size()
                    } else {
                        vec2(picture.width as f32, picture.height as f32) * scale
                    };
                    let at = Rect::from_center_size(inner.center(), size);
                    let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
                    ui.painter().image(texture.id(), at, uv, Color32::WHITE);
                }
            }
        }
        let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        let words = format!("{shape} values, {} to {}", units::real(low.into()), units::real(high.into()));
        let response = ui.interact(rect, ui.scope_id().with(("values", index)), Sense::hover());
        let of_several = if trial.inputs.len() > 1 { format!(", input {}", index + 1) } else { String::new() };
        let name = format!("Sample {}{of_several}: {words}", trial.sample + 1);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name.clone()));
        let at = rect.left_bottom() + vec2(0.0, -2.0);
        ui.painter().text(at + vec2(4.0, 0.0), Align2::LEFT_BOTTOM, words, Type::Caption.font(), p.text_faint);
    }

    /// What an input takes, as a picture.
    fn texture(&mut self, trial: &Arc<Trial>, index: usize, ui: &Ui) -> Option<&TextureHandle> {
        let is_dark = ui.visuals().dark_mode;
        let is_made = self.pictures.as_ref().is_some_and(|(of, dark, _)| Arc::ptr_eq(of, trial) && *dark == is_dark);
        if !is_made {
            let texture = |Taken { shape, values }: &Taken| {
                let View::Picture(picture) = View::of(shape) else { return None };
                let image = picture.paint(values, ends(values), Palette::of(ui))?;
                Some(ui.ctx().load_texture("sample", image, TextureOptions::NEAREST))
            };
            self.pictures = Some((Arc::clone(trial), is_dark, trial.inputs.iter().map(texture).collect()));
        }
        self.pictures.as_ref()?.2.get(index)?.as_ref()
    }
}

/// What a sample is used for.
fn role(data: &LoadedData, sample: usize) -> &'static str {
    if data.roles.calibration.contains(&sample) {
        "calibrates"
    } else if data.roles.test.contains(&sample) {
        "tests"
    } else {
        "not used"
    }
}

/// Least and greatest value.
fn ends(values: &[f32]) -> (f32, f32) {
    let of = values.iter().filter(|v| v.is_finite());
    let (low, high) = of.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

/// How a sample is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Curve,
    Picture(Picture),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Picture {
    width: usize,
    height: usize,
    /// 3 for colours, else 1.
    channels: usize,
    /// The first axis runs to the right: frames in time.
    turned: bool,
}

impl View {
    fn of(shape: &[usize]) -> Self {
        let axes: Vec<usize> = shape.iter().copied().filter(|&n| n > 1).collect();
        let picture = |height, width, channels, turned| Self::Picture(Picture { width, height, channels, turned });
        let view = match (axes.as_slice(), shape.last()) {
            (&[height, width, 3], Some(3)) => picture(height, width, 3, false),
            (&[frames, bands], _) if frames > 2 * bands => picture(bands, frames, 1, true),
            (&[height, width], _) => picture(height, width, 1, false),
            _ => Self::Curve,
        };
        match view {
            Self::Picture(p) if p.width > MAX_SIDE || p.height > MAX_SIDE => Self::Curve,
            view => view,
        }
    }
}

impl Picture {
    /// `None` if there are not as many values as the shape says.
    fn paint(self, values: &[f32], (low, high): (f32, f32), p: &Palette) -> Option<ColorImage> {
        if values.len() != self.width * self.height * self.channels {
            return None;
        }
        let share = |v: f32| ((v - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        let pixel = |x: usize, y: usize| match (self.channels, self.turned) {
            (3, _) => {
                let at = (y * self.width + x) * 3;
                let level = |i: usize| (share(values[at + i]) * 255.0) as u8;
                Color32::from_rgb(level(0), level(1), level(2))
            }
            // Frames to the right, the first band at the bottom.
            (_, true) => p.heat_at(share(values[x * self.height + (self.height - 1 - y)])),
            (_, false) => p.heat_at(share(values[y * self.width + x])),
        };
        let pixels = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
        Some(ColorImage::new([self.width, self.height], pixels))
    }
}

/// The values from left to right; more than there are pixels are drawn as their range in each column.
fn curve_ui(ui: &Ui, rect: Rect, values: &[f32], ends: (f32, f32)) {
    let mut columns = outline(values, rect.width().max(1.0) as usize);
    if columns.len() < values.len() {
        joined(&mut columns);
    }
    trace_ui(ui, rect, &columns, ends, Palette::of(ui).base);
}

/// What it is, and a bar for each output of source and candidate.
fn says_ui(cx: PanelCtx<'_>, data: &LoadedData, trial: &Trial, ui: &mut Ui) {
    let p = Palette::of(ui);
    rule(ui);
    let label = data.set.labels.as_deref().and_then(|l| l.get(trial.sample)).map(|l| *l as usize);
    let source = trial.source.as_deref().unwrap_or_default();
    let candidate = trial.candidate.as_ref().and_then(|c| c.as_deref().ok()).unwrap_or_default();
    let n = source.len().max(candidate.len());
    // A data set may hold fewer classes than the model tells apart.
    let names_fit = (1..=n).contains(&data.set.label_names.len());
    let name = |i: usize| {
        let named = data.set.label_names.get(i).filter(|_| names_fit);
        named.cloned().unwrap_or_else(|| format!("output {}", i + 1))
    };
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.add_space(12.0);
        let is = label.and_then(|l| data.set.label_names.get(l).cloned());
        ui.label(Type::Figure.text(is.unwrap_or_else(|| format!("Sample {}", trial.sample + 1)), p.text));
        if names_fit && n > 1 {
            let has_room = ui.available_width() > 200.0;
            verdict_ui(ui, "source", class_of(source), label, has_room && !source.is_empty(), &name, p.base);
            verdict_ui(ui, "candidate", class_of(candidate), label, !candidate.is_empty(), &name, p.accent_text);
        }
    });
    for (who, why) in
        [("the source", trial.source.as_ref().err()), ("the candidate", trial.candidate.as_ref().and_then(|c| c.as_ref().err()))]
    {
        if let Some(why) = why {
            Frame::new().inner_margin(Margin::symmetric(12, 0)).show(ui, |ui| {
                ui.add(Label::new(Type::Small.text(format!("{who} cannot run it: {why}"), p.amber)).wrap());
            });
        }
    }
    let most = source.iter().chain(candidate).copied().fold(f32::MIN_POSITIVE, f32::max);
    let is_stale = cx.session.on_demand.trial.is_stale;
    ScrollArea::vertical().id_salt("outputs").auto_shrink([false, false]).show_rows(ui, LINE, n, |ui, rows| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for i in rows {
            let both = (source.get(i).copied(), candidate.get(i).copied());
            output_ui(ui, &name(i), both, most, label == Some(i) && names_fit, is_stale);
        }
    });
}

/// Who says what, and whether that is right.
fn verdict_ui(
    ui: &mut Ui,
    who: &str,
    said: usize,
    label: Option<usize>,
    is_there: bool,
    name: &dyn Fn(usize) -> String,
    ink: Color32,
) {
    let p = Palette::of(ui);
    if !is_there {
        return;
    }
    ui.add_space(8.0);
    ui.spacing_mut().item_spacing.x = 4.0;
    ui.label(Type::Caption.text(who, ink));
    if let Some(label) = label {
        let (icon, colour) = if label == said { (icons::CHECK, p.green) } else { (icons::X, p.amber) };
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| small_icon(ui, icon, colour));
    }
    ui.label(Type::Small.text(name(said), p.text));
}

fn output_ui(
    ui: &mut Ui,
    name: &str,
    (source, candidate): (Option<f32>, Option<f32>),
    most: f32,
    is_label: bool,
    is_stale: bool,
) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    let cell = |left: f32, right: f32| Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
    let left = rect.left() + 12.0 + (rect.width() * 0.24).min(100.0);
    let (kind, ink) = if is_label { (Type::SmallMedium, p.accent_text) } else { (Type::Small, p.text_weak) };
    text_in(ui, cell(rect.left() + 12.0, left), true, name, kind, ink);
    let track = cell(left + 8.0, rect.right() - 56.0).shrink2(vec2(0.0, 5.0));
    let share = |v: Option<f32>| v.map(|v| v / most);
    if track.width() > 8.0 {
        twin_bar(ui, track, share(source), share(candidate));
    }
    let said = |v: Option<f32>| v.map_or_else(|| units::NONE.to_owned(), |v| format!("{v:.2}"));
    let ink = if is_stale { p.text_faint } else { p.text };
    text_in(ui, cell(rect.right() - 52.0, rect.right() - 12.0), true, &said(candidate.or(source)), Type::Small, ink);
    let words = format!("{name}: source {}, candidate {}", said(source), said(candidate));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    response.on_hover_text(words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_run_to_the_right_and_pictures_stay_upright() {
        let picture = |width, height, channels, turned| View::Picture(Picture { width, height, channels, turned });
        assert_eq!(View::of(&[49, 10, 1]), picture(49, 10, 1, true));
        assert_eq!(View::of(&[32, 32, 3]), picture(32, 32, 3, false));
        assert_eq!(View::of(&[28, 28]), picture(28, 28, 1, false));
        assert_eq!(View::of(&[640]), View::Curve);
    }

    #[test]
    fn a_picture_needs_as_many_values_as_it_has_pixels() {
        let View::Picture(picture) = View::of(&[3, 2]) else { panic!("two axes are a picture") };
        let p = Palette::named(eframe::egui::Theme::Dark, false);
        let image = picture.paint(&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], (0.0, 1.0), p).unwrap();
        assert_eq!((image.pixels[0], image.pixels[1]), (p.heat_at(0.0), p.heat_at(1.0)));
        assert!(picture.paint(&[0.0; 5], (0.0, 1.0), p).is_none());
    }
}
