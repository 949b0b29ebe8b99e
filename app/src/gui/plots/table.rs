//! The numbers of a plot: as a small table for those who cannot see it, and with tabs for a spreadsheet.

use eframe::egui::{Align, Label, Layout, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder};

use crate::gui::theme::{Palette, TABLE_HEADER, TABLE_ROW, Type};

/// Height of a header whose headings are in two lines.
const TWO_LINES: f32 = 36.0;

/// Numbers with named rows. Rows are made when they are shown: there may be thousands.
pub struct Table<'a> {
    /// Headings, with units.
    pub columns: Vec<String>,
    /// How many rows there are.
    pub n_rows: usize,
    /// The cells of a row, the first of which names it.
    pub row: Box<dyn Fn(usize) -> Vec<String> + 'a>,
}

impl<'a> Table<'a> {
    /// A table of `n_rows`.
    pub fn new(columns: &[&str], n_rows: usize, row: impl Fn(usize) -> Vec<String> + 'a) -> Self {
        Self { columns: columns.iter().map(|&c| c.to_owned()).collect(), n_rows, row: Box::new(row) }
    }

    /// Everything with tabs between cells, headings first.
    pub fn as_text(&self) -> String {
        let mut text = self.columns.join("\t") + "\n";
        for i in 0..self.n_rows {
            text += &((self.row)(i).join("\t") + "\n");
        }
        text
    }

    /// Shows the table in place of the plot called `name`.
    pub(super) fn ui(&self, name: &str, height: f32, ui: &mut Ui) {
        let p = Palette::of(ui);
        // Long headings take a second line where columns are narrow.
        let is_tight = ui.available_width() < 96.0 * self.columns.len() as f32;
        let header = if is_tight { TWO_LINES } else { TABLE_HEADER };
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
            ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
            let cells = Layout::right_to_left(Align::Center);
            let mut table = TableBuilder::new(ui)
                .id_salt((name, "table"))
                .cell_layout(cells)
                .sense(Sense::focusable_noninteractive())
                .auto_shrink([false, true])
                .min_scrolled_height(height - header)
                .max_scroll_height(height - header);
            for _ in &self.columns {
                table = table.column(Column::remainder().at_least(36.0).clip(true));
            }
            let head = |ui: &mut Ui, words: &str| {
                ui.add(Label::new(Type::Caption.text(words, p.text_faint)).wrap().halign(Align::Max));
            };
            table
                .header(header, |mut row| {
                    for words in &self.columns {
                        row.col(|ui| head(ui, words));
                    }
                })
                .body(|body| {
                    body.rows(TABLE_ROW, self.n_rows, |mut row| {
                        let cells = (self.row)(row.index());
                        for words in &cells {
                            row.col(|ui| {
                                ui.add(Label::new(Type::Small.text(brief(words), p.text)).truncate().selectable(false));
                            });
                        }
                        row.response().widget_info(|| WidgetInfo::labeled(Role::Row, true, cells.join(", ")));
                    });
                });
        });
    }
}

/// A cell as it is shown: real numbers to four digits. Copied and read aloud they are exact.
fn brief(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(x) if cell.contains(['.', 'e']) && x != 0.0 => {
            let decimals = (3.0 - x.abs().log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{x:.decimals$}")
        }
        _ => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shown_to_four_digits() {
        let cells = ["-0.95023456", "12.3456", "1234", "pointwise_4", "0", "0.0012349"].map(brief);
        assert_eq!(cells, ["-0.9502", "12.35", "1234", "pointwise_4", "0", "0.001235"]);
    }

    #[test]
    fn copied_numbers_have_headings_and_tabs() {
        let table = Table::new(&["code", "weights"], 2, |i| vec![i.to_string(), (i * 10).to_string()]);
        assert_eq!(table.as_text(), "code\tweights\n0\t0\n1\t10\n");
    }
}
