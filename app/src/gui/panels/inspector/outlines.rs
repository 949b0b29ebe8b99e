//! Histograms of several layers over each other, as lines with their names beside them.

use eframe::egui::{Align2, Color32, Ui, pos2};
use egui_plot::{Line, PlotPoints, PlotUi};

use crate::gui::context::PanelCtx;
use crate::gui::plots::{Axis, Canvas, Frame, Marks, Reading, Scale, Table, View};
use crate::gui::theme::Type;
use crate::gui::units;

const HEIGHT: f32 = 164.0;

/// One layer's histogram.
pub struct Outline {
    /// The layer, short.
    pub name: String,
    /// Of its line and its name.
    pub colour: Color32,
    /// Lower edge of the first bin.
    pub low: f64,
    /// Width of a bin.
    pub bin: f64,
    /// Values in each bin.
    pub counts: Vec<u64>,
}

impl Outline {
    fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>().max(1)
    }

    /// How many of 10,000 values lie in a bin: layers of different sizes are compared by it.
    fn share(&self, i: usize) -> f64 {
        self.counts[i] as f64 / self.total() as f64 * 10_000.0
    }

    fn edge(&self, i: usize) -> f64 {
        self.low + i as f64 * self.bin
    }

    fn most(&self) -> f64 {
        (0..self.counts.len()).map(|i| self.share(i)).fold(0.0, f64::max)
    }

    /// A line through the middles of the bins.
    fn line(&self, scale: Scale) -> Vec<[f64; 2]> {
        (0..self.counts.len()).map(|i| [self.edge(i) + self.bin / 2.0, scale.position(self.share(i))]).collect()
    }
}

/// Shows the outlines.
pub fn ui(
    cx: PanelCtx<'_>,
    view: &mut View,
    name: &'static str,
    subject: &str,
    [across, up]: [&'static str; 2],
    all: Vec<Outline>,
    ui: &mut Ui,
) {
    let scale = view.scale;
    let left = all.iter().map(|o| o.low).fold(f64::INFINITY, f64::min);
    let right = all.iter().map(|o| o.edge(o.counts.len())).fold(f64::NEG_INFINITY, f64::max);
    let most = all.iter().map(Outline::most).fold(0.0, f64::max);
    let rows: Vec<(usize, usize)> = all.iter().enumerate().flat_map(|(k, o)| (0..o.counts.len()).map(move |i| (k, i))).collect();
    let lines: Vec<(Vec<[f64; 2]>, Color32)> = all.iter().map(|o| (o.line(scale), o.colour)).collect();
    let row = |r: usize| {
        let (k, i) = rows[r];
        let o = &all[k];
        vec![o.name.clone(), (o.edge(i) as f32).to_string(), (o.edge(i + 1) as f32).to_string(), o.counts[i].to_string()]
    };
    let names: Vec<&str> = all.iter().map(|o| o.name.as_str()).collect();
    let frame = Frame {
        name,
        subject,
        summary: format!("{} over each other", names.join(", ")),
        height: HEIGHT,
        axes: [Axis::new(across, Marks::Real), Axis::new(up, Marks::Count(scale))],
        ranges: [(left, right), (0.0, scale.position(most))],
        table: Table::new(&["layer", "from, real", "to, real", "values"], rows.len(), row),
    };
    frame.show(
        cx,
        view,
        ui,
        |plot| paint_lines(lines, plot),
        |ui, canvas| {
            names_ui(all.iter().map(|o| (o.name.as_str(), o.colour)), canvas, ui);
            read(&all, canvas.pointer?.x)
        },
    );
}

/// Lines over each other, each in a colour of its own. What is read of them is said by the one who knows what they are.
pub fn paint_lines(lines: Vec<(Vec<[f64; 2]>, Color32)>, plot: &mut PlotUi<'_>) {
    for (points, colour) in lines {
        plot.line(Line::new("", PlotPoints::from(points)).color(colour).width(1.25).allow_hover(false));
    }
}

/// The names of several layers below each other, each in the colour of its line.
pub fn names_ui<'a>(names: impl Iterator<Item = (&'a str, Color32)>, canvas: &Canvas<'_>, ui: &Ui) {
    let frame = canvas.rect();
    for (k, (name, colour)) in names.enumerate() {
        let at = pos2(frame.right() - 6.0, frame.top() + 3.0 + 14.0 * k as f32);
        ui.painter_at(frame).text(at, Align2::RIGHT_TOP, name, Type::Caption.font(), colour);
    }
}

fn read(all: &[Outline], x: f64) -> Option<Reading> {
    let line = |o: &Outline| {
        let i = ((x - o.low) / o.bin).floor();
        let n = o.counts.get(usize::try_from(i as i64).ok().filter(|_| i >= 0.0)?)?;
        let share = *n as f64 / o.total() as f64 * 100.0;
        let (from, to) = (units::real(o.edge(i as usize)), units::real(o.edge(i as usize + 1)));
        Some(format!("{}: {} values, {share:.1} %, between {from} and {to}", o.name, units::exact(*n)))
    };
    let lines: Vec<String> = all.iter().filter_map(line).collect();
    (!lines.is_empty()).then(|| Reading { text: lines.join("\n"), span: Some((x, x)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_different_sizes_are_compared_by_shares() {
        let outline = |counts: Vec<u64>| Outline { name: String::new(), colour: Color32::WHITE, low: -1.0, bin: 0.5, counts };
        let (small, large) = (outline(vec![1, 3]), outline(vec![100, 300]));
        assert_eq!(small.line(Scale::Lin), [[-0.75, 2500.0], [-0.25, 7500.0]]);
        assert_eq!(small.line(Scale::Log), large.line(Scale::Log));
    }
}
