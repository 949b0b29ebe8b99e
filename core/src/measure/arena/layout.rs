//! Sizes of the C structures that TensorFlow Lite Micro puts into its arena.
//!
//! A structure is written down as its fields; its size follows from the machine's pointers and enumerations, so that one
//! table serves a 64-bit host and every 32-bit microcontroller. The fields were learnt from TFLM's public headers (commit
//! 90b983c, August 2026) and proven by measurement: `tests/golden/arena.csv` on a 64-bit host, and the arenas that eight
//! firmware images reported on a Cortex-M4F and on RV32IMC (`published_firmware_arenas` in `super::tests`).

/// A field of a C structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Pointer, `size_t`, `intptr_t`.
    Pointer,
    /// `int`, `int32_t`, `float`.
    Int,
    /// A C enumeration without a stated width.
    Enum,
    /// `bool`, `int8_t`, an enumeration of one byte.
    Byte,
    /// `int16_t`.
    Half,
    /// `double`.
    Double,
}

/// What decides the size of a structure, and which build of TFLM allocates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abi {
    /// Bytes of a pointer.
    pub pointer: usize,
    /// Bytes of an enumeration of few values: 1 where the compiler shortens them (Arm's EABI), else 4.
    pub enumeration: usize,
    /// Built like TFLM's Python package: decompression compiled in, allocations recorded.
    pub python_package: bool,
}

impl Abi {
    /// TFLM's Python package on a 64-bit machine; its `print_allocations` is what peers report.
    pub const HOST64: Self = Self { pointer: 8, enumeration: 4, python_package: true };
    /// A Cortex-M: `arm-none-eabi` compilers shorten enumerations.
    pub const ARM32: Self = Self { pointer: 4, enumeration: 1, python_package: false };
    /// RISC-V and Xtensa. Never smaller than [`Abi::ARM32`].
    pub const OTHER32: Self = Self { pointer: 4, enumeration: 4, python_package: false };

    fn size_and_align(self, field: Field) -> usize {
        match field {
            Field::Pointer => self.pointer,
            Field::Int => 4,
            Field::Enum => self.enumeration,
            Field::Byte => 1,
            Field::Half => 2,
            Field::Double => 8,
        }
    }

    /// Size and alignment of a structure: each field at its own alignment, the whole rounded up to the largest.
    pub fn layout(self, fields: &[Field]) -> (usize, usize) {
        let place = |(offset, align): (usize, usize), &field: &Field| {
            let n = self.size_and_align(field);
            (offset.next_multiple_of(n) + n, align.max(n))
        };
        let (end, align) = fields.iter().fold((0, 1), place);
        (end.next_multiple_of(align), align)
    }
}

use Field::{Byte, Enum, Int, Pointer};

/// `SingleArenaBufferAllocator`: two virtual tables, head, tail, temporary and their bounds, a checksum, a count.
pub const ARENA_ALLOCATOR: &[Field] = &[Pointer, Pointer, Pointer, Pointer, Pointer, Pointer, Pointer, Pointer, Int];
/// What the recording variant adds: four counters.
pub const ARENA_ALLOCATOR_RECORDING: &[Field] = &[Pointer; 4];
/// `GreedyMemoryPlanner`.
pub const GREEDY_PLANNER: &[Field] = &[Pointer, Int, Int, Pointer, Pointer, Pointer, Pointer, Int, Int, Pointer, Byte];
/// `MicroAllocator`.
pub const MICRO_ALLOCATOR: &[Field] = &[Pointer, Pointer, Pointer, Pointer, Pointer, Byte, Pointer, Pointer, Pointer];
/// What the recording variant adds: the allocator, and eight records of three counters.
pub const MICRO_ALLOCATOR_RECORDING: &[Field] = &[Pointer; 25];
/// `MicroBuiltinDataAllocator`.
pub const BUILTIN_DATA_ALLOCATOR: &[Field] = &[Pointer, Pointer];
/// `SubgraphAllocations`.
pub const SUBGRAPH_ALLOCATIONS: &[Field] = &[Pointer, Pointer];
/// What a build with decompression adds to `SubgraphAllocations`.
pub const SUBGRAPH_ALLOCATIONS_COMPRESSED: &[Field] = &[Pointer];
/// `TfLiteEvalTensor`, one for each tensor.
pub const EVAL_TENSOR: &[Field] = &[Pointer, Pointer, Enum];
/// `NodeAndRegistration`, one for each node.
pub const NODE_AND_REGISTRATION: &[Field] = &[Pointer, Pointer, Pointer, Pointer, Pointer, Pointer, Int, Pointer];
/// `TfLiteTensor`: persistent for inputs and outputs, temporary in a kernel's `Prepare`.
pub const TENSOR: &[Field] = &[Enum, Pointer, Int, Int, Pointer, Pointer, Pointer, Enum, Enum, Byte];
/// `TfLiteAffineQuantization`, beside each quantized `TfLiteTensor`; an array of zero points follows.
pub const AFFINE_QUANTIZATION: &[Field] = &[Pointer, Pointer, Int];
/// `ScratchBufferRequest`, twelve at least at the head while kernels prepare.
pub const SCRATCH_REQUEST: &[Field] = &[Pointer, Int, Int];
/// `AllocationInfo`, temporary, one for each tensor and scratch buffer.
pub const ALLOCATION_INFO: &[Field] = &[Pointer, Pointer, Int, Int, Int, Byte];
/// Working memory of `GreedyMemoryPlanner` for each planned buffer, all of it `int`.
pub const PLANNER_BYTES_PER_BUFFER: usize = 40;
/// Scratch buffers that a kernel may ask for.
pub const MAX_SCRATCH_PER_NODE: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_the_host_build() {
        let size = |fields| Abi::HOST64.layout(fields).0;
        assert_eq!((size(EVAL_TENSOR), size(NODE_AND_REGISTRATION), size(TENSOR)), (24, 64, 64));
        assert_eq!((size(AFFINE_QUANTIZATION), size(SCRATCH_REQUEST), size(ALLOCATION_INFO)), (24, 16, 32));
    }

    #[test]
    fn short_enumerations_shrink_a_tensor() {
        assert_eq!(Abi::ARM32.layout(TENSOR), (32, 4));
        assert_eq!(Abi::OTHER32.layout(TENSOR), (40, 4));
        assert_eq!(Abi::ARM32.layout(&[Enum, Enum, Byte]), (3, 1));
        assert_eq!(Abi::ARM32.layout(&[Byte, Field::Double, Field::Half]), (24, 8));
    }
}
