//! The studio: the window, the command line, and the worker that keeps previews fresh. Owns every thread and every pixel.
#![warn(missing_docs)]

#[cfg(feature = "gui")]
pub mod gui;
