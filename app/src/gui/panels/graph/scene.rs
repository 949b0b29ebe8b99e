//! The graph as it is painted: looks of boxes, made when figures or the layout change, and words, made when they are first read.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{Pos2, Ui};
use tinsmith_core::graph::{Graph, Node, NodeId, Severity, TensorId};
use tinsmith_core::measure::{LayerError, LayerErrors, LayerFigures, StaticFigures};
use tinsmith_core::ops::{Op, Operands};

use super::against::{Against, Mark};
use super::colour::{ColourBy, decibels, kind_colour};
use super::short_name;
use crate::gui::command::Shown;
use crate::gui::context::PanelCtx;
use crate::gui::graph_view::layout::{Edge, Item, Label, Layout};
use crate::gui::graph_view::picture::{Emphasis, Ground, Outline, Picture, Words};
use crate::gui::lineage::Lineage;
use crate::gui::session::Session;
use crate::gui::theme::Palette;
use crate::gui::units::{self, NONE};
use crate::worker::{GraphRef, same};

/// What the looks of boxes are made from.
#[derive(Clone)]
pub(super) struct Given {
    pub graph: GraphRef,
    pub layout: Arc<Layout>,
    /// The other graph, to mark what differs.
    other: Option<GraphRef>,
    lineage: Option<Arc<Lineage>>,
    statics: Option<Arc<StaticFigures>>,
    errors: Option<Arc<LayerErrors>>,
    /// Why a box has no figure.
    pub gap: &'static str,
    colour_by: ColourBy,
    palette: &'static Palette,
    /// The other graph is on screen as well.
    is_beside: bool,
}

impl Given {
    /// What is to be painted of a graph now; `None` while there is no layout of it.
    pub fn now(cx: PanelCtx<'_>, which: Shown, colour_by: ColourBy, ui: &Ui) -> Option<Self> {
        let session = cx.session;
        let graph = session.ref_to(which)?;
        let layout = Arc::clone(session.layout_for(&graph)?);
        let figures = &session.figures;
        let is_candidate = which == Shown::Candidate;
        let errors = figures.layer_errors.value.clone();
        let (other, statics) = if is_candidate {
            (session.open.as_ref().map(|o| GraphRef::Source(Arc::clone(&o.source))), figures.candidate_static.value.clone())
        } else {
            (session.candidate().map(|c| GraphRef::Candidate(Arc::clone(c))), figures.baseline_static.value.clone())
        };
        let errors = errors.filter(|e| is_candidate && e.layers.len() == graph.graph().nodes.len());
        let is_of_candidates = matches!(colour_by, ColourBy::Error | ColourBy::Clipped);
        let gap = match (is_of_candidates, is_candidate) {
            (true, false) => "candidates only",
            (true, true) if errors.is_none() && session.activity.is_some() => "being measured",
            _ => "no such figure",
        };
        let is_beside = session.shows_both_now();
        let lineage = session.lineage();
        Some(Self { graph, layout, other, lineage, statics, errors, gap, colour_by, palette: Palette::of(ui), is_beside })
    }

    fn is(&self, other: &Self) -> bool {
        self.graph == other.graph
            && Arc::ptr_eq(&self.layout, &other.layout)
            && self.other == other.other
            && same(&self.statics, &other.statics)
            && same(&self.errors, &other.errors)
            && self.gap == other.gap
            && self.colour_by == other.colour_by
            && std::ptr::eq(self.palette, other.palette)
            && self.is_beside == other.is_beside
    }

    /// Which of two graphs this is; none if it is the only one on screen.
    pub fn side(&self) -> Option<&'static str> {
        let side = if matches!(self.graph, GraphRef::Candidate(_)) { "candidate" } else { "source" };
        Some(side).filter(|_| self.is_beside)
    }

    fn layer(&self, node: usize) -> Option<&LayerFigures> {
        // The id is checked because figures may be a revision older than the graph.
        self.statics.as_ref()?.layers.get(node).filter(|l| l.node.index() == node)
    }

    fn error(&self, node: usize) -> Option<LayerError> {
        self.errors.as_ref()?.layers.get(node).copied().flatten()
    }

    fn figure(&self, item: Item) -> Option<f64> {
        let of_node = |node: usize| self.colour_by.figure(self.layer(node), self.error(node));
        match item {
            Item::Node(id) => of_node(id.index()),
            Item::Block(block) => self.colour_by.together(self.layout.blocks[block].nodes.clone().filter_map(of_node)),
            Item::Input(_) | Item::Output(_) => None,
        }
    }
}

