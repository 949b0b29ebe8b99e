//! The window.
pub mod icons;
