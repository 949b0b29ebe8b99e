//! One file a panel. A panel owns its view state, reads the session, edits the copy it is handed and sends commands; it never
//! knows another panel.

pub mod activity;
pub mod drop_overlay;
pub mod export;
pub mod first_run;
pub mod graph;
pub mod help;
pub mod inspector;
pub mod layers;
pub mod memory;
pub mod metrics;
pub mod notices;
pub mod palette;
pub mod rail;
pub mod recipe;
pub mod status;
pub mod top_bar;
pub mod unsaved;

use eframe::egui::{Context, Key, Modifiers};

/// Whether what lies on top is to be closed: Escape, taken so that nothing below hears it too.
fn is_escaped(ctx: &Context) -> bool {
    ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape))
}
