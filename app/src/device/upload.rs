//! What is longer than a frame goes to the board in pieces, each when the one before was taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tinsmith_runtime::link::{Command, Piece, Status, content_hash};

/// Bytes of a piece: small boards have small buffers.
const PIECE: usize = 1024;
/// How long an answer may take, beside what the model takes. Models on small boards run for seconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a piece is sent again.
const TRIES: u32 = 3;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A model.
    Model,
    /// The input of a request.
    Input(u32),
}

/// Something on its way to the board.
#[derive(Debug)]
pub struct Upload {
    what: What,
    bytes: Arc<[u8]>,
    /// Bytes that the board has.
    held: usize,
    /// The board has said that it has all of them.
    is_there: bool,
    /// The frame that waits for its answer.
    sent: Option<u16>,
    /// When something was sent or answered last.
    since: Instant,
    tries: u32,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Going,
    /// The model runs, or the board refuses, or does not answer.
    Ended(Status),
}

impl Upload {
    pub fn new(what: What, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { what, bytes: bytes.into(), held: 0, is_there: false, sent: None, since: Instant::now(), tries: 0 }
    }

    pub fn what(&self) -> What {
        self.what
    }

    /// What to send now, if anything: the next piece, or that a model that is all there is to run. Inputs of no bytes are a piece,
    /// too.
    pub fn next(&self) -> Option<Command<'_>> {
        if self.sent.is_some() {
            return None;
        }
        let bytes = &self.bytes[self.held..(self.held + PIECE).min(self.bytes.len())];
        let piece = Piece { total: self.bytes.len() as u32, offset: self.held as u32, bytes };
        match self.what {
            What::Model if self.is_there => Some(Command::Activate { hash: content_hash(&self.bytes) }),
            What::Model => Some(Command::Load(piece)),
            What::Input(_) if self.is_there => None,
            What::Input(request) => Some(Command::Infer { request, input: piece }),
        }
    }

    /// It went out in this frame.
    pub fn sent(&mut self, sequence: u16) {
        (self.sent, self.since) = (Some(sequence), Instant::now());
    }

    /// The board answers a frame. `None` if it is none of these.
    pub fn answered(&mut self, sequence: u16, status: Status, held: u32) -> Option<Progress> {
        self.sent.take_if(|sent| *sent == sequence)?;
        self.since = Instant::now();
        if self.is_there {
            return Some(Progress::Ended(status));
        }
        Some(match status {
            Status::Done | Status::Offset if held as usize <= self.bytes.len() => {
                self.tries = if held as usize > self.held { 0 } else { self.tries + 1 };
                self.held = held as usize;
                self.is_there = self.held == self.bytes.len();
                if self.tries > TRIES && !self.is_there { Progress::Ended(Status::Offset) } else { Progress::Going }
            }
            // It claims more than there is.
            Status::Done => Progress::Ended(Status::Offset),
            status => Progress::Ended(status),
        })
    }

    /// Of a model: bytes that the board has, and all of them.
    pub fn progress(&self) -> Option<(usize, usize)> {
        (self.what == What::Model).then_some((self.held, self.bytes.len()))
    }

    /// Sends again what has found no answer by `now`: the answer, too, may have been lost. A board whose model takes up to `slowest`
    /// is given the time of two runs, or it would be sent what it is about to answer.
    pub fn tick(&mut self, now: Instant, slowest: Duration) -> Progress {
        let waits = self.sent.is_some() || self.is_there;
        if waits && now.saturating_duration_since(self.since) > PATIENCE + 2 * slowest {
            (self.sent, self.since) = (None, now);
            self.tries += 1;
            if self.is_there && self.what != What::Model {
                (self.held, self.is_there) = (0, false);
            }
        }
        if self.tries > TRIES { Progress::Ended(Status::Failed) } else { Progress::Going }
    }

    /// The board has begun anew.
    pub fn restart(&mut self) {
        (self.held, self.is_there, self.sent) = (0, false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_sent_again_from_where_the_board_is() {
        let mut upload = Upload::new(What::Model, (0..=255).cycle().take(2500).collect::<Vec<u8>>());
        let offset = |upload: &Upload| match upload.next() {
            Some(Command::Load(piece)) => Some((piece.offset, piece.bytes.len())),
            _ => None,
        };
        assert_eq!(offset(&upload), Some((0, 1024)));
        upload.sent(5);
        assert_eq!(offset(&upload), None);
        assert_eq!(upload.answered(4, Status::Done, 9), None);
        assert_eq!(upload.answered(5, Status::Done, 1024), Some(Progress::Going));
        upload.sent(6);
        // The board lost its memory.
        assert_eq!(upload.answered(6, Status::Offset, 0), Some(Progress::Going));
        assert_eq!(offset(&upload), Some((0, 1024)));
        upload.sent(7);
        assert_eq!(upload.answered(7, Status::Offset, 2048), Some(Progress::Going));
        assert_eq!(offset(&upload), Some((2048, 452)));
        upload.sent(8);
        assert_eq!(upload.answered(8, Status::Done, 2500), Some(Progress::Going));
        assert!(matches!(upload.next(), Some(Command::Activate { .. })));
        upload.sent(9);
        assert_eq!(upload.answered(9, Status::Memory, 0), Some(Progress::Ended(Status::Memory)));
    }

    #[test]
    fn answers_that_never_come_end_it() {
        let model = || Upload::new(What::Model, vec![1; 10]);
        let mut answered = model();
        answered.sent(1);
        assert_eq!(answered.answered(1, Status::Done, 10), Some(Progress::Going));
        // That it runs was said, and lost; the board acknowledged all of an input, and then fell silent.
        let mut input = Upload::new(What::Input(3), vec![1; 10]);
        input.sent(1);
        assert_eq!(input.answered(1, Status::Done, 10), Some(Progress::Going));
        assert!(input.next().is_none());
        for mut upload in [answered, input] {
            let mut now = Instant::now();
            for sequence in 0..TRIES as u16 {
                now += 2 * PATIENCE;
                assert_eq!(upload.tick(now, Duration::ZERO), Progress::Going);
                assert!(upload.next().is_some(), "it is sent again");
                upload.sent(sequence);
            }
            assert_eq!(upload.tick(now + 2 * PATIENCE, Duration::ZERO), Progress::Ended(Status::Failed));
        }
    }

    #[test]
    fn a_model_that_takes_long_is_not_asked_twice() {
        let mut input = Upload::new(What::Input(3), vec![1; 10]);
        input.sent(1);
        assert_eq!(input.answered(1, Status::Done, 10), Some(Progress::Going));
        let (later, slowest) = (Instant::now() + 2 * PATIENCE, PATIENCE);
        assert_eq!(input.tick(later, slowest), Progress::Going);
        assert!(input.next().is_none(), "the board is still at it");
        input.tick(later, Duration::ZERO);
        assert!(input.next().is_some());
    }

    #[test]
    fn inputs_of_no_bytes_are_sent_and_boards_that_claim_too_much_are_refused() {
        let mut input = Upload::new(What::Input(1), Vec::new());
        assert!(matches!(input.next(), Some(Command::Infer { request: 1, input }) if input.bytes.is_empty()));
        input.sent(1);
        assert_eq!(input.answered(1, Status::Done, 0), Some(Progress::Going));
        let mut model = Upload::new(What::Model, vec![1; 2500]);
        model.sent(1);
        assert_eq!(model.answered(1, Status::Done, 4096), Some(Progress::Ended(Status::Offset)));
    }
}
