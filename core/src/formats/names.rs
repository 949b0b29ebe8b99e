//! Names of nodes, each once: formats need not have any, or may repeat them.

use std::collections::{HashMap, HashSet};

/// The longest name taken from a file.
const MAX_CHARS: usize = 64;

/// Without control characters and blanks, and not too long: names stand in overrides, tables and messages.
pub(super) fn clean(name: &str) -> String {
    name.chars().take(MAX_CHARS).map(|c| if c.is_control() || c.is_whitespace() { '_' } else { c }).collect()
}

/// Hands out names.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Names {
    /// `base`, or the first of `base_2`, `base_3`, … that nothing has. The same file always gives the same names.
    pub(super) fn unique(&mut self, base: String) -> String {
        if self.taken.insert(base.clone()) {
            return base;
        }
        let count = self.next.entry(base.clone()).or_insert(1);
        loop {
            *count += 1;
            let name = format!("{base}_{count}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
