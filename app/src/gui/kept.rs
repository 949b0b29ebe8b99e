//! What is made of figures and graphs is made once and kept as long as these are the very same: there may be thousands of layers to go
//! through, and a frame has but milliseconds.

use std::sync::Arc;

use eframe::egui::{Context, Id};

/// Compared by what it is, not by what is in it. Holds it, so that nothing else takes its place in memory.
#[derive(Debug)]
pub struct Same<T>(pub Arc<T>);

impl<T> Clone for Same<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What `make` makes of `of`, kept under `name` until it is asked for with something else.
pub fn kept<K, V>(ctx: &Context, name: &'static str, of: K, make: impl FnOnce(&K) -> V) -> Arc<V>
where
    K: PartialEq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    let id = Id::unique(name);
    let last: Option<(Arc<K>, Arc<V>)> = ctx.data(|data| data.get_temp(id));
    if let Some((_, value)) = last.filter(|(key, _)| **key == of) {
        return value;
    }
    // Not made while the context's data is locked: what makes it may look something up there.
    let value = Arc::new(make(&of));
    ctx.data_mut(|data| data.insert_temp(id, (Arc::new(of), Arc::clone(&value))));
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_again_only_for_something_else() {
        let ctx = Context::default();
        let mut n_made = 0;
        let mut make = |of: &Same<i32>| {
            let value = kept(&ctx, "test", of.clone(), |of| {
                n_made += 1;
                *of.0 * 2
            });
            (*value, n_made)
        };
        let (three, other_three) = (Same(Arc::new(3)), Same(Arc::new(3)));
        assert_eq!([make(&three), make(&three), make(&other_three), make(&three)], [(6, 1), (6, 1), (6, 2), (6, 3)]);
    }
}
