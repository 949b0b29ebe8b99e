//! Addition and subtraction of tensors of one shape.

use tinsmith_runtime::kernels::elementwise::{AddParams, Sum};

use super::Isa;
use super::gemm::Finish;
use super::lanes::{Lanes, N_LANES, Scale, dispatch};

/// Bits by which the kernel raises both inputs.
const LEFT_SHIFT: i32 = 20;

/// An addition or subtraction.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    isa: Isa,
    params: AddParams,
    /// Of left input, right input and output.
    scales: [Scale; 3],
}

impl Add {
    /// Prepares the scales.
    pub fn prepare(params: &AddParams, isa: Isa) -> Self {
        let [left, right, output] = params.multipliers;
        let scale = |multiplier, raise| Scale::new(&[multiplier; N_LANES], raise);
        // All three factors are below one, so their shifts go right: raised values stay below 2^28, their sum below 2^30.
        let scales = [scale(left, LEFT_SHIFT), scale(right, LEFT_SHIFT), scale(output, 0)];
        Self { isa, params: *params, scales }
    }

    /// Computes what [`tinsmith_runtime::kernels::elementwise::add`] computes; all three are equally long.
    ///
    /// # Panics
    /// If they are not.
    pub fn run(&self, left: &[i8], right: &[i8], output: &mut [i8]) {
        assert!(left.len() == output.len() && right.len() == output.len());
        let add = self;
        dispatch!(self.isa, all(add: &Add, left: &[i8], right: &[i8], output: &mut [i8]));
    }
}

/// All elements; the last vector begins early enough to be whole, and writes some elements again.
///
/// # Safety
/// As [`Lanes`]; the slices are equally long.
#[inline(always)]
unsafe fn all<L: Lanes>(add: &Add, left: &[i8], right: &[i8], output: &mut [i8]) {
    let n = output.len();
    if n < N_LANES {
        for ((out, left), right) in output.iter_mut().zip(left).zip(right) {
            *out = add.params.apply(*left, *right);
        }
        return;
    }
    let finish = Finish { zero_point: add.params.zero_points[2], range: add.params.range, rounding: add.params.rounding };
    // SAFETY: as this function.
    let factors = unsafe { [L::factors(&add.scales[0]), L::factors(&add.scales[1]), L::factors(&add.scales[2])] };
    let mut at = 0;
    while at < n {
        at = at.min(n - N_LANES);
        // SAFETY: as this function; sixteen elements from `at` on exist in all three.
        unsafe {
            let left = operand::<L>(add, 0, factors[0], left.as_ptr().add(at));
            let right = operand::<L>(add, 1, factors[1], right.as_ptr().add(at));
            let sum = match add.params.sum {
                Sum::Add => L::add(left, right),
                Sum::Sub => L::sub(left, right),
            };
            finish.store::<L>(sum, (&add.scales[2], factors[2]), output.as_mut_ptr().add(at), N_LANES);
        }
        at += N_LANES;
    }
}

/// Sixteen elements of one side in the sum's units.
///
/// # Safety
/// As [`Lanes`]; `from` is valid for sixteen bytes, `side` is 0 or 1.
#[inline(always)]
unsafe fn operand<L: Lanes>(add: &Add, side: usize, factors: L::Factors, from: *const i8) -> L::I32 {
    // SAFETY: as this function.
    unsafe {
        let centred = L::sub(L::load_i8(from), L::splat(add.params.zero_points[side]));
        L::scale(centred, &add.scales[side], factors, add.params.rounding)
    }
}
