//! What the table shows, computed when figures or order change and not in every frame.

use std::collections::HashMap;
use std::sync::Arc;

use tinsmith_core::graph::NodeId;
use tinsmith_core::measure::{LayerErrors, LayerFigures, StaticFigures};

use super::Col;
use crate::gui::command::Shown;
use crate::gui::session::Session;
use crate::worker::same;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum By {
    /// One layer.
    #[default]
    Layers,
    /// All layers of one kind.
    Ops,
}

/// A quantity of the source and of the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Figure {
    /// Of the layers of the source that the row's layers stand for.
    pub source: Option<f64>,
    /// Of the candidate; `None` while the source is shown.
    pub candidate: Option<f64>,
}

impl Figure {
    /// The one in words beside the bar.
    pub fn shown(&self) -> Option<f64> {
        self.candidate.or(self.source)
    }

    fn of(source: f64, candidate: Option<f64>) -> Self {
        Self { source: Some(source), candidate }
    }

    fn add(&mut self, other: Self) {
        let sum = |a: Option<f64>, b: Option<f64>| a.map_or(b, |a| Some(a + b.unwrap_or(0.0)));
        *self = Self { source: sum(self.source, other.source), candidate: sum(self.candidate, other.candidate) };
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the layer, or of the kind.
    pub name: String,
    /// Names of its layers.
    pub nodes: Vec<String>,
    /// Weights and biases.
    pub bytes: Figure,
    /// Multiply-accumulates.
    pub macs: Figure,
    /// Estimated microseconds.
    pub latency_us: Figure,
    /// Bytes of the output.
    pub output: Figure,
    /// The worst of its layers.
    pub sqnr_db: Option<f64>,
}

/// The whole model, and the longest bars.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Total {
    /// The exported file.
    pub file_bytes: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Estimated microseconds.
    pub latency_us: Option<f64>,
    /// The least arena.
    pub arena_bytes: u64,
    most: [f64; 4],
}

impl Total {
    /// The longest bar of a column.
    pub fn most(&self, col: Col) -> f64 {
        match col {
            Col::Bytes => self.most[0],
            Col::Macs => self.most[1],
            Col::Latency => self.most[2],
            Col::Output => self.most[3],
            Col::Layer | Col::Sqnr => 0.0,
        }
    }
}

/// What rows were made from; the same as long as these are the very same.
#[derive(Clone, Debug)]
struct Key {
    source: Option<Arc<StaticFigures>>,
    candidate: Option<Arc<StaticFigures>>,
    errors: Option<Arc<LayerErrors>>,
    by: By,
    sorted_by: Col,
    descending: bool,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        same(&self.source, &other.source)
            && same(&self.candidate, &other.candidate)
            && same(&self.errors, &other.errors)
            && (self.by, self.sorted_by, self.descending) == (other.by, other.sorted_by, other.descending)
    }
}

/// The rows in the order shown.
#[derive(Debug, Default)]
pub struct Rows {
    key: Option<Key>,
    rows: Vec<Row>,
    total: Total,
}

impl Rows {
    /// Brings the rows up to date; `None` while there are no figures.
    pub fn update(&mut self, session: &Session, by: By, sorted_by: Col, descending: bool) -> Option<Total> {
        let figures = &session.figures;
        let candidate = figures.candidate_static.value.clone().filter(|_| session.shown_now() == Shown::Candidate);
        // Figures may be a revision older than the graph; names and figures of one revision belong together.
        let graph = session.graph()?;
        let errors = figures.layer_errors.value.clone().filter(|e| candidate.is_some() && e.layers.len() == graph.nodes.len());
        let key = Key { source: figures.baseline_static.value.clone(), candidate, errors, by, sorted_by, descending };
        let statics = key.candidate.clone().or_else(|| key.source.clone())?;
        if self.key.as_ref() != Some(&key) && statics.layers.len() == graph.nodes.len() {
            let source = &session.open.as_ref()?.source.graph;
            let lineage = session.lineage().filter(|_| session.shown_now() == Shown::Candidate);
            let names = |of: &[NodeId]| of.iter().map(|id| source.node(*id).name.clone()).collect();
            let sources = |layer: &LayerFigures| match &lineage {
                Some(lineage) => names(lineage.made_of(layer.node)),
                None => names(&[layer.node]),
            };
            self.rows = rows(&key, &statics, sources);
            self.total = total(&statics, &self.rows);
            self.key = Some(key);
        }
        self.key.as_ref().map(|_| self.total.clone())
    }

    /// All rows.
    pub fn all(&self) -> &[Row] {
        &self.rows
    }

    /// The row of a layer.
    pub fn position(&self, node: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.nodes.iter().any(|name| name == node))
    }

    /// The table with tabs between cells, for a spreadsheet.
    pub fn as_text(&self) -> String {
        let mut text =
            "name\tbytes\tbytes of source\tMACs\tMACs of source\tlatency, us\tlatency of source, us\toutput, bytes\toutput of \
                        source, bytes\tSQNR, dB\n"
                .to_owned();
        let cell = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        for row in &self.rows {
            let figures = [row.bytes, row.macs, row.latency_us, row.output];
            let cells: Vec<String> = figures.iter().flat_map(|f| [cell(f.candidate), cell(f.source)]).collect();
            text += &format!("{}\t{}\t{}\n", row.name, cells.join("\t"), cell(row.sqnr_db));
        }
        text
    }
}