/// Looks of everything in the layout.
pub(super) struct Scene {
    pub given: Given,
    pub against: Against,
    /// What the marks mean.
    pub notes: Vec<String>,
    /// The greatest figure of this graph.
    pub own_most: f64,
    /// The figure at which the scale of colours ends.
    pub most: f64,
    /// Some box has no figure.
    pub has_gaps: bool,
    figures: Vec<Option<f64>>,
    grounds: Vec<Ground>,
    words: Vec<OnceCell<Words>>,
    edge_words: Vec<OnceCell<String>>,
    emphasis: Vec<Emphasis>,
}

impl Scene {
    /// Looks for what is given; words and figures are made later, box by box.
    pub fn new(given: Given) -> Self {
        let graph = given.graph.graph();
        let against = match (&given.graph, &given.other, &given.lineage) {
            (GraphRef::Candidate(_), Some(source), Some(lineage)) => Against::source(graph, source.graph(), Arc::clone(lineage)),
            (GraphRef::Source(_), Some(candidate), Some(lineage)) => {
                Against::candidate(graph, candidate.graph(), Arc::clone(lineage))
            }
            _ => Against::default(),
        };
        let mut scene = Self {
            notes: Vec::new(),
            against,
            own_most: 0.0,
            most: 0.0,
            has_gaps: false,
            figures: Vec::new(),
            grounds: Vec::new(),
            words: Vec::new(),
            edge_words: Vec::new(),
            emphasis: vec![Emphasis::default(); given.layout.placed.len()],
            given,
        };
        scene.paint_all();
        scene
    }

    /// Takes what is given now, if it differs; whether it does.
    pub fn update(&mut self, given: Given) -> bool {
        if self.given.is(&given) {
            return false;
        }
        let is_same_graph = self.given.graph == given.graph && self.given.other == given.other;
        if is_same_graph && Arc::ptr_eq(&self.given.layout, &given.layout) {
            self.given = given;
            self.paint_all();
        } else {
            *self = Self::new(given);
        }
        true
    }

    fn paint_all(&mut self) {
        let layout = &self.given.layout;
        self.figures = layout.placed.iter().map(|p| self.given.figure(p.item)).collect();
        let finite = self.figures.iter().flatten().copied().filter(|f| f.is_finite());
        self.own_most = finite.fold(0.0, f64::max);
        self.most = self.most.max(self.own_most);
        self.notes = self.against.notes();
        if self.given.errors.is_some() {
            self.notes.push("dB on a line: against float".to_owned());
        }
        self.paint_grounds();
        let layout = &self.given.layout;
        self.has_gaps = layout.placed.iter().zip(&self.figures).any(|(p, f)| matches!(p.item, Item::Node(_)) && f.is_none());
        self.words = vec![OnceCell::new(); layout.placed.len()];
        self.edge_words = vec![OnceCell::new(); layout.edges.len()];
    }

    fn paint_grounds(&mut self) {
        let graph = self.given.graph.graph();
        let mut is_obstacle = vec![false; graph.nodes.len()];
        for note in graph.notes.iter().filter(|n| n.severity == Severity::Obstacle) {
            if let Some(known) = note.node.and_then(|id| is_obstacle.get_mut(id.index())) {
                *known = true;
            }
        }
        self.grounds = (0..self.given.layout.placed.len()).map(|i| self.ground_of(i, &is_obstacle)).collect();
    }

    /// Ends the scale of colours at this figure; whether boxes look different.
    pub fn share_scale(&mut self, most: f64) -> bool {
        let is_other = self.most != most;
        if is_other {
            self.most = most;
            self.paint_grounds();
        }
        is_other
    }

    /// Whether no box has a figure.
    pub fn is_bare(&self) -> bool {
        self.figures.iter().all(Option::is_none)
    }

