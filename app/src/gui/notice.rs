//! What happened and should be known: done, worth a look, failed. Nothing here takes the focus.

use super::command::Command;

/// Older ones are forgotten.
const MOST: usize = 200;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Done as asked: only in the list of activities.
    Done,
    /// Something that may surprise.
    Warning,
    /// Something failed.
    Error,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its number; no other notice has it.
    pub id: u64,
    /// How much it matters.
    pub kind: Kind,
    /// What happened: `kws_v3.onnx was not opened`.
    pub title: String,
    /// Where, what was expected, what to do; may be empty.
    pub text: String,
    /// What can be done about it: words on a button, and what it does.
    pub remedy: Option<(String, Command)>,
    /// Put away; it stays in the list of activities.
    pub is_dismissed: bool,
}

/// All that happened in this session, oldest first.
#[derive(Debug, Default)]
pub struct Notices {
    all: Vec<Notice>,
    next: u64,
}

impl Notices {
    /// Adds one. The same as the last one that is still shown is not said twice.
    pub fn add(&mut self, kind: Kind, title: impl Into<String>, text: impl Into<String>, remedy: Option<(&str, Command)>) {
        let (title, text) = (title.into(), text.into());
        if self.all.last().is_some_and(|n| !n.is_dismissed && n.kind == kind && n.title == title && n.text == text) {
            return;
        }
        let remedy = remedy.map(|(words, command)| (words.to_owned(), command));
        self.all.push(Notice { id: self.next, kind, title, text, remedy, is_dismissed: kind == Kind::Done });
        self.next += 1;
        if self.all.len() > MOST {
            self.all.remove(0);
        }
    }

    /// Those that still are to be seen, oldest first.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.all.iter().filter(|n| !n.is_dismissed)
    }

    /// All, oldest first.
    pub fn all(&self) -> &[Notice] {
        &self.all
    }

    /// Puts one away.
    pub fn dismiss(&mut self, id: u64) {
        for notice in self.all.iter_mut().filter(|n| n.id == id) {
            notice.is_dismissed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_away_stays_in_the_list() {
        let mut notices = Notices::default();
        notices.add(Kind::Error, "a", "", None);
        notices.add(Kind::Error, "a", "", None);
        notices.add(Kind::Done, "b", "", None);
        assert_eq!((notices.all().len(), notices.shown().count()), (2, 1));
        notices.dismiss(0);
        assert_eq!((notices.all().len(), notices.shown().count()), (2, 0));
        notices.add(Kind::Error, "a", "", None);
        assert_eq!(notices.shown().count(), 1);
    }
}
