//! Which rectangles meet a rectangle: a grid, so that a frame looks only at what it shows.

use eframe::egui::{Rect, Vec2, pos2};

/// A rectangle over more cells than this is looked at every time instead.
const MAX_CELLS_EACH: usize = 64;
const PER_CELL: f32 = 4.0;
const MAX_SIDE: f32 = 256.0;

/// Rectangles by where they lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    rects: Vec<Rect>,
    bounds: Rect,
    cell: Vec2,
    columns: usize,
    /// For each cell, row by row, the rectangles that meet it.
    cells: Vec<Vec<u32>>,
    large: Vec<u32>,
}

impl Index {
    /// Takes in all rectangles; they are known by their position.
    pub fn new(rects: Vec<Rect>) -> Self {
        let bounds = rects.iter().copied().reduce(Rect::union).unwrap_or(Rect::from_min_size(pos2(0.0, 0.0), Vec2::splat(1.0)));
        let size = bounds.size().max(Vec2::splat(1.0));
        let n_cells = (rects.len() as f32 / PER_CELL).max(1.0);
        let side = |length: f32, other: f32| (n_cells * length / other).sqrt().ceil().clamp(1.0, MAX_SIDE);
        let (columns, rows) = (side(size.x, size.y), side(size.y, size.x));
        let mut index = Self {
            bounds,
            cell: Vec2::new(size.x / columns, size.y / rows),
            columns: columns as usize,
            cells: vec![Vec::new(); columns as usize * rows as usize],
            large: Vec::new(),
            rects: Vec::new(),
        };
        for (i, rect) in rects.iter().enumerate() {
            let cells: Vec<usize> = index.cells_of(*rect).take(MAX_CELLS_EACH + 1).collect();
            if cells.len() > MAX_CELLS_EACH {
                index.large.push(i as u32);
            } else {
                cells.into_iter().for_each(|cell| index.cells[cell].push(i as u32));
            }
        }
        index.rects = rects;
        index
    }

    /// Positions of all rectangles that meet `rect`, in ascending order.
    pub fn meeting(&self, rect: Rect) -> Vec<usize> {
        if rect.contains_rect(self.bounds) {
            return (0..self.rects.len()).collect();
        }
        let mut found: Vec<usize> = self.cells_of(rect).flat_map(|cell| &self.cells[cell]).map(|&i| i as usize).collect();
        found.extend(self.large.iter().map(|&i| i as usize));
        found.sort_unstable();
        found.dedup();
        found.retain(|&i| self.rects[i].intersects(rect));
        found
    }

    fn cells_of(&self, rect: Rect) -> impl Iterator<Item = usize> + use<> {
        let rows = self.cells.len() / self.columns;
        let at = |x: f32, cell: f32, n: usize| ((x / cell).max(0.0) as usize).min(n - 1);
        let (low, high) = (rect.min - self.bounds.min, rect.max - self.bounds.min);
        let columns = self.columns;
        let across = at(low.x, self.cell.x, columns)..=at(high.x, self.cell.x, columns);
        (at(low.y, self.cell.y, rows)..=at(high.y, self.cell.y, rows))
            .flat_map(move |row| across.clone().map(move |column| row * columns + column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(i: usize) -> Rect {
        let (x, y) = ((i * 7919 % 3001) as f32, (i * 104_729 % 2003) as f32);
        let size = if i.is_multiple_of(97) { Vec2::new(2500.0, 900.0) } else { Vec2::new(40.0 + (i % 5) as f32, 12.0) };
        Rect::from_min_size(pos2(x - 500.0, y), size)
    }

    #[test]
    fn what_is_found_is_what_looking_at_all_finds() {
        let rects: Vec<Rect> = (0..2000).map(rect).collect();
        let index = Index::new(rects.clone());
        for i in 0..300 {
            let query = Rect::from_min_size(
                pos2((i * 37 % 3500) as f32 - 700.0, (i * 91 % 2600) as f32 - 200.0),
                Vec2::splat(i as f32 * 3.0),
            );
            let brute: Vec<usize> = (0..rects.len()).filter(|&k| rects[k].intersects(query)).collect();
            assert_eq!(index.meeting(query), brute, "query {query:?}");
        }
        assert_eq!(index.meeting(Rect::EVERYTHING).len(), rects.len());
        assert!(Index::new(Vec::new()).meeting(Rect::EVERYTHING).is_empty());
    }
}
