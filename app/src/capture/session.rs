//! What is to be recorded: which words or gestures, how many of each, and which comes next.

/// In which order labels are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// All of one, then all of the next.
    #[default]
    OneByOne,
    /// One of each, again and again.
    InTurn,
}

/// A label, how many clips of it are wanted, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What to say or do.
    pub label: String,
    /// So many are wanted.
    pub wanted: usize,
    /// So many were recorded in this session.
    pub done: usize,
}

/// A session: it asks for one clip after another and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    prompts: Vec<Prompt>,
    order: Order,
    current: usize,
}

impl Session {
    /// Asks for `wanted` clips of each label.
    pub fn new(labels: &[String], wanted: usize, order: Order) -> Self {
        let prompt = |label: &String| Prompt { label: label.clone(), wanted: wanted.max(1), done: 0 };
        Self { prompts: labels.iter().map(prompt).collect(), order, current: 0 }
    }

    /// All labels.
    pub fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    /// What to say or do now; nothing once everything is there.
    pub fn now(&self) -> Option<&Prompt> {
        self.prompts.get(self.current).filter(|prompt| prompt.done < prompt.wanted)
    }

    /// A clip of what is asked for was recorded. Gives its label.
    pub fn recorded(&mut self) -> Option<String> {
        self.now()?;
        let prompt = &mut self.prompts[self.current];
        prompt.done += 1;
        let label = prompt.label.clone();
        if self.order == Order::InTurn || prompt.done >= prompt.wanted {
            self.advance();
        }
        Some(label)
    }

    /// The last clip of a label was no good: one more is wanted.
    pub fn discarded(&mut self, label: &str) {
        let Some(index) = self.prompts.iter().position(|prompt| prompt.label == label && prompt.done > 0) else { return };
        self.prompts[index].done -= 1;
        if self.now().is_none() {
            self.current = index;
        }
    }

    /// Goes on with the next label; this one comes again.
    pub fn skip(&mut self) {
        self.advance();
    }

    /// To the next label of which clips are wanted.
    fn advance(&mut self) {
        let n = self.prompts.len();
        let wants = |index: &usize| self.prompts[*index].done < self.prompts[*index].wanted;
        self.current = (1..=n).map(|step| (self.current + step) % n).find(wants).unwrap_or(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["yes", "no"].map(str::to_owned).to_vec()
    }

    fn recorded(session: &mut Session, n: usize) -> Vec<String> {
        (0..n).filter_map(|_| session.recorded()).collect()
    }

    #[test]
    fn one_label_after_another_or_in_turn() {
        let mut session = Session::new(&labels(), 2, Order::OneByOne);
        assert_eq!(recorded(&mut session, 9), ["yes", "yes", "no", "no"]);
        assert!(session.now().is_none());
        let mut session = Session::new(&labels(), 2, Order::InTurn);
        assert_eq!(recorded(&mut session, 9), ["yes", "no", "yes", "no"]);
    }

    #[test]
    fn what_is_skipped_comes_again_and_what_is_discarded_is_wanted_again() {
        let mut session = Session::new(&labels(), 1, Order::OneByOne);
        session.skip();
        assert_eq!(session.now().unwrap().label, "no");
        assert_eq!(recorded(&mut session, 2), ["no", "yes"]);
        session.discarded("no");
        assert_eq!(session.now().unwrap().label, "no");
        session.discarded("maybe");
        assert_eq!(recorded(&mut session, 2), ["no"]);
        assert_eq!(Session::new(&[], 3, Order::InTurn).now(), None);
    }
}