    /// Whether the rest of the window is about this graph.
    pub fn is_on(&self, session: &Session) -> bool {
        session.ref_to(session.shown_now()).as_ref() == Some(&self.given.graph)
    }

    /// Nodes that are selected, or if the selection is in the other graph, those that have to do with it.
    pub fn selected(&self, session: &Session) -> Vec<usize> {
        let graph = self.given.graph.graph();
        let is_selected = |id: NodeId| match &self.given.other {
            Some(other) if !self.is_on(session) => {
                self.against.counterparts(id).any(|id| session.is_selected(&other.graph().node(id).name))
            }
            _ => session.is_selected(&graph.node(id).name),
        };
        graph.node_ids().filter(|id| is_selected(*id)).map(NodeId::index).collect()
    }

    /// The node that the inspector describes, or what stands for it in this graph.
    pub fn described(&self, session: &Session) -> Option<NodeId> {
        let node = session.selected_node()?;
        if self.is_on(session) { Some(node) } else { self.against.stands_for(node) }
    }

    fn ground_of(&self, i: usize, is_obstacle: &[bool]) -> Ground {
        let p = self.given.palette;
        let item = self.given.layout.placed[i].item;
        let graph = self.given.graph.graph();
        let is_stuck = |node: usize| is_obstacle[node] || matches!(graph.nodes[node].op, Op::Unknown(_));
        let outline = match item {
            Item::Input(_) | Item::Output(_) => {
                return Ground { fill: p.sunken, ink: p.text, outline: Outline::Plain, is_changed: false };
            }
            Item::Node(id) if is_stuck(id.index()) => Outline::Obstacle,
            Item::Node(id) if self.is_gone(id) => Outline::Dashed,
            Item::Block(block) if self.nodes_of(block).any(is_stuck) => Outline::Obstacle,
            Item::Node(_) | Item::Block(_) => Outline::None,
        };
        let (fill, ink) = match (self.given.colour_by, item, self.figures[i]) {
            _ if outline == Outline::Dashed => (p.sunken, p.text_faint),
            (ColourBy::Kind, Item::Node(id), _) => (kind_colour(&graph.node(id).op, p), p.text),
            (by, _, Some(figure)) => {
                let heat = by.heat(figure, self.most);
                (p.heat_at(heat), p.heat_ink_at(heat))
            }
            (_, _, None) => (p.control_hover, p.text_weak),
        };
        let is_changed = match item {
            Item::Node(id) => self.against.is_changed(id.index()),
            Item::Block(block) => self.nodes_of(block).any(|node| self.against.is_changed(node)),
            Item::Input(_) | Item::Output(_) => false,
        };
        Ground { fill, ink, outline, is_changed }
    }

    fn is_gone(&self, node: NodeId) -> bool {
        matches!(self.against.mark(node.index()), Mark::Folded(_) | Mark::Removed)
    }

    fn nodes_of(&self, block: usize) -> Range<usize> {
        self.given.layout.blocks[block].nodes.clone()
    }

    /// Marks selected boxes, and those that are not searched for. Both lists hold positions of nodes.
    pub fn emphasize(&mut self, selected: &[usize], found: Option<&[usize]>) {
        let layout = Arc::clone(&self.given.layout);
        self.emphasis.fill(Emphasis { is_selected: false, is_faint: found.is_some() });
        let boxes = |nodes: &[usize]| nodes.iter().filter_map(|n| layout.box_of_node.get(*n)).copied().collect::<Vec<_>>();
        boxes(selected).into_iter().for_each(|i| self.emphasis[i].is_selected = true);
        boxes(found.unwrap_or_default()).into_iter().for_each(|i| self.emphasis[i].is_faint = false);
    }

    /// The node that a click on a box is about: of a block the first.
    pub fn node_of(&self, i: usize) -> Option<NodeId> {
        match self.given.layout.placed.get(i)?.item {
            Item::Node(id) => Some(id),
            Item::Block(block) => Some(NodeId::new(self.nodes_of(block).start)),
            Item::Input(_) | Item::Output(_) => None,
        }
    }

