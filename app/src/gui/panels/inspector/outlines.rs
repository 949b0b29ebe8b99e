//! Histograms of several layers over each other, as outlines with their names beside them.

use eframe::egui::{Align2, Color32, Ui, pos2};
use egui_plot::{Line, PlotPoints};

use crate::gui::context::PanelCtx;
use crate::gui::plots::{Axis, Canvas, Frame, Reading, Table, View};
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

    fn percent(&self, i: usize) -> f64 {
        self.counts[i] as f64 / self.total() as f64 * 100.0
    }

    fn edge(&self, i: usize) -> f64 {
        self.low + i as f64 * self.bin
    }

    fn most(&self) -> f64 {
        (0..self.counts.len()).map(|i| self.percent(i)).fold(0.0, f64::max)
    }

    fn steps(&self) -> Vec<[f64; 2]> {
        let corners = (0..self.counts.len()).flat_map(|i| {
            let y = self.percent(i);
            [[self.edge(i), y], [self.edge(i + 1), y]]
        });
        corners.collect()
    }

    /// Where the name goes: the right flank at this fraction of the peak.
    fn flank(&self, fraction: f64) -> Option<[f64; 2]> {
        let high = self.most() * fraction;
        let i = (0..self.counts.len()).rev().find(|&i| self.percent(i) >= high)?;
        Some([self.edge(i + 1), high])
    }
}

/// Shows the outlines.
pub fn ui(cx: PanelCtx<'_>, view: &mut View, name: &'static str, subject: &str, axes: [Axis; 2], all: Vec<Outline>, ui: &mut Ui) {
    let left = all.iter().map(|o| o.low).fold(f64::INFINITY, f64::min);
    let right = all.iter().map(|o| o.edge(o.counts.len())).fold(f64::NEG_INFINITY, f64::max);
    let most = all.iter().map(Outline::most).fold(0.0, f64::max);
    let rows: Vec<(usize, usize)> = all.iter().enumerate().flat_map(|(k, o)| (0..o.counts.len()).map(move |i| (k, i))).collect();
    let lines: Vec<(Vec<[f64; 2]>, Color32)> = all.iter().map(|o| (o.steps(), o.colour)).collect();
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
        axes,
        ranges: [(left, right), (0.0, most)],
        table: Table::new(&["layer", "from, real", "to, real", "values"], rows.len(), row),
    };
    frame.show(
        cx,
        view,
        ui,
        |plot| {
            for (points, colour) in lines {
                plot.line(Line::new("", PlotPoints::from(points)).color(colour).width(1.25).allow_hover(false));
            }
        },
        |ui, canvas| {
            names_ui(&all, canvas, ui);
            read(&all, canvas.pointer?.x)
        },
    );
}

/// Each name at another height of its own line, so that none lies on another.
fn names_ui(all: &[Outline], canvas: &Canvas<'_>, ui: &Ui) {
    let frame = canvas.rect();
    let mut lowest = frame.top();
    for (k, outline) in all.iter().enumerate() {
        let Some([x, y]) = outline.flank(0.86 - 0.2 * k as f64) else { continue };
        let y = canvas.y(y).max(lowest + 7.0);
        lowest = y + 7.0;
        let at = pos2((canvas.x(x) + 4.0).min(frame.right() - 4.0), y);
        let is_right = at.x > frame.right() - 80.0;
        let align = if is_right { Align2::RIGHT_CENTER } else { Align2::LEFT_CENTER };
        ui.painter_at(frame).text(at, align, &outline.name, Type::Caption.font(), outline.colour);
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
