//! The channels of a layer by how much they matter, and where pruning cuts: the line is dragged, moved by arrow keys, and put back
//! to the step's own fraction by a double click. Only what is let go, or confirmed with Enter, changes the recipe.

use eframe::egui::{Stroke, Ui};
use egui_plot::{Bar, BarChart};
use tinsmith_core::optimize::LayerImportances;
use tinsmith_core::recipe::{PruneChannels, PruneCriterion, Recipe, Step};

use super::grip::{dragged_to, grip_ui, presses};
use super::{group_rule, short_name};
use crate::gui::context::PanelCtx;
use crate::gui::plots::{Axis, Canvas, Frame, Marks, Reading, Table, View, actions};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::group_title;

const NAME: &str = "Channel importance plot";
const GRIP: &str = "Channels to cut";
const HEIGHT: f32 = 132.0;
/// So many tied layers are named.
const NAMED: usize = 4;

/// What is chosen for this plot.
#[derive(Debug, Default)]
pub struct ImportanceView {
    plot: View,
    drag: CutDrag,
}

/// The cut while it is being moved.
#[derive(Debug, Default)]
struct CutDrag {
    /// Of which layer.
    layer: String,
    /// How many channels go.
    n_cut: Option<usize>,
    by_keys: bool,
}

impl CutDrag {
    /// Where the cut of this layer is now. What was moved of another layer and not confirmed is forgotten.
    fn of(&mut self, layer: &str) -> Option<usize> {
        if self.layer != layer {
            *self = Self { layer: layer.to_owned(), ..Self::default() };
        }
        self.n_cut
    }

    /// Ends the movement; where it ended.
    fn end(&mut self) -> Option<usize> {
        self.by_keys = false;
        self.n_cut.take()
    }
}

/// Shows the channels of the layer that is called `layer`, if a step of the recipe prunes channels.
pub fn ui(cx: PanelCtx<'_>, view: &mut ImportanceView, layer: &str, recipe: &mut Recipe, ui: &mut Ui) {
    let Some(candidate) = cx.session.candidate() else { return };
    let Some(settings) = pruning(recipe) else { return };
    let groups = candidate.rewritten.ranked.first().into_iter().flatten();
    let Some(group) = groups.into_iter().find(|group| group.layers.iter().any(|name| name == layer)) else { return };
    let p = Palette::of(ui);
    group_rule(ui);
    let n_cut = group.channels.iter().filter(|channel| channel.is_cut).count();
    let about = format!("{n_cut} of {} cut, by {}", group.channels.len(), criterion(group.criterion));
    group_title(ui, "Channel importance", Type::Small.text(about, p.text_weak), |ui| actions(cx, &mut view.plot, NAME, ui));
    plot_ui(cx, view, layer, group, settings, ui);
    if let Some(why) = &group.fixed {
        ui.label(Type::Caption.text(format!("The channels stay: {why}."), p.amber));
    }
    if group.layers.len() > 1 {
        ui.label(Type::Caption.text(tied(&group.layers, layer), p.text_weak));
    }
}

/// The settings of the step that prunes channels.
fn pruning(recipe: &mut Recipe) -> Option<&mut PruneChannels> {
    recipe.steps.iter_mut().filter(|entry| entry.enabled).find_map(|entry| match &mut entry.step {
        Step::PruneChannels(settings) => Some(settings),
        _ => None,
    })
}

fn plot_ui(
    cx: PanelCtx<'_>,
    view: &mut ImportanceView,
    layer: &str,
    group: &LayerImportances,
    settings: &mut PruneChannels,
    ui: &mut Ui,
) {
    let p = Palette::of(ui);
    let channels = &group.channels;
    let n = channels.len();
    let made = channels.iter().filter(|channel| channel.is_cut).count();
    let drag = &mut view.drag;
    let n_cut = drag.of(layer).unwrap_or(made);
    let bars = channels.iter().enumerate().map(|(rank, channel)| {
        let goes = if drag.n_cut.is_some() { rank < n_cut } else { channel.is_cut };
        let fill = if goes { p.base_fill } else { p.accent };
        Bar::new(rank as f64, channel.importance).width(0.8).fill(fill).stroke(Stroke::NONE)
    });
    let chart = BarChart::new("", bars.collect()).color(p.accent).allow_hover(false);
    let most = channels.iter().map(|channel| channel.importance).fold(f64::MIN_POSITIVE, f64::max);
    let frame = Frame {
        name: NAME,
        subject: layer,
        summary: format!("{n} channels by importance, {made} of them cut"),
        height: HEIGHT,
        axes: [Axis::new("channel, least important first", Marks::None), Axis::new("importance", Marks::Real)],
        ranges: [(-1.0, n as f64), (0.0, most * 1.08)],
        table: Table::new(&["channel", "importance", "cut"], n, |rank| {
            let channel = channels[rank];
            vec![channel.channel.to_string(), channel.importance.to_string(), channel.is_cut.to_string()]
        }),
    };
    frame.show(
        cx,
        &mut view.plot,
        ui,
        |plot| plot.bar_chart(chart),
        |ui, canvas| {
            if group.fixed.is_none() {
                cut_ui(drag, n_cut, group, settings, canvas, ui);
            }
            let rank = canvas.pointer?.x.round();
            let channel = channels.get(usize::try_from(rank as i64).ok()?)?;
            let goes = if channel.is_cut { ", cut" } else { "" };
            let text = format!("channel {}{goes}: {}", channel.channel, units::real(channel.importance));
            Some(Reading { text, span: Some((rank - 0.5, rank + 0.5)) })
        },
    );
}

