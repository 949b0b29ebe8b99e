//! Going back: through edits of the project, and in the workspace Data through those of the clips, whichever was made last.

use std::sync::Arc;

use super::{Session, difference};
use crate::capture::Collection;
use crate::gui::workspace::Workspace;

impl Session {
    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        self.undone_clips().is_some() || self.open.is_some() && self.undoer.has_undo(&self.edit)
    }

    /// Whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        self.redone_clips().is_some() || self.open.is_some() && self.undoer.has_redo(&self.edit)
    }

    /// Goes back to the edit before.
    pub fn undo(&mut self) {
        self.undo_named = None;
        if let Some(edit) = self.undoer.undo(&self.edit) {
            self.message = format!("undone: {}", difference(edit, &self.edit));
            self.edit = edit.clone();
        }
    }

    /// Goes forward again.
    pub fn redo(&mut self) {
        self.undo_named = None;
        if let Some(edit) = self.undoer.redo(&self.edit) {
            self.message = format!("redone: {}", difference(&self.edit, edit));
            self.edit = edit.clone();
        }
    }

    /// The clips, where they are what undo is about: in the workspace Data, if they were edited last or nothing else is left to undo.
    pub fn undone_clips(&self) -> Option<Arc<Collection>> {
        let is_their_turn = self.capture.edited_clips_last || !self.undoer.has_undo(&self.edit);
        self.clips_in_data().filter(|clips| is_their_turn && clips.undo_name().is_some())
    }

    /// The same of redo.
    pub fn redone_clips(&self) -> Option<Arc<Collection>> {
        let is_their_turn = self.capture.edited_clips_last || !self.undoer.has_redo(&self.edit);
        self.clips_in_data().filter(|clips| is_their_turn && clips.redo_name().is_some())
    }

    fn clips_in_data(&self) -> Option<Arc<Collection>> {
        self.capture.collection.clone().filter(|_| self.workspace == Workspace::Data)
    }

    /// What undo would take back: `scheme`.
    pub fn undo_name(&mut self) -> Option<String> {
        if let Some(collection) = self.undone_clips() {
            return collection.undo_name();
        }
        if !self.can_undo() {
            return None;
        }
        if self.undo_named.as_ref().is_none_or(|(edit, _)| *edit != self.edit) {
            // The undoer shows its states only by stepping, and stepping a copy leaves the history as it is: once for each edit.
            let previous = self.undoer.clone().undo(&self.edit)?.clone();
            self.undo_named = Some((self.edit.clone(), difference(&previous, &self.edit)));
        }
        self.undo_named.as_ref().map(|(_, name)| name.clone())
    }
}
