//! Going back: through edits of the project, and in the workspace Data through those of the clips, whichever was made last.

use std::sync::Arc;

use super::{Edit, Session, difference};
use crate::capture::Collection;
use crate::gui::workspace::Workspace;

/// In which order the project and its clips were edited: each has a history of its own.
#[derive(Debug, Default)]
pub struct Turns {
    /// Where edits of the project follow edits of the clips: how many of those there were, and the project as it was.
    runs: Vec<(usize, Edit)>,
    /// The steps that were taken back, the last of them last: whether they were the clips'.
    undone: Vec<bool>,
}

impl Turns {
    /// The project was edited, after so many edits of the clips.
    pub fn edited(&mut self, n_clip_edits: usize, before: &Edit) {
        if self.runs.last().is_none_or(|(n, _)| *n < n_clip_edits) {
            self.runs.push((n_clip_edits, before.clone()));
        }
    }

    /// Whether of so many edits of the clips the last came after all edits of the project.
    fn end_with_clips(&self, n_clip_edits: usize) -> bool {
        self.runs.last().is_none_or(|(n, _)| *n < n_clip_edits)
    }

    /// Whether what was taken back last was the clips'.
    fn clips_come_back(&self) -> bool {
        self.undone.last() != Some(&false)
    }

    fn undid(&mut self, clips: bool) {
        self.undone.push(clips);
    }

    /// An entry may be of an edit that cannot come back any more, as something else was edited since.
    fn redid(&mut self, clips: bool) {
        if let Some(at) = self.undone.iter().rposition(|of_clips| *of_clips == clips) {
            self.undone.truncate(at);
        }
    }
}

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
            self.turns.undid(false);
            self.turns.runs.pop_if(|(_, before)| *before == self.edit);
        }
    }

    /// Goes forward again.
    pub fn redo(&mut self) {
        self.undo_named = None;
        if let Some(edit) = self.undoer.redo(&self.edit) {
            self.message = format!("redone: {}", difference(&self.edit, edit));
            let before = std::mem::replace(&mut self.edit, edit.clone());
            self.turns.redid(false);
            self.turns.edited(self.n_clip_edits(), &before);
        }
    }

    /// Takes the last edit of the clips back.
    pub fn undo_clips(&mut self, clips: &Collection) {
        self.message = clips.undo().map_or_else(String::new, |what| format!("undone: {what}"));
        self.turns.undid(true);
    }

    /// Brings it back.
    pub fn redo_clips(&mut self, clips: &Collection) {
        self.message = clips.redo().map_or_else(String::new, |what| format!("redone: {what}"));
        self.turns.redid(true);
    }

    /// The clips, where they are what undo is about: in the workspace Data, if they were edited last or nothing else is left to undo.
    pub fn undone_clips(&self) -> Option<Arc<Collection>> {
        let is_their_turn = self.turns.end_with_clips(self.n_clip_edits()) || !self.undoer.has_undo(&self.edit);
        self.clips_in_data().filter(|clips| is_their_turn && clips.undo_name().is_some())
    }

    /// The same of redo.
    pub fn redone_clips(&self) -> Option<Arc<Collection>> {
        let is_their_turn = self.turns.clips_come_back() || !self.undoer.has_redo(&self.edit);
        self.clips_in_data().filter(|clips| is_their_turn && clips.redo_name().is_some())
    }

    /// How many edits of the clips there were that were not taken back.
    pub fn n_clip_edits(&self) -> usize {
        self.capture.collection.as_ref().map_or(0, |clips| clips.n_edits())
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