fn rows(key: &Key, statics: &StaticFigures, sources: impl Fn(&LayerFigures) -> Vec<String>) -> Vec<Row> {
    let of_source: HashMap<&str, &LayerFigures> =
        key.source.iter().flat_map(|s| &s.layers).map(|layer| (layer.name.as_str(), layer)).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for (index, layer) in statics.layers.iter().enumerate() {
        let made_from = if key.candidate.is_some() { sources(layer) } else { vec![layer.name.clone()] };
        let before: Vec<&LayerFigures> = made_from.iter().filter_map(|name| of_source.get(name.as_str()).copied()).collect();
        let error = key.errors.as_ref().and_then(|e| e.layers.get(index).copied().flatten());
        let row = layer_row(layer, &before, key.candidate.is_some(), error.map(|e| e.sqnr_db));
        if key.by == By::Layers {
            rows.push(row);
            continue;
        }
        // `Conv 1×1` whatever is fused into it.
        let kind = layer.label.split(", ").next().unwrap_or_default().to_owned();
        let at = *kinds.entry(kind.clone()).or_insert_with(|| {
            rows.push(Row { name: kind, nodes: Vec::new(), ..empty_row() });
            rows.len() - 1
        });
        rows[at].add(row);
    }
    sort(&mut rows, key.sorted_by, key.descending);
    rows
}

fn empty_row() -> Row {
    let none = Figure::default();
    Row { name: String::new(), nodes: Vec::new(), bytes: none, macs: none, latency_us: none, output: none, sqnr_db: None }
}

fn layer_row(layer: &LayerFigures, before: &[&LayerFigures], is_candidate: bool, sqnr_db: Option<f64>) -> Row {
    let figure = |value: &dyn Fn(&LayerFigures) -> f64| {
        Figure::of(before.iter().map(|l| value(l)).sum(), is_candidate.then(|| value(layer)))
    };
    let last_output = before.last().map(|l| l.output_bytes as f64);
    Row {
        name: layer.name.clone(),
        nodes: vec![layer.name.clone()],
        bytes: figure(&|l| (l.weights_bytes + l.bias_bytes) as f64),
        macs: figure(&|l| l.macs as f64),
        latency_us: figure(&|l| l.latency_us.as_ref().map_or(0.0, |e| e.value)),
        // What was merged into a layer never leaves it: only the last output counts.
        output: Figure { source: last_output, candidate: is_candidate.then_some(layer.output_bytes as f64) },
        sqnr_db,
    }
}

impl Row {
    fn add(&mut self, other: Self) {
        self.nodes.extend(other.nodes);
        self.bytes.add(other.bytes);
        self.macs.add(other.macs);
        self.latency_us.add(other.latency_us);
        self.output.add(other.output);
        self.sqnr_db = match (self.sqnr_db, other.sqnr_db) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

fn sort(rows: &mut [Row], by: Col, descending: bool) {
    let value = |row: &Row| match by {
        Col::Sqnr => row.sqnr_db.unwrap_or(f64::INFINITY),
        _ => by.figure(row).shown().unwrap_or(0.0),
    };
    match (by, descending) {
        (Col::Layer, false) => {}
        (Col::Layer, true) => rows.reverse(),
        (_, true) => rows.sort_by(|a, b| value(b).total_cmp(&value(a))),
        (_, false) => rows.sort_by(|a, b| value(a).total_cmp(&value(b))),
    }
}

fn total(statics: &StaticFigures, rows: &[Row]) -> Total {
    let most = |of: fn(&Row) -> Figure| {
        let both = |row: &Row| of(row).source.unwrap_or(0.0).max(of(row).candidate.unwrap_or(0.0));
        rows.iter().map(both).fold(0.0, f64::max)
    };
    Total {
        file_bytes: statics.size.file_bytes,
        macs: statics.macs,
        latency_us: statics.latency_us.as_ref().map(|e| e.value),
        arena_bytes: statics.arena.arena_mcu32_bytes,
        most: [most(|r| r.bytes), most(|r| r.macs), most(|r| r.latency_us), most(|r| r.output)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, bytes: f64, sqnr_db: Option<f64>) -> Row {
        Row { name: name.into(), nodes: vec![name.into()], bytes: Figure::of(4.0 * bytes, Some(bytes)), sqnr_db, ..empty_row() }
    }

    #[test]
    fn rows_are_sorted_by_any_column_both_ways() {
        let mut rows = vec![row("a", 1.0, Some(30.0)), row("b", 3.0, None), row("c", 2.0, Some(20.0))];
        let names = |rows: &[Row]| rows.iter().map(|r| r.name.as_str()).collect::<String>();
        sort(&mut rows, Col::Bytes, true);
        assert_eq!(names(&rows), "bca");
        sort(&mut rows, Col::Sqnr, false);
        assert_eq!(names(&rows), "cab");
    }

    #[test]
    fn a_spreadsheet_gets_a_cell_for_each_heading() {
        let rows = Rows { rows: vec![row("a", 1.5, None)], ..Rows::default() };
        let text = rows.as_text();
        let widths: Vec<usize> = text.lines().map(|line| line.split('\t').count()).collect();
        assert_eq!(widths, [10, 10]);
        assert!(text.ends_with("a\t1.5\t6\t\t\t\t\t\t\t\n"), "{text}");
    }
}
