//! Samples that are made of recordings, made anew where the stages have changed. Figures wait for them: those of other samples would
//! be figures of another model.

use std::path::PathBuf;
use std::sync::Arc;

use tinsmith_core::data::features::Pipeline;
use tinsmith_core::progress::Cancel;

use super::App;
use crate::gui::figures::Activity;
use crate::gui::session::LoadedData;
use crate::worker::Remade;

/// Samples that are being made.
#[derive(Debug)]
pub(super) struct Remaking {
    path: PathBuf,
    features: Option<Pipeline>,
    cancel: Cancel,
}

impl App {
    /// Starts to make the samples that the stages on screen ask for, if those at hand are others; whether that goes on.
    pub(super) fn remakes_samples(&mut self) -> bool {
        let features = self.session.edit.features.clone();
        let data = self.session.open.as_ref().and_then(|open| open.data.as_ref());
        let Some(data) = data.filter(|data| data.is_outdated(features.as_ref())) else {
            self.stop_remaking();
            return false;
        };
        if self.remaking.as_ref().is_some_and(|remaking| remaking.path == data.path && remaking.features == features) {
            return true;
        }
        let path = data.path.clone();
        self.stop_remaking();
        self.worker.cancel();
        // What still arrives is of the samples before.
        self.revision += 1;
        self.session.figures.expect_all();
        self.session.activity = Some(Activity { label: "making features".to_owned(), done: 0, total: 1 });
        let cancel = self.worker.remake(path.clone(), features.clone());
        self.remaking = Some(Remaking { path, features, cancel });
        true
    }

    /// Nobody wants the samples any more that are being made.
    pub(super) fn stop_remaking(&mut self) {
        if let Some(remaking) = self.remaking.take() {
            remaking.cancel.cancel();
        }
    }

    pub(super) fn take_remade(&mut self, remade: Remade) {
        let Remade { path, features, set } = remade;
        if !self.remaking.as_ref().is_some_and(|remaking| remaking.path == path && remaking.features == features) {
            return;
        }
        self.stop_remaking();
        let Some(open) = &mut self.session.open else { return };
        match set {
            Ok(set) => {
                // What was said of the samples stays said.
                let set = set.laid_out(self.session.edit.layout);
                open.data = Some(LoadedData::new(path, Arc::new(set), features));
                self.start_job();
            }
            Err(text) => {
                self.session.activity = None;
                self.session.figures.fail(text);
                self.session.message = "the features cannot be made".to_owned();
            }
        }
    }
}
