//! What is painted of a graph: how boxes look and what is written on them. What it means is the panel's business.

use eframe::egui::Color32;

/// The line around a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Outline {
    /// None: the ground is enough.
    #[default]
    None,
    /// Inputs and outputs.
    Plain,
    /// Something cannot be done with this node; words on the box say so too.
    Obstacle,
    /// Not in the other graph any more.
    Dashed,
}

/// How a box looks from any distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    /// Ground.
    pub fill: Color32,
    /// Text.
    pub ink: Color32,
    /// The line around it.
    pub outline: Outline,
    /// Differs from what it is compared with: a bar at its left.
    pub is_changed: bool,
}

/// What is written on a box that is near.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Words {
    /// First line.
    pub title: String,
    /// Second line.
    pub about: String,
    /// At the right of the first line; empty for nothing.
    pub value: String,
    /// At the right of the second line; empty for nothing.
    pub aside: String,
    /// For screen readers and tests.
    pub name: String,
}

/// How much attention a box asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Emphasis {
    /// Selected, alone or among others.
    pub is_selected: bool,
    /// Not what is searched for.
    pub is_faint: bool,
}

/// A graph as it is to be painted. Boxes and edges are those of the layout it is painted with; words are asked for only where they
/// can be read.
pub trait Picture {
    /// How a box looks.
    fn ground(&self, i: usize) -> Ground;
    /// What is written on a box.
    fn words(&self, i: usize) -> &Words;
    /// What is written on an edge.
    fn edge_words(&self, edge: usize) -> &str;
    /// How much attention a box asks for.
    fn emphasis(&self, i: usize) -> Emphasis;
}
