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
        self.keep_clips();
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
            keep: session.capture.collection.as_ref().filter(|_| session.live.keeps_all).map(Arc::downgrade),
            settings: session.live.settings.clone(),
        })
    }

    /// What is to become clips does, once there is a data set to put it into.
    fn keep_clips(&mut self) {
        let (live, capture) = (&mut self.session.live, &self.session.capture);
        if let Some((station, collection)) = capture.station().zip(capture.collection.as_ref()) {
            live.to_keep.drain(..).for_each(|stretch| station.keep(stretch, Arc::clone(collection)));
        } else if !capture.opening_clips.is_busy() {
            // It could not be opened, which was told.
            (live.keeps_all, live.to_keep) = (false, Vec::new());
        }
    }

    pub(super) fn live(&mut self, ask: Ask, ctx: &Context) {
        if matches!(ask, Ask::Keep(_) | Ask::KeepAll(true)) {
            self.need_clips(ctx);
        }
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
            (Ask::Keep(stretch), Some(_)) => live.to_keep.push(stretch),
            (Ask::KeepAll(keeps_all), Some(_)) => live.keeps_all = keeps_all,
            (Ask::Pause(_) | Ask::Clear | Ask::Load | Ask::Check | Ask::Keep(_) | Ask::KeepAll(_), None) => {}
        }
    }
}
