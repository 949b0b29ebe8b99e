//! Whether a board computes what the studio computes, byte by byte.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use tinsmith_runtime::link::Status;

use super::{Event, Request};

/// Requests are numbered across the program: whoever asks, no answer is taken for another's, however late it comes.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Inputs that were sent to a board, and the outputs that are due for them.
#[derive(Debug, Default)]
pub struct Agreement {
    /// Outputs that are due, by request.
    due: HashMap<u32, Vec<u8>>,
    same: u64,
    answered: u64,
}

/// What a board said to one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which request.
    pub request: u32,
    /// Whether there was an output.
    pub status: Status,
    /// Its output is the one that was due.
    pub is_same: bool,
    /// How long the board took.
    pub latency_us: u32,
}

impl Agreement {
    /// What to ask a board so that its output for `input` is compared with `expected`. The request's number too.
    pub fn ask(&mut self, input: Vec<u8>, expected: Vec<u8>) -> (u32, Request) {
        // 0 is what is watched.
        let request = ASKED.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        self.due.insert(request, expected);
        (request, Request::Infer(request, input))
    }

    /// Compares an answer with what was due; nothing if the event is none.
    pub fn take(&mut self, event: &Event) -> Option<Answer> {
        let Event::Result { request, status, latency_us, output, .. } = event else { return None };
        let expected = self.due.remove(request)?;
        let is_same = *status == Status::Done && *output == expected;
        self.answered += 1;
        self.same += u64::from(is_same);
        Some(Answer { request: *request, status: *status, is_same, latency_us: *latency_us })
    }

    /// Answers that are still due.
    pub fn waiting(&self) -> usize {
        self.due.len()
    }

    /// Outputs that were the same, of how many.
    pub fn counts(&self) -> (u64, u64) {
        (self.same, self.answered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_held_against_what_is_due() {
        let mut agreement = Agreement::default();
        let (first, _) = agreement.ask(vec![1], vec![10]);
        let (second, request) = agreement.ask(vec![2], vec![20]);
        assert!(matches!(request, Request::Infer(number, input) if number == second && input == [2]));
        let answer = |request, status, output| Event::Result { request, status, latency_us: 5, time_us: 0, output };
        assert_eq!(agreement.take(&answer(0, Status::Done, vec![10])), None, "what is watched");
        assert!(agreement.take(&answer(second, Status::Done, vec![20])).is_some_and(|answer| answer.is_same));
        assert_eq!((agreement.waiting(), agreement.counts()), (1, (1, 1)));
        assert!(agreement.take(&answer(first, Status::Failed, vec![10])).is_some_and(|answer| !answer.is_same));
        assert_eq!((agreement.waiting(), agreement.counts()), (0, (1, 2)));
    }

    #[test]
    fn an_answer_that_comes_too_late_is_nobody_elses() {
        let (late, _) = Agreement::default().ask(vec![1], vec![10]);
        let mut later = Agreement::default();
        later.ask(vec![1], vec![10]);
        let answer = Event::Result { request: late, status: Status::Done, latency_us: 5, time_us: 0, output: vec![10] };
        assert_eq!((later.take(&answer), later.waiting()), (None, 1));
    }
}
