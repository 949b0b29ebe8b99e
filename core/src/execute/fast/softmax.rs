//! Softmax with its 256 exponentials computed beforehand.

use tinsmith_runtime::kernels::softmax::{Reciprocal, SoftmaxParams, summand};

/// A softmax with its exponentials.
#[derive(Debug)]
pub struct Softmax {
    depth: usize,
    /// The exponential of each difference to the row's maximum, 0 down to -255, by the reference kernel.
    exponentials: [i32; 256],
}

impl Softmax {
    /// Computes the exponentials.
    pub fn prepare(params: &SoftmaxParams) -> Self {
        let exponentials = std::array::from_fn(|difference| params.exp_of_difference(-(difference as i32)));
        Self { depth: params.depth, exponentials }
    }

    /// Computes what [`tinsmith_runtime::kernels::softmax::softmax`] computes.
    pub fn run(&self, input: &[i8], output: &mut [i8]) {
        if self.depth == 0 {
            return;
        }
        for (row, out) in input.chunks_exact(self.depth).zip(output.chunks_exact_mut(self.depth)) {
            let max = row.iter().copied().max().unwrap_or(0);
            let exponential = |value: i8| self.exponentials[usize::from(max.abs_diff(value))];
            let sum = row.iter().fold(0_i32, |sum, value| sum.wrapping_add(summand(exponential(*value))));
            let reciprocal = Reciprocal::of(sum);
            out.iter_mut().zip(row).for_each(|(out, value)| *out = reciprocal.share(exponential(*value)));
        }
    }
}
