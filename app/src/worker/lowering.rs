//! Progressive quantization on a thread of its own, with an engine of its own: it takes a while, and previews go on beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tinsmith_core::preview::progressive::{Attempt, Goal, ProgressiveError, progressive};
use tinsmith_core::preview::{Engine, Job, PreviewError};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Recipe, Scheme};

/// The schemes that are gone through.
const WIDTHS: [Scheme; 3] = [Scheme::Int16x8, Scheme::Int8, Scheme::Int4];

/// A result.
#[derive(Clone, Debug)]
pub enum Lowered {
    /// A recipe was tried.
    Tried(Attempt),
    /// The last recipe that holds; `None` if none does; or why there is no answer.
    Done(Result<Option<Recipe>, String>),
}

/// Tries, and tells; a cancelled search tells nothing more.
pub(super) fn lower(job: &Job, goal: Goal, cancel: &Cancel, mut tell: impl FnMut(Lowered)) {
    super::priority::give_way();
    let search = || {
        let mut tried = |attempt: &Attempt| tell(Lowered::Tried(attempt.clone()));
        progressive(&mut Engine::new(), job, &WIDTHS, goal, cancel, &mut tried)
    };
    let found = match catch_unwind(AssertUnwindSafe(search)) {
        Ok(Err(ProgressiveError::Preview(PreviewError::Cancelled(_)))) => return,
        Ok(Err(ProgressiveError::Preview(error))) => Err(super::words::of_preview(&error)),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(recipe)) => Ok(recipe),
        Err(_) => Err("the program made a mistake while lowering the bits; report it".to_owned()),
    };
    tell(Lowered::Done(found));
}
