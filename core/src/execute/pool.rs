//! Scratch memory that outlives a run: the pages of fresh memory cost a short run more than its samples do.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Scratch memory waiting for its next use; as much as was ever in use at a time.
#[derive(Debug, Default)]
pub(super) struct Pool<S>(Mutex<Vec<S>>);

/// Scratch memory in use, as its last user left it. It goes back when dropped.
#[derive(Debug)]
pub(super) struct Lent<'a, S: Default> {
    pool: &'a Pool<S>,
    scratch: S,
}

impl<S: Default> Pool<S> {
    /// Memory that nobody uses, or new one.
    pub fn lend(&self) -> Lent<'_, S> {
        Lent { pool: self, scratch: self.waiting().pop().unwrap_or_default() }
    }

    /// A panic elsewhere leaves the list whole: it is only pushed to and popped from.
    fn waiting(&self) -> MutexGuard<'_, Vec<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Default> Deref for Lent<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.scratch
    }
}

impl<S: Default> DerefMut for Lent<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.scratch
    }
}

impl<S: Default> Drop for Lent<'_, S> {
    fn drop(&mut self) {
        self.pool.waiting().push(std::mem::take(&mut self.scratch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_lent_again_and_never_twice() {
        let pool = Pool::<Vec<u8>>::default();
        pool.lend().extend([1, 2, 3]);
        let (first, second) = (pool.lend(), pool.lend());
        assert_eq!((first.as_slice(), second.as_slice()), (&[1, 2, 3][..], &[][..]));
    }
}
