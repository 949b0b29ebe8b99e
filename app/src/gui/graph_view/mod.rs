//! The picture of a graph: what has a box ([`net`], [`blocks`]), where boxes lie ([`layout`], off the UI thread), how they are painted
//! ([`pen`], [`draw`]) and how the selection walks along edges ([`select`]). Shows a graph, never changes one.

pub mod blocks;
pub mod draw;
pub mod glide;
pub mod index;
pub mod layout;
pub mod mini_map;
pub mod net;
pub mod pen;
pub mod picture;
pub mod rank;
mod relax;
mod route;
pub mod select;
#[cfg(test)]
pub(crate) mod test_nets;
pub mod view;
