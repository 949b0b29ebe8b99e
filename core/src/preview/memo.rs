//! Results of earlier runs, by what they were made from.

use std::collections::VecDeque;

use serde::Serialize;

/// What a result was made from: equal keys, equal results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of something made from these parts, in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A plain value as bytes for a [`Key`]: equal values, equal bytes.
pub(super) fn key_bytes(value: &impl Serialize) -> Vec<u8> {
    // Recipes and profiles hold only strings, numbers, lists and maps with string keys, which always serialize.
    serde_json::to_vec(value).unwrap_or_default()
}

/// The latest results of one stage; the least recently used goes first.
#[derive(Debug)]
pub(super) struct Memo<T> {
    results: VecDeque<(Key, T)>,
    capacity: usize,
}

impl<T: Clone> Memo<T> {
    pub fn new(capacity: usize) -> Self {
        Self { results: VecDeque::with_capacity(capacity), capacity }
    }

    /// The result made from `key`, if it is remembered.
    pub fn get(&mut self, key: Key) -> Option<T> {
        let position = self.results.iter().position(|(other, _)| *other == key)?;
        let result = self.results.remove(position)?;
        self.results.push_back(result.clone());
        Some(result.1)
    }

    /// Remembers a result and hands it back.
    pub fn put(&mut self, key: Key, result: T) -> T {
        if self.results.len() >= self.capacity {
            self.results.pop_front();
        }
        self.results.push_back((key, result.clone()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_result_is_forgotten() {
        let keys: Vec<Key> = (0..3_u8).map(|i| Key::of(&[&[i]])).collect();
        let mut memo = Memo::new(2);
        memo.put(keys[0], 'a');
        memo.put(keys[1], 'b');
        assert_eq!(memo.get(keys[0]), Some('a'));
        memo.put(keys[2], 'c');
        assert_eq!((memo.get(keys[0]), memo.get(keys[1]), memo.get(keys[2])), (Some('a'), None, Some('c')));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Key::of(&[b"ab", b"c"]), Key::of(&[b"a", b"bc"]));
    }
}
