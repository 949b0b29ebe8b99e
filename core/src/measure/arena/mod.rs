//! RAM of TensorFlow Lite Micro: the planned activations, the persistent part, and the least arena that works.
//!
//! All of it is exact for TFLM's reference kernels and operators known here; [`ArenaFigures::exact`] says so. Kernels that are
//! not known may take scratch and data of their own, and so may optimized ones (CMSIS-NN, ESP-NN). Where a kernel takes
//! persistent buffers while it holds temporaries, TFLM does not notice that they overlap; the least arena here leaves room for
//! both, up to 16 bytes more than TFLM happens to survive with.
//!
//! | part | where it comes from | proven by |
//! | --- | --- | --- |
//! | activations | `planner`: TFLM's greedy planner, 16-byte alignment | `tests/golden/arena.csv`, column `head` |
//! | persistent, 64-bit | `layout`, `kernels`, `setup` | column `tail` |
//! | least arena, 64-bit | `setup` with its temporaries | column `min_arena`, by bisection |
//! | persistent, 32-bit | the same tables with 4-byte pointers | arenas reported by firmware on Cortex-M4F and RV32IMC |

mod kernels;
mod layout;
mod planner;
mod setup;
#[cfg(test)]
mod tests;

pub use layout::Abi;
use planner::Buffer;

use super::{ArenaFigures, Lifetime};
use crate::graph::{Graph, MemoryPlan};

/// TFLM's alignment of everything it plans.
pub const ALIGNMENT: usize = 16;

type Buffers = Vec<Buffer>;

/// Arena figures of a graph as it would be exported; `mcu` is the 32-bit machine that they are wanted for.
pub fn arena_figures(graph: &Graph, mcu: Abi) -> ArenaFigures {
    let (buffers, exact) = planned_buffers(graph);
    let unplanned: Buffers = buffers.iter().map(|b| Buffer { fixed: None, ..b.clone() }).collect();
    let greedy = planner::greedy(&unplanned);
    let greedy_bytes = planner::height(&buffers, &greedy);
    let offsets = if buffers.iter().any(|b| b.fixed.is_some()) { planner::greedy(&buffers) } else { greedy };
    let activations_bytes = planner::height(&buffers, &offsets);
    let best_bytes = best_offsets(&unplanned).1.min(greedy_bytes).min(activations_bytes);
    let planned = usize::try_from(activations_bytes).unwrap_or(usize::MAX);
    let host = setup::replay(graph, &buffers, planned, Abi::HOST64);
    let mcu = setup::replay(graph, &buffers, planned, mcu);
    ArenaFigures {
        activations_bytes,
        greedy_bytes,
        best_bytes,
        lower_bound_bytes: planner::lower_bound(&buffers),
        persistent_host64_bytes: host.persistent_bytes as u64,
        persistent_mcu32_bytes: mcu.persistent_bytes as u64,
        arena_mcu32_bytes: mcu.arena_bytes as u64,
        arena_host64_bytes: host.arena_bytes as u64,
        exact,
        lifetimes: lifetimes(graph, &buffers, &offsets),
    }
}

/// A fixed plan for all activations that needs less than TFLM's own; all entries `None` where no such plan was found, which
/// leaves the runtime its way. The graph's own plan, if it has one, is not looked at.
///
/// Deterministic, about 10 ms at most for thousands of tensors.
pub fn best_plan(graph: &Graph) -> MemoryPlan {
    let mut offsets = vec![None; graph.tensors.len()];
    let unplanned: Buffers = planned_buffers(graph).0.iter().map(|b| Buffer { fixed: None, ..b.clone() }).collect();
    let (best, height) = best_offsets(&unplanned);
    if height < planner::height(&unplanned, &planner::greedy(&unplanned)) {
        for (buffer, offset) in unplanned.iter().zip(best) {
            if let Some(tensor) = buffer.tensor {
                offsets[tensor.index()] = u32::try_from(offset).ok();
            }
        }
    }
    MemoryPlan { offsets: offsets.into() }
}

/// Offsets, multiples of [`ALIGNMENT`], for buffers that need not follow TFLM's planner: of each the first and the last step that
/// needs it, and its bytes. Those needed at the same step do not overlap. Deterministic.
pub fn place(buffers: impl Iterator<Item = (usize, usize, usize)>) -> Vec<u64> {
    let buffer = |(first, last, bytes): (usize, usize, usize)| Buffer {
        tensor: None,
        bytes: (bytes as u64).next_multiple_of(ALIGNMENT as u64),
        first: first as i64,
        last: last as i64,
        fixed: None,
    };
    planner::search(&buffers.map(buffer).collect::<Buffers>())
}

/// Room for each node's handle of scratch and for op data that is larger in optimized kernels and in newer versions.
const FIRMWARE_MARGIN_PER_NODE: usize = 32;

/// An arena for firmware: the least one on any 32-bit microcontroller, with CMSIS-NN's scratch planned in and 32 bytes a node to
/// spare. ESP-NN on the ESP32-S3 and P4 takes more, which only the device can tell.
pub fn firmware_arena_bytes(graph: &Graph) -> u64 {
    let scratch: Vec<(usize, usize)> = graph
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| {
            let own = kernels::kernel(graph, node).unwrap_or_default().scratch;
            own.into_iter().chain(kernels::optimized_scratch(graph, node)).map(move |bytes| (index, bytes))
        })
        .collect();
    let buffers = planner::buffers(graph, &scratch);
    let planned = planner::height(&buffers, &planner::greedy(&buffers));
    let planned = usize::try_from(planned).unwrap_or(usize::MAX);
    let least = setup::replay(graph, &buffers, planned, Abi::OTHER32).arena_bytes;
    (least + FIRMWARE_MARGIN_PER_NODE * graph.nodes.len()).next_multiple_of(ALIGNMENT) as u64
}

/// The buffers that TFLM plans, and whether all kernels are known.
fn planned_buffers(graph: &Graph) -> (Buffers, bool) {
    let mut scratch = Vec::new();
    let mut exact = true;
    for (index, node) in graph.nodes.iter().enumerate() {
        match kernels::kernel(graph, node) {
            Some(kernel) => scratch.extend(kernel.scratch.into_iter().map(|bytes| (index, bytes))),
            None => exact = false,
        }
    }
    (planner::buffers(graph, &scratch), exact)
}

/// Offsets of the best plan for the tensors, and what TFLM needs with them: it places scratch buffers by itself around them.
fn best_offsets(unplanned: &Buffers) -> (Vec<u64>, u64) {
    let found = planner::search(unplanned);
    let fix = |(b, offset): (&Buffer, &u64)| Buffer { fixed: b.tensor.map(|_| *offset), ..b.clone() };
    let fixed: Buffers = unplanned.iter().zip(&found).map(fix).collect();
    let offsets = planner::greedy(&fixed);
    let height = planner::height(&fixed, &offsets);
    (offsets, height)
}

fn lifetimes(graph: &Graph, buffers: &Buffers, offsets: &[u64]) -> Vec<Lifetime> {
    let last_node = graph.nodes.len().saturating_sub(1);
    let node = |moment: i64| usize::try_from(moment - 1).unwrap_or(0).min(last_node);
    let of = |(b, &offset): (&Buffer, &u64)| {
        let (first_node, last_node) = (node(b.first), node(b.last));
        Some(Lifetime { tensor: b.tensor?, first_node, last_node, bytes: b.bytes, offset })
    };
    buffers.iter().zip(offsets).filter_map(of).collect()
}
