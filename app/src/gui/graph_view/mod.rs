//! The picture of a graph: where its nodes lie ([`layout`], off the UI thread), how they are painted ([`draw`]) and how the
//! selection walks along edges ([`select`]). Shows a graph, never changes one.

pub mod draw;
pub mod layout;
mod route;
pub mod select;
