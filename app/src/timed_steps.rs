//! How long a model that listens takes over each window.

use std::time::Instant;

use tinsmith_core::live::{Live, LiveError, Step};

/// As [`Live::push`]: each step, and how many microseconds it took by itself.
///
/// # Errors
/// As [`Live::push`].
pub fn timed_steps(live: &mut Live, instants: &[f32]) -> Result<Vec<(Step, u32)>, LiveError> {
    let (mut since, mut steps) = (Instant::now(), Vec::new());
    live.push(instants, |step| {
        steps.push((step, u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)));
        since = Instant::now();
    })?;
    Ok(steps)
}
