//! What a result was made from is compared by what it is, not by what is in it: comparing models or thousands of figures would take
//! longer than making the result again.

use std::sync::Arc;

/// Whether both are the very same thing, or both nothing. Whoever remembers what it compares has to hold it, so that nothing else
/// takes its place in memory.
pub fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
    a.as_ref().map(Arc::as_ptr) == b.as_ref().map(Arc::as_ptr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_is_not_the_same() {
        let (a, b) = (Some(Arc::new(1)), Some(Arc::new(1)));
        assert!(same(&a, &a.clone()) && same::<i32>(&None, &None));
        assert!(!same(&a, &b) && !same(&a, &None));
    }
}
