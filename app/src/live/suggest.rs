//! A threshold for an autoencoder, worked out on a thread of its own: nothing that is heard waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tinsmith_core::live::{LiveError, Reading, Runner, Suggestion, suggest};
use tinsmith_core::progress::Cancel;

use super::setup::Setup;

/// A threshold, or why there is none.
pub type Suggested = Result<Suggestion, String>;

/// A suggestion on its way, for as long as it is wanted.
#[derive(Debug)]
pub struct Suggesting {
    made: Arc<Mutex<Option<Suggested>>>,
    cancel: Cancel,
}

impl Suggesting {
    /// Begins, if the candidate is an autoencoder.
    pub fn start(setup: &Setup) -> Self {
        let this = Self { made: Arc::default(), cancel: Cancel::new() };
        let (setup, made, cancel) = (setup.clone(), Arc::clone(&this.made), this.cancel.clone());
        thread::spawn(move || {
            let found = find(&setup, &cancel);
            *made.lock().unwrap_or_else(PoisonError::into_inner) = found;
        });
        this
    }

    /// What was found; nothing before, and of a model that is no autoencoder.
    pub fn made(&self) -> Option<Suggested> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Suggesting {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn find(setup: &Setup, cancel: &Cancel) -> Option<Suggested> {
    // Who cannot run says so where it is listened to.
    let runner = Runner::new(&setup.candidate.graph).ok().filter(|runner| runner.reading() == Reading::Distance)?;
    let Some(data) = &setup.data else {
        return Some(Err("open a data set with samples that are as they should be".to_owned()));
    };
    Some(suggest(&runner, &setup.source.graph, data, cancel).map_err(|error: LiveError| error.to_string()))
}