    /// What a box is known by across layouts; blocks go by their first node.
    pub fn key(&self, i: usize) -> &str {
        let graph = self.given.graph.graph();
        match self.given.layout.placed[i].item {
            Item::Node(id) => &graph.node(id).name,
            Item::Block(block) => graph.nodes.get(self.nodes_of(block).start).map_or("", |n| &n.name),
            Item::Input(t) | Item::Output(t) => &graph.tensor(t).name,
        }
    }

    /// Where the middle of each box lies, with what it is known by.
    pub fn places(&self) -> impl Iterator<Item = (&str, Pos2)> {
        self.given.layout.placed.iter().enumerate().map(|(i, placed)| (self.key(i), placed.rect.center()))
    }

    /// The name of a block's first node, by which it is known.
    pub fn block_key(&self, block: usize) -> Option<String> {
        let first = self.given.layout.blocks.get(block)?.nodes.start;
        Some(self.given.graph.graph().nodes.get(first)?.name.clone())
    }

    /// What colours the boxes.
    pub fn colour_by(&self) -> ColourBy {
        self.given.colour_by
    }

    /// Title of the notes on marks.
    pub fn against_title(&self) -> &'static str {
        if matches!(self.given.graph, GraphRef::Candidate(_)) { "Against the source" } else { "Against the candidate" }
    }

    /// What a layer does: `Conv 1×1, ReLU`.
    pub fn kind_words(&self, node: usize) -> String {
        let graph = self.given.graph.graph();
        kind_words(graph, NodeId::new(node))
    }

    /// The figures of a node.
    pub fn figures_of(&self, node: usize) -> (Option<&LayerFigures>, Option<LayerError>) {
        (self.given.layer(node), self.given.error(node))
    }

    fn words_of(&self, i: usize) -> Words {
        let value = match (self.given.colour_by, self.figures[i]) {
            (ColourBy::Kind, _) => String::new(),
            (by, Some(figure)) => by.words(figure),
            (_, None) => NONE.to_owned(),
        };
        match self.given.layout.placed[i].item {
            Item::Node(id) => self.node_words(id, value),
            Item::Block(block) => self.block_words(block, value),
            Item::Input(t) => self.end_words("input", t),
            Item::Output(t) => self.end_words("output", t),
        }
    }

    fn node_words(&self, id: NodeId, value: String) -> Words {
        let graph = self.given.graph.graph();
        let node = graph.node(id);
        let title = short_name(&node.name);
        let mut about = kind_words(graph, id);
        let mut value = value;
        match self.against.mark(id.index()) {
            Mark::Same | Mark::TakesIn => {}
            Mark::Merged(ops) => about = with_merged(&about, ops),
            Mark::Added => about = format!("{about}, added"),
            Mark::Folded(into) => (about, value) = (format!("folded into {into}"), String::new()),
            Mark::Removed => (about, value) = ("removed".to_owned(), String::new()),
        }
        if matches!(node.op, Op::Unknown(_)) {
            about = format!("{about}, no kernel");
        }
        let aside = self.against.channels(id.index()).map_or_else(String::new, |(from, to)| format!("{from} → {to}"));
        let changed = match self.against.mark(id.index()) {
            _ if !aside.is_empty() => format!(", channels {aside}"),
            Mark::TakesIn => ", others are merged into it".to_owned(),
            _ => String::new(),
        };
        let name = self.spoken(&title, &format!("{about}{changed}"), &value);
        Words { title, about, value, aside, name }
    }

    /// What a screen reader says: the words on the box, the figure that its colour stands for, and of two graphs which one it is in.
    fn spoken(&self, title: &str, about: &str, value: &str) -> String {
        let value = if value.is_empty() || value == NONE { String::new() } else { format!(", {value}") };
        let side = self.given.side().map_or_else(String::new, |side| format!(", {side}"));
        format!("{title}, {about}{value}{side}")
    }

    fn block_words(&self, block: usize, value: String) -> Words {
        let nodes = self.nodes_of(block);
        let graph = self.given.graph.graph();
        let label = |node: &Node| node.op.facts().label(&Operands::new(graph, node));
        let mut kinds: Vec<String> = graph.nodes[nodes.clone()].iter().map(label).collect();
        kinds.dedup();
        let title = format!("block {}, {} ops", self.given.layout.blocks[block].number, nodes.len());
        let about = kinds.join(", ");
        let name = self.spoken(&title, &about, &value);
        Words { title, about, value, aside: String::new(), name }
    }

    fn end_words(&self, title: &str, tensor: TensorId) -> Words {
        let tensor = self.given.graph.graph().tensor(tensor);
        let about = format!("{}, {}", tensor.element.name(), units::shape(&tensor.shape));
        let side = self.given.side().map_or_else(String::new, |side| format!(", {side}"));
        let name = format!("Model {title} {about}{side}");
        Words { title: title.to_owned(), about, name, ..Words::default() }
    }

    fn edge_words_of(&self, edge: usize) -> String {
        let edge = &self.given.layout.edges[edge];
        let tensor = self.given.graph.graph().tensor(edge.tensor);
        let words = match edge.label {
            Some(Label::Along(_)) => {
                let bytes = tensor.element.byte_len(tensor.n_elements());
                bytes.map_or_else(|| "skip".to_owned(), |n| format!("skip, {} B", units::exact(n as u64)))
            }
            _ => units::shape(&tensor.shape),
        };
        self.edge_error(edge).map_or_else(|| words.clone(), |error| format!("{words}, {}", decibels(error.sqnr_db)))
    }

    /// What flows along an edge, in words for whom points at it: title and lines.
    pub fn edge_about(&self, edge: usize) -> (String, Vec<String>) {
        let edge = &self.given.layout.edges[edge];
        let tensor = self.given.graph.graph().tensor(edge.tensor);
        let ends = format!("{} → {}", self.words(edge.from).title, self.words(edge.to).title);
        let mut lines = vec![format!("{}, {}", tensor.element.name(), units::shape(&tensor.shape))];
        lines.extend(self.edge_error(edge).map(|error| {
            let (noise, clipped) = (decibels(error.sqnr_db), ColourBy::Clipped.words(error.clipped));
            format!("against the float model: {noise}, {clipped} clipped")
        }));
        (ends, lines)
    }

    /// How far what flows along an edge is from the float model: known of what nodes put out first.
    fn edge_error(&self, edge: &Edge) -> Option<LayerError> {
        let graph = self.given.graph.graph();
        let makes = |node: usize| graph.nodes[node].outputs.first() == Some(&edge.tensor);
        let maker = match self.given.layout.placed[edge.from].item {
            Item::Node(id) => Some(id.index()).filter(|node| makes(*node)),
            Item::Block(block) => self.nodes_of(block).find(|node| makes(*node)),
            Item::Input(_) | Item::Output(_) => None,
        };
        self.given.error(maker?)
    }
}

