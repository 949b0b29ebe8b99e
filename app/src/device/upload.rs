//! What is longer than a frame goes to the board in pieces, each when the one before was taken.

use std::time::{Duration, Instant};

use tinsmith_runtime::link::{Command, Piece, Status, content_hash};

/// Bytes of a piece: small boards have small buffers.
const PIECE: usize = 1024;
/// How long an answer may take. Models on small boards run for seconds.
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
    bytes: Vec<u8>,
    /// Bytes that the board has.
    held: usize,
    /// The piece that waits for its answer.
    sent: Option<(u16, Instant)>,
    tries: u32,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Going,
    /// All is there.
    Done,
    /// The board refuses, or does not answer.
    Failed(Status),
}

impl Upload {
    pub fn new(what: What, bytes: Vec<u8>) -> Self {
        Self { what, bytes, held: 0, sent: None, tries: 0 }
    }

    pub fn what(&self) -> What {
        self.what
    }

    /// The content hash of a model that is all there.
    pub fn model_to_activate(&self) -> Option<[u8; 8]> {
        let is_there = self.what == What::Model && self.held == self.bytes.len();
        is_there.then(|| content_hash(&self.bytes))
    }

    /// The piece to send now, if any.
    pub fn next(&self) -> Option<Command<'_>> {
        if self.sent.is_some() || self.held == self.bytes.len() {
            return None;
        }
        let bytes = &self.bytes[self.held..(self.held + PIECE).min(self.bytes.len())];
        let piece = Piece { total: self.bytes.len() as u32, offset: self.held as u32, bytes };
        Some(match self.what {
            What::Model => Command::Load(piece),
            What::Input(request) => Command::Infer { request, input: piece },
        })
    }

    /// The piece went out in this frame.
    pub fn sent(&mut self, sequence: u16) {
        self.sent = Some((sequence, Instant::now()));
    }

    /// The board answers a frame. `None` if it is none of these.
    pub fn answered(&mut self, sequence: u16, status: Status, held: u32) -> Option<Progress> {
        self.sent.take_if(|(sent, _)| *sent == sequence)?;
        Some(match status {
            Status::Done | Status::Offset if held as usize <= self.bytes.len() => {
                self.tries = if held as usize > self.held { 0 } else { self.tries + 1 };
                self.held = held as usize;
                match () {
                    () if self.held == self.bytes.len() => Progress::Done,
                    () if self.tries > TRIES => Progress::Failed(Status::Offset),
                    () => Progress::Going,
                }
            }
            status => Progress::Failed(status),
        })
    }

    /// Sends again what has found no answer.
    pub fn tick(&mut self) -> Progress {
        if self.sent.take_if(|(_, at)| at.elapsed() > PATIENCE).is_some() {
            self.tries += 1;
        }
        if self.tries > TRIES { Progress::Failed(Status::Failed) } else { Progress::Going }
    }

    /// The board has begun anew.
    pub fn restart(&mut self) {
        (self.held, self.sent) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_sent_again_from_where_the_board_is() {
        let mut upload = Upload::new(What::Model, (0..=255).cycle().take(2500).collect());
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
        assert_eq!(upload.answered(8, Status::Done, 2500), Some(Progress::Done));
        upload.sent(9);
        assert_eq!(upload.answered(9, Status::Memory, 0), Some(Progress::Failed(Status::Memory)));
    }
}
