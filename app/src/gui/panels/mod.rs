//! One file a panel. A panel owns its view state, reads the session, edits the copy it is handed and sends commands; it never
//! knows another panel.

pub mod activity;
pub mod ask_extents;
pub mod ask_path;
pub mod candidates;
pub mod capture;
pub mod confusion;
pub mod coverage;
pub mod data_set;
pub mod drop_overlay;
pub mod explain;
pub mod failure;
pub mod files;
pub mod first_run;
pub mod fits;
pub mod graph;
pub mod help;
pub mod inspector;
pub mod layers;
pub mod layout_choice;
pub mod live;
pub mod memory;
pub mod metrics;
pub mod notices;
pub mod palette;
pub mod parameters;
pub mod rail;
pub mod recipe;
pub mod recipe_diff;
pub mod sample;
pub mod source;
pub mod status;
pub mod targets;
pub mod top_bar;
pub mod tradeoff;
pub mod treemap;
pub mod unsaved;
pub mod what_next;
pub mod where_it_sits;

use eframe::egui::{Context, Key, Modifiers, Ui};

use super::command::Action;
use super::context::PanelCtx;
use super::widgets::empty_state;

/// Whether what lies on top is to be closed: Escape, taken so that nothing below hears it too.
fn is_escaped(ctx: &Context) -> bool {
    ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape))
}

/// A panel that shows nothing without samples says so, and offers to choose some.
fn offer_data(cx: PanelCtx<'_>, icon: &str, title: &str, words: &str, ui: &mut Ui) {
    let chosen = empty_state(ui, icon, title, words, Some(Action::ChooseData.name()));
    if chosen.is_some_and(|response| response.clicked()) {
        cx.commands.act(Action::ChooseData);
    }
}
