//! The live demo: it listens while the input is there and the workspace was looked at.

use std::sync::Arc;

use eframe::egui::Context;

use super::App;
use crate::gui::live::Ask;
use crate::gui::workspace::Workspace;
use crate::live::{Listener, Setup};

impl App {
    /// Has the thread work with what is on screen now.
    pub(super) fn follow_live(&mut self, ctx: &Context) {
        let wanted = self.live_setup();
        let waker = ctx.clone();
        let start = |setup| Listener::start(setup, Arc::new(move || waker.request_repaint()));
        self.session.live.follow(wanted, start);
    }

    fn live_setup(&self) -> Option<Setup> {
        let session = &self.session;
        let is_wanted = session.workspace == Workspace::Live || session.live.listener.is_some();
        let (open, candidate) = (session.open.as_ref()?, session.candidate()?);
        let station = session.capture.station().filter(|_| is_wanted)?;
        Some(Setup {
            station: Arc::downgrade(station),
            source: Arc::clone(&open.source),
            candidate: Arc::clone(candidate),
            data: open.data.as_ref().map(|data| Arc::clone(&data.set)),
            features: session.edit.features.clone(),
            settings: session.live.settings.clone(),
        })
    }

    pub(super) fn live(&mut self, ask: Ask) {
        let live = &mut self.session.live;
        match (ask, &live.listener) {
            (Ask::Set(settings), _) => live.settings = settings,
            (Ask::Pause(is_paused), Some(listener)) => {
                listener.pause(is_paused);
                live.is_paused = is_paused;
            }
            (Ask::Clear, Some(listener)) => listener.clear(),
            (Ask::Load, Some(listener)) => listener.load(),
            (Ask::Check, Some(listener)) => listener.check(),
            (Ask::Pause(_) | Ask::Clear | Ask::Load | Ask::Check, None) => {}
        }
    }
}
