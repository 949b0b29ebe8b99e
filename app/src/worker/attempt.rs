//! Work in which a mistake of the program is told like any other failure: whoever waits for it would wait for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `work`. If that panics, the failure says so: `doing` is what it was at, such as `while counting`.
///
/// # Errors
/// Those of `work`, and its panic.
pub fn attempt<T>(doing: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let mistake = |_| Err(format!("the program made a mistake {doing}; report it"));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(mistake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_as_a_failure() {
        assert_eq!(attempt("over this", || Ok(1)), Ok(1));
        assert_eq!(attempt::<()>("over this", || Err("no".to_owned())), Err("no".to_owned()));
        let told = attempt::<()>("while counting", || panic!("for this test"));
        assert_eq!(told, Err("the program made a mistake while counting; report it".to_owned()));
    }
}
