//! Where samples come from: whatever measures is asked and tells in the same way.

use std::time::Duration;

use crate::device::{Connection, Event, Request, Talk};
use crate::microphone::Microphone;

/// Something that measures.
#[derive(Debug)]
pub enum Input {
    /// A board on a port.
    Board(Connection),
    /// A microphone of this computer.
    Microphone(Microphone),
}

impl Input {
    /// Asks for something. What comes of it is told by events.
    pub fn ask(&self, request: Request) {
        self.talk().ask(request);
    }

    /// The next thing that happens within `patience`.
    pub fn wait(&self, patience: Duration) -> Option<Event> {
        self.talk().wait(patience)
    }

    /// Blocks that were not shown because nobody polled.
    pub fn unseen(&self) -> u64 {
        self.talk().unseen()
    }

    /// Ends what is recorded and measured. Events can still be polled.
    pub fn close(&mut self) {
        match self {
            Self::Board(board) => board.close(),
            Self::Microphone(microphone) => microphone.close(),
        }
    }

    fn talk(&self) -> &Talk {
        match self {
            Self::Board(board) => board,
            Self::Microphone(microphone) => microphone,
        }
    }
}
