//! What a panel is lent: the session to read, and a place to leave commands. A panel changes nothing but its own view state and
//! the copy of the edit it is handed.

use super::command::{Command, Commands};
use super::session::Session;

/// A panel's view of the program.
#[derive(Clone, Copy)]
pub struct PanelCtx<'a> {
    /// Everything there is to show.
    pub session: &'a Session,
    /// Where commands go.
    pub commands: &'a Commands,
}

impl PanelCtx<'_> {
    /// Leaves a command for the end of the frame.
    pub fn send(&self, command: Command) {
        self.commands.send(command);
    }
}
