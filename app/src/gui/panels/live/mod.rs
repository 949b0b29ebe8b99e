//! The live demo: what is heard now, probabilities as they go by, events, the model on the board.
//!
//! | panel | what it shows |
//! | --- | --- |
//! | [`now`] | the class on top, the input, how it is decided, counts |
//! | [`probabilities`] | the last seconds: signal, events, every class |
//! | [`events`] | what was heard, as a table |
//! | [`board`] | the model on the board: agreement, times, memory, log |
//! | [`battery`] | its last section: how long a battery would last |

pub mod battery;
pub mod board;
pub mod events;
pub mod now;
pub mod probabilities;

use std::time::Duration;

use eframe::egui::{Rect, Ui, vec2};

use crate::gui::capture::{Ask as Capture, Source};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::live::Ask;
use crate::gui::widgets::empty_state;
use crate::live::{Shown, State};

/// How often what moves by itself is painted.
const FRAME: Duration = Duration::from_millis(33);

fn ask(cx: PanelCtx<'_>, ask: Ask) {
    cx.send(Command::Live(ask));
}

/// What a panel shows while nothing is listened to.
struct Nothing {
    title: &'static str,
    words: &'static str,
    /// With a button that listens to a simulated board: one panel has it.
    offers: bool,
}

/// Shows what there is to see while something is listened to; else what to do.
fn with_shown(cx: PanelCtx<'_>, ui: &mut Ui, nothing: Nothing, show: impl FnOnce(&Shown, &mut Ui)) {
    let Some(listener) = &cx.session.live.listener else {
        let is_ready = cx.session.candidate().is_some();
        let words = if is_ready { nothing.words } else { "A candidate is being made of the model." };
        let offers = nothing.offers && is_ready && cx.session.capture.station().is_none();
        let chosen = empty_state(ui, icons::BROADCAST, nothing.title, words, offers.then_some("Listen to a simulated board"));
        if chosen.is_some_and(|response| response.clicked()) {
            cx.send(Command::Capture(Capture::Listen(Source::Simulated)));
        }
        return;
    };
    let shown = listener.shown();
    if matches!(shown.state, State::Listening | State::Waiting) {
        ui.ctx().request_repaint_after(FRAME);
    }
    show(&shown, ui);
}

/// The part of a bar of `rect` that a fraction fills.
fn filled(rect: Rect, fraction: f32) -> Rect {
    Rect::from_min_size(rect.min, vec2(rect.width() * fraction.clamp(0.0, 1.0), rect.height()))
}
