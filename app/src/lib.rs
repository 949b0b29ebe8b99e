//! The studio: the window, the command line, and the worker that keeps previews fresh. Owns every thread and every pixel.
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`capture`] | recording as the user does it: clips, sessions, data sets that grow |
//! | [`cli`] | one subcommand a file: parse, call the core, print |
//! | [`device`] | boards: ports, recording, simulated boards |
//! | [`microphone`] | microphones of this computer |
//! | [`input`] | where samples come from: a board, a microphone |
//! | [`loudspeaker`] | playing a clip |
//! | [`timed_steps`] | how long a model that listens takes over each window |
//! | `live` | the live demo behind the window: models that follow what an input measures (feature `gui`) |
//! | `gui` | the window (feature `gui`) |
//! | `worker` | the threads behind the window (feature `gui`) |
#![warn(missing_docs)]

pub mod capture;
pub mod cli;
pub mod device;
#[cfg(feature = "gui")]
pub mod gui;
pub mod input;
#[cfg(feature = "gui")]
pub mod live;
pub mod loudspeaker;
pub mod microphone;
pub mod timed_steps;
#[cfg(feature = "gui")]
pub mod worker;

/// The program's allocator. The C library's keeps an arena for every thread that there ever was, and what many short-lived worker
/// threads freed stays there: a day of edits held 194 MB with 35 MB in use.
pub use mimalloc::MiMalloc as Allocator;