impl Picture for Scene {
    fn ground(&self, i: usize) -> Ground {
        self.grounds[i]
    }

    fn words(&self, i: usize) -> &Words {
        self.words[i].get_or_init(|| self.words_of(i))
    }

    fn edge_words(&self, edge: usize) -> &str {
        self.edge_words[edge].get_or_init(|| self.edge_words_of(edge))
    }

    fn emphasis(&self, i: usize) -> Emphasis {
        self.emphasis[i]
    }
}

/// `Conv 1×1 + Batch norm, ReLU`: an activation that was a layer of its own is named once.
fn with_merged(about: &str, ops: &str) -> String {
    match about.rsplit_once(", ") {
        Some((op, activation)) if ops.split(", ").any(|merged| merged == activation) => format!("{op} + {ops}"),
        _ => format!("{about} + {ops}"),
    }
}

fn kind_words(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    let activation = node.op.facts().activation().name();
    let label = node.op.facts().label(&Operands::new(graph, node));
    if activation.is_empty() || label.contains(activation) { label } else { format!("{label}, {activation}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_merged_is_named_once() {
        assert_eq!(with_merged("Conv 1×1, ReLU", "Batch norm, ReLU"), "Conv 1×1 + Batch norm, ReLU");
        assert_eq!(with_merged("Conv 1×1, ReLU", "Batch norm"), "Conv 1×1, ReLU + Batch norm");
        assert_eq!(with_merged("Dense", "Add"), "Dense + Add");
    }
}
