//! Many samples on many threads, with results that do not depend on how many threads there are.

use std::ops::Range;

use rayon::prelude::*;

use super::ExecuteError;
use crate::progress::Cancel;

/// Splits `n_samples` into blocks of `block` (the last may be shorter), runs them on rayon's current pool and returns their
/// results in the order of the samples. `scratch` makes a worker's reusable memory. Between blocks `cancel` is asked.
///
/// Whoever adds up results adds them in the order returned: then sums are the same for any number of threads.
///
/// # Errors
/// That of the first block that failed; [`ExecuteError::Cancelled`].
pub fn run_blocks<S, T: Send>(
    n_samples: usize,
    block: usize,
    cancel: &Cancel,
    scratch: impl Fn() -> S + Send + Sync,
    run: impl Fn(&mut S, Range<usize>) -> Result<T, ExecuteError> + Send + Sync,
) -> Result<Vec<T>, ExecuteError> {
    let block = block.max(1);
    (0..n_samples.div_ceil(block))
        .into_par_iter()
        .map_init(scratch, |scratch, i| {
            cancel.check()?;
            run(scratch, i * block..((i + 1) * block).min(n_samples))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_samples_in_order() {
        let run = |_: &mut (), samples: Range<usize>| Ok(samples.collect::<Vec<_>>());
        let blocks = run_blocks(10, 4, &Cancel::new(), || (), run).unwrap();
        assert_eq!(blocks, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    }

    #[test]
    fn cancelled_work_stops() {
        let cancel = Cancel::new();
        cancel.cancel();
        let result = run_blocks(10, 4, &cancel, || (), |_, _| Ok(()));
        assert_eq!(result, Err(ExecuteError::Cancelled(crate::progress::Cancelled)));
    }
}
