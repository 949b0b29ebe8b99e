//! Progressive quantization that is going on.

use tinsmith_core::preview::progressive::{Attempt, Goal};
use tinsmith_core::progress::Cancel;

/// What was tried so far.
#[derive(Clone, Debug)]
pub struct Lowering {
    /// What has to hold.
    pub goal: Goal,
    /// In order.
    pub attempts: Vec<Attempt>,
    /// Ends it.
    pub cancel: Cancel,
}

impl Lowering {
    /// Nothing was tried yet.
    pub fn new(goal: Goal, cancel: Cancel) -> Self {
        Self { goal, attempts: Vec::new(), cancel }
    }

    /// The latest attempt: `int4, dense: 98.9 %`.
    pub fn words(&self) -> String {
        self.attempts.last().map_or_else(|| "starting".to_owned(), words)
    }

    /// All attempts, for whoever wants to know.
    pub fn story(&self) -> String {
        let line = |attempt: &Attempt| format!("{}{}", words(attempt), if attempt.is_kept { "" } else { ", too few bits" });
        self.attempts.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn words(attempt: &Attempt) -> String {
    let layer = attempt.layer.as_deref().unwrap_or("all layers");
    format!("{}, {layer}: {:.1} %", attempt.scheme.name(), attempt.reached * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::recipe::Scheme;

    #[test]
    fn attempts_are_told_one_by_one() {
        let mut lowering = Lowering::new(Goal::Agreement(0.99), Cancel::new());
        assert_eq!((lowering.words().as_str(), lowering.story().as_str()), ("starting", ""));
        let attempt = |layer: Option<&str>, reached, is_kept| Attempt {
            layer: layer.map(str::to_owned),
            scheme: Scheme::Int4,
            reached,
            is_kept,
        };
        lowering.attempts = vec![attempt(None, 0.95, false), attempt(Some("dense"), 0.991, true)];
        assert_eq!(lowering.words(), "int4, dense: 99.1 %");
        assert_eq!(lowering.story(), "int4, all layers: 95.0 %, too few bits\nint4, dense: 99.1 %");
    }
}