/// The line between the channels that go and those that stay.
fn cut_ui(
    drag: &mut CutDrag,
    n_cut: usize,
    group: &LayerImportances,
    settings: &mut PruneChannels,
    canvas: &Canvas<'_>,
    ui: &Ui,
) {
    let n = group.channels.len();
    let response = grip_ui(n_cut as f64 - 0.5, GRIP, canvas, ui);
    if let Some(x) = dragged_to(&response, canvas) {
        (drag.n_cut, drag.by_keys) = (Some(clamped(x + 0.5, n)), false);
    }
    let mut is_confirmed = response.drag_stopped() || response.lost_focus() && drag.by_keys;
    if let Some(keys) = presses(&response, ui) {
        if keys.steps != 0.0 {
            (drag.n_cut, drag.by_keys) = (Some(clamped(n_cut as f64 + f64::from(keys.steps), n)), true);
        }
        if keys.escape && drag.end().is_none() {
            response.surrender_focus();
        }
        is_confirmed |= keys.enter && drag.by_keys;
    }
    if response.double_clicked() {
        drag.end();
        settings.layers.retain(|name, _| !group.layers.contains(name));
    } else if is_confirmed {
        set_cut(settings, group, drag.end());
    }
}

/// A number of channels that can be cut of `n`.
fn clamped(n_cut: f64, n: usize) -> usize {
    let most = (n as f64 * f64::from(PruneChannels::MAX_FRACTION)).floor();
    n_cut.round().clamp(0.0, most) as usize
}

/// Gives a group the fraction that cuts just so many channels. Tied layers share the least of their fractions, so one of them has it.
fn set_cut(settings: &mut PruneChannels, group: &LayerImportances, n_cut: Option<usize>) {
    let (Some(n_cut), Some(first)) = (n_cut, group.layers.first()) else { return };
    settings.layers.retain(|name, _| !group.layers.contains(name));
    settings.layers.insert(first.clone(), n_cut as f32 / group.channels.len().max(1) as f32);
}

fn criterion(criterion: PruneCriterion) -> &'static str {
    match criterion {
        PruneCriterion::L1 => "L1 norm",
        PruneCriterion::L2 => "L2 norm",
        PruneCriterion::BatchNorm => "batch norm's scale",
        PruneCriterion::Activation => "activation",
    }
}

/// Which layers lose these channels too.
fn tied(layers: &[String], layer: &str) -> String {
    let others: Vec<String> = layers.iter().filter(|name| *name != layer).map(|name| short_name(name)).collect();
    let more = others.len().saturating_sub(NAMED);
    let named = others[..others.len() - more].join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Tied with {named}{more}: their channels are added up or joined with these and are cut together.")
}

#[cfg(test)]
mod tests {
    use tinsmith_core::optimize::ChannelImportance;

    use super::*;

    fn group() -> LayerImportances {
        LayerImportances {
            layers: vec!["a".into(), "b".into()],
            criterion: PruneCriterion::L2,
            fixed: None,
            channels: vec![ChannelImportance { channel: 0, importance: 1.0, is_cut: false }; 16],
        }
    }

    #[test]
    fn a_cut_is_one_fraction_for_all_tied_layers() {
        let mut settings = PruneChannels { layers: [("b".to_owned(), 0.1)].into(), ..PruneChannels::default() };
        set_cut(&mut settings, &group(), Some(6));
        assert_eq!(settings.layers, [("a".to_owned(), 0.375)].into());
        set_cut(&mut settings, &group(), None);
        assert_eq!(settings.layers.len(), 1);
    }

    #[test]
    fn a_layer_keeps_what_it_has_to() {
        assert_eq!((clamped(-3.0, 16), clamped(5.4, 16)), (0, 5));
        assert!(clamped(99.0, 16) < 16);
    }

    #[test]
    fn what_was_moved_stays_with_its_layer() {
        let mut drag = CutDrag::default();
        assert_eq!(drag.of("a"), None);
        drag.n_cut = Some(3);
        assert_eq!((drag.of("a"), drag.of("b")), (Some(3), None));
    }

    #[test]
    fn tied_layers_are_named_up_to_a_number() {
        let names: Vec<String> = (0..7).map(|i| format!("l{i}")).collect();
        assert!(tied(&names, "l0").starts_with("Tied with l1, l2, l3, l4 and 2 more:"));
        assert!(tied(&names[..2], "l1").starts_with("Tied with l0:"));
    }
}
