//! Where samples come from: whatever measures is asked and tells in the same way.

use std::time::Duration;

use crate::device::{Connection, Event, Request};

/// Something that measures.
#[derive(Debug)]
pub enum Input {
    /// A board on a port.
    Board(Connection),
}

impl Input {
    /// Asks for something. What comes of it is told by events.
    pub fn ask(&self, request: Request) {
        match self {
            Self::Board(board) => board.ask(request),
        }
    }

    /// The next thing that happens within `patience`.
    pub fn wait(&self, patience: Duration) -> Option<Event> {
        match self {
            Self::Board(board) => board.wait(patience),
        }
    }

    /// Blocks that were not shown because nobody polled.
    pub fn unseen(&self) -> u64 {
        match self {
            Self::Board(board) => board.unseen(),
        }
    }

    /// Ends what is recorded and measured. Events can still be polled.
    pub fn close(&mut self) {
        match self {
            Self::Board(board) => board.close(),
        }
    }
}
