//! Addition and subtraction of tensors of one shape.

use tinsmith_runtime::kernels::elementwise::AddParams;

use super::Isa;

/// An addition or subtraction.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    params: AddParams,
}

impl Add {
    /// Keeps the parameters.
    pub fn prepare(params: &AddParams, _isa: Isa) -> Self {
        Self { params: *params }
    }

    /// Computes what [`tinsmith_runtime::kernels::elementwise::add`] computes; all three are equally long.
    pub fn run(&self, left: &[i8], right: &[i8], output: &mut [i8]) {
        for ((out, left), right) in output.iter_mut().zip(left).zip(right) {
            *out = self.params.apply(*left, *right);
        }
    }
}
