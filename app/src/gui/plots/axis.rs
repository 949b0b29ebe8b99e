//! Axes: their names, their marks, and the switch between a linear and a logarithmic one.

use eframe::egui::{Rangef, Ui};
use egui_plot::{AxisHints, GridInput, GridMark};

use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::segmented_named;

/// How counts are spread over the height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Scale {
    /// In proportion.
    #[default]
    Lin,
    /// By the logarithm of one more than the count, so that nothing lies at the bottom and one is seen.
    Log,
}

impl Scale {
    /// Where a count lies.
    pub fn position(self, count: f64) -> f64 {
        match self {
            Self::Lin => count,
            Self::Log => (count + 1.0).log10(),
        }
    }

    fn count(self, position: f64) -> f64 {
        match self {
            Self::Lin => position,
            Self::Log => 10f64.powf(position) - 1.0,
        }
    }
}

/// `lin | log` for the plot called `name`.
pub fn scale_switch(ui: &mut Ui, name: &str, scale: &mut Scale) {
    segmented_named(ui, name, scale, &[(Scale::Lin, "lin"), (Scale::Log, "log")])
        .on_hover_text("How counts are spread over the height");
}

/// What the numbers along an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Real values.
    Real,
    /// How many.
    Count(Scale),
    /// Integers, counted from one if the axis is of ops.
    Whole,
    /// Percent, of which a quarter each is marked.
    Percent,
    /// Bytes.
    Bytes,
    /// No marks: the order is all that counts.
    None,
}

/// An axis.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// What it counts, with its unit.
    pub name: &'static str,
    /// What its numbers are.
    pub marks: Marks,
}

impl Axis {
    /// An axis of this name.
    pub fn new(name: &'static str, marks: Marks) -> Self {
        Self { name, marks }
    }

    pub(super) fn is_shown(&self) -> bool {
        self.marks != Marks::None
    }

    pub(super) fn hints<'a>(self, p: &Palette, is_x: bool) -> AxisHints<'a> {
        let (hints, spacing) =
            if is_x { (AxisHints::new_x(), Rangef::new(32.0, 44.0)) } else { (AxisHints::new_y(), Rangef::new(14.0, 20.0)) };
        hints
            .formatter(move |mark, _| words(self.marks, mark))
            .label(Type::Caption.text(self.name, p.text_faint))
            .label_spacing(spacing)
            .min_thickness(if is_x { 14.0 } else { 28.0 })
            .tick_label_color(p.text_faint)
            .tick_label_font(Type::Caption.font())
    }
}

impl Axis {
    /// Where its marks are.
    pub(super) fn spacer(&self, is_x: bool) -> fn(GridInput) -> Vec<GridMark> {
        match self.marks {
            Marks::Count(Scale::Log) => decades,
            Marks::Bytes => binary,
            Marks::Percent => quarters,
            // Numbers are wider than they are high.
            _ if is_x => |input| steps(input, 2.0),
            _ => |input| steps(input, 1.0),
        }
    }
}

/// Marks at multiples of 1, 2 or 5 times a power of ten, `apart` times as far apart as the least that is readable.
fn steps(input: GridInput, apart: f64) -> Vec<GridMark> {
    let least = (input.base_step_size * apart).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * power).into_iter().find(|&s| s >= least * 0.999).unwrap_or(10.0 * power);
    let (first, last) = ((input.bounds.0 / step).ceil(), (input.bounds.1 / step).floor());
    // More than this are never asked for; bounds that are not finite give none.
    let n = if last >= first { (last - first).min(200.0) as u32 } else { return Vec::new() };
    (0..=n).map(|i| GridMark { value: (first + f64::from(i)) * step, step_size: step }).collect()
}

fn words(marks: Marks, mark: GridMark) -> String {
    match marks {
        Marks::Real => units::tick(mark.value, mark.step_size),
        Marks::Count(scale) if mark.value >= 0.0 => units::short(&units::count(scale.count(mark.value).round() as u64)),
        Marks::Bytes if mark.value >= 0.0 => units::short(&units::bytes(mark.value.round() as u64)),
        // Half an op has no number.
        Marks::Whole if mark.value.fract() == 0.0 => format!("{:.0}", mark.value),
        Marks::Percent => format!("{} %", units::tick(mark.value, mark.step_size)),
        Marks::Count(_) | Marks::Bytes | Marks::Whole | Marks::None => String::new(),
    }
}

/// Marks at every quarter of a hundred.
pub(super) fn quarters(_: GridInput) -> Vec<GridMark> {
    (0..=4).map(|i| GridMark { value: f64::from(i) * 25.0, step_size: 25.0 }).collect()
}

/// Marks at 1, 10, 100 … on a logarithmic axis.
pub(super) fn decades(input: GridInput) -> Vec<GridMark> {
    let marks = (0..=18).map(|k| Scale::Log.position(10f64.powi(k)));
    marks.filter(|m| (input.bounds.0..=input.bounds.1).contains(m)).map(|value| GridMark { value, step_size: 1.0 }).collect()
}

/// Marks at multiples of a power of two, so that kilobytes are whole.
pub(super) fn binary(input: GridInput) -> Vec<GridMark> {
    let step = 2f64.powf(input.base_step_size.max(1.0).log2().ceil());
    let (first, last) = ((input.bounds.0.max(0.0) / step).ceil() as u64, (input.bounds.1.max(0.0) / step).floor() as u64);
    (first..=last.min(first + 64)).map(|i| GridMark { value: i as f64 * step, step_size: step }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers() {
        let values = |bounds, base_step_size| -> Vec<f64> {
            steps(GridInput { bounds, base_step_size }, 1.0).iter().map(|m| m.value).collect()
        };
        assert_eq!(values((-1.2, 1.1), 0.4), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(values((3.0, 64.0), 17.0), [20.0, 40.0, 60.0]);
        assert_eq!(values((f64::NAN, 1.0), 0.1), [0.0; 0]);
    }

    #[test]
    fn bytes_are_marked_at_powers_of_two() {
        let marks = binary(GridInput { bounds: (0.0, 20_000.0), base_step_size: 4_000.0 });
        assert_eq!(marks.iter().map(|m| m.value).collect::<Vec<_>>(), [0.0, 4096.0, 8192.0, 12_288.0, 16_384.0]);
    }

    #[test]
    fn decades_are_marked_with_their_counts() {
        let marks = decades(GridInput { bounds: (0.0, 3.2), base_step_size: 0.1 });
        let read: Vec<String> = marks.into_iter().map(|m| words(Marks::Count(Scale::Log), m)).collect();
        assert_eq!(read, ["1", "10", "100", "1 k"]);
    }

    #[test]
    fn positions_lead_back_to_counts() {
        for n in [0.0, 1.0, 17.0, 1e6] {
            assert!((Scale::Log.count(Scale::Log.position(n)) - n).abs() < 1e-6 * (n + 1.0));
        }
    }
}
