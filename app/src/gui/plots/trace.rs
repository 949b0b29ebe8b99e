//! Curves of many values as they are drawn: the range of the values in each column of points.

use eframe::egui::epaint::{Mesh, Vertex, WHITE_UV};
use eframe::egui::{Color32, Pos2, Rect, Shape, Stroke, Ui, pos2};

/// Draws what lies in columns from left to right; `range` is the height of `rect`. Columns that are wide hold single values: a line
/// then, else a bar from the least to the greatest of each.
pub fn trace_ui(ui: &Ui, rect: Rect, columns: &[(f32, f32)], range: (f32, f32), colour: Color32) {
    if rect.width() < 2.0 * columns.len() as f32 {
        return bars_ui(ui, rect, columns, range, colour);
    }
    let width = rect.width() / columns.len().max(1) as f32;
    let y = |v: f32| height_of(v, rect, range);
    // Where nothing was measured the line ends, and goes on behind.
    let mut first = 0;
    for run in columns.split(|(low, high)| low > high) {
        let point = |(i, (low, high)): (usize, &(f32, f32))| {
            pos2(rect.left() + width * ((first + i) as f32 + 0.5), y((low + high) / 2.0))
        };
        ui.painter().add(Shape::line(run.iter().enumerate().map(point).collect(), Stroke::new(1.25, colour)));
        first += run.len() + 1;
    }
}

/// Where a value lies up.
fn height_of(value: f32, rect: Rect, (low, high): (f32, f32)) -> f32 {
    rect.bottom() - rect.height() * ((value - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)
}

/// Draws for each column a bar from its least to its greatest value.
fn bars_ui(ui: &Ui, rect: Rect, columns: &[(f32, f32)], range: (f32, f32), colour: Color32) {
    let width = rect.width() / columns.len().max(1) as f32;
    let y = |v: f32| height_of(v, rect, range);
    // One mesh, not a line for each column: a frame of software rendering has many of them.
    let mut mesh = Mesh::default();
    for (i, (low, high)) in columns.iter().enumerate().filter(|(_, (low, high))| low <= high) {
        let left = rect.left() + width * i as f32;
        let (top, bottom) = (y(*high), y(*low).max(y(*high) + 1.0));
        let right = left + width.max(1.0);
        quad(&mut mesh, [pos2(left, top), pos2(right, top), pos2(right, bottom), pos2(left, bottom)], colour);
    }
    ui.painter().add(Shape::mesh(mesh));
}

/// Adds a quadrilateral, its corners one after another.
pub fn quad(mesh: &mut Mesh, corners: [Pos2; 4], color: Color32) {
    let first = mesh.vertices.len() as u32;
    mesh.vertices.extend(corners.map(|pos| Vertex { pos, uv: WHITE_UV, color }));
    mesh.indices.extend([0, 1, 2, 0, 2, 3].map(|corner| first + corner));
}

/// The least and the greatest of the values in each of `columns` equal parts, as far as there are so many values.
pub fn outline(values: &[f32], columns: usize) -> Vec<(f32, f32)> {
    let columns = columns.min(values.len());
    let part = |column: usize| &values[column * values.len() / columns..(column + 1) * values.len() / columns];
    let ends = |part: &[f32]| part.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    (0..columns).map(|column| ends(part(column))).collect()
}

/// The newest part of a stream, cut into columns that stay where they are while it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Number of the first instant; below 0 before so many have come.
    pub start: i64,
    /// Instants of a column.
    pub step: u64,
    /// Columns.
    pub columns: u64,
}

impl Span {
    /// The `instants` before `end` in at most `columns` columns.
    pub fn new(end: u64, instants: u64, columns: u64) -> Self {
        let step = instants.div_ceil(columns.max(1)).max(1);
        let columns = instants.div_ceil(step).max(1);
        // A column begins at a multiple of its length, so that it holds the same instants in every frame.
        let start = (end.div_ceil(step) * step) as i64 - (columns * step) as i64;
        Self { start, step, columns }
    }

    /// The instant after the last.
    pub fn end(&self) -> u64 {
        (self.start + (self.step * self.columns) as i64).max(0) as u64
    }

    /// The first instant that there may be.
    pub fn first(&self) -> u64 {
        self.start.max(0) as u64
    }

    /// Where an instant lies across `rect`.
    pub fn x(&self, rect: Rect, instant: u64) -> f32 {
        let share = (instant as f64 - self.start as f64) / (self.step * self.columns) as f64;
        rect.left() + rect.width() * share as f32
    }

    /// The range of a channel in each column, of values `[instants, n_channels]` whose first instant has the number `first`.
    /// Columns without values are empty: their least value is the greater.
    pub fn ranges(&self, values: &[f32], first: u64, n_channels: usize, channel: usize) -> Vec<(f32, f32)> {
        let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); self.columns as usize];
        for (instant, row) in (first..).zip(values.chunks_exact(n_channels.max(1))) {
            let column = (instant as i64 - self.start).div_euclid(self.step as i64);
            if let Some((low, high)) = usize::try_from(column).ok().and_then(|column| ranges.get_mut(column)) {
                (*low, *high) = (low.min(row[channel]), high.max(row[channel]));
            }
        }
        ranges
    }
}

/// Bars that reach to the one before, so that a steep curve is drawn without holes.
pub fn joined(ranges: &mut [(f32, f32)]) {
    for i in 1..ranges.len() {
        let (before, now) = (ranges[i - 1], ranges[i]);
        if before.0 <= before.1 && now.0 <= now.1 {
            if before.1 < now.0 {
                ranges[i].0 = before.1;
            } else if before.0 > now.1 {
                ranges[i].1 = before.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_the_same_instants_while_the_stream_moves() {
        let (a, b) = (Span::new(1000, 500, 100), Span::new(1003, 500, 100));
        assert_eq!((a.step, a.columns), (5, 100));
        assert_eq!(a.start % 5, 0);
        assert_eq!(b.start - a.start, 5, "one column later");
        assert!(b.end() >= 1003);
        assert_eq!((Span::new(3, 500, 100).start, Span::new(3, 500, 100).first()), (-495, 0));
    }

    #[test]
    fn ranges_are_of_the_values_of_a_column_and_holes_stay_empty() {
        let span = Span { start: 10, step: 2, columns: 3 };
        let values = [1.0, 9.0, 3.0, 8.0, 2.0, 7.0];
        let ranges = span.ranges(&values, 11, 2, 0);
        assert_eq!(ranges[..2], [(1.0, 1.0), (2.0, 3.0)]);
        assert!(ranges[2].0 > ranges[2].1);
        let mut ranges = vec![(0.0, 1.0), (5.0, 6.0), (2.0, 3.0)];
        joined(&mut ranges);
        assert_eq!(ranges, [(0.0, 1.0), (1.0, 6.0), (2.0, 3.0)]);
    }

    #[test]
    fn an_outline_has_the_extremes_of_each_part() {
        assert_eq!(outline(&[1.0, -1.0, 3.0, 2.0], 2), [(-1.0, 1.0), (2.0, 3.0)]);
        assert_eq!(outline(&[5.0], 10), [(5.0, 5.0)]);
        assert!(outline(&[], 10).is_empty());
    }
}
