//! Where each buffer lies in the arena: TFLM's greedy planner to the byte, and a search for something better.

use super::ALIGNMENT;
use crate::graph::{Graph, TensorId};

/// A tensor or scratch buffer that needs a place in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The tensor; `None` for scratch.
    pub tensor: Option<TensorId>,
    /// Bytes, rounded up to [`ALIGNMENT`].
    pub bytes: u64,
    /// First moment of need: 0 is before the first node, `i + 1` is node `i`; -1 for a tensor that nobody uses.
    pub first: i64,
    /// Last moment of need.
    pub last: i64,
    /// Offset that the model's own plan prescribes.
    pub fixed: Option<u64>,
}

impl Buffer {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The buffers of a graph in TFLM's order: tensors by index, then scratch by node.
///
/// Inputs live from before the first node, outputs to the last node, any other tensor from the node that makes it to the
/// last one that reads it. Constants and variables are not planned.
pub fn buffers(graph: &Graph, scratch: &[(usize, usize)]) -> Vec<Buffer> {
    const UNUSED: (i64, i64) = (-1, -1);
    let mut life = vec![UNUSED; graph.tensors.len()];
    for id in graph.inputs.iter().chain(&graph.outputs) {
        life[id.index()] = (0, 0);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let now = index as i64 + 1;
        for id in &node.outputs {
            life[id.index()] = (now, now);
        }
        for id in node.inputs.iter().flatten() {
            life[id.index()].1 = now;
        }
    }
    for id in &graph.outputs {
        life[id.index()].1 = graph.nodes.len() as i64;
    }
    let plan = graph.memory_plan.as_ref();
    let planned = graph.tensor_ids().filter(|&id| {
        let tensor = graph.tensor(id);
        !tensor.is_constant() && !tensor.is_variable && tensor.n_bytes() > 0
    });
    let tensors = planned.map(|id| Buffer {
        tensor: Some(id),
        bytes: aligned(graph.tensor(id).n_bytes()),
        first: life[id.index()].0,
        last: life[id.index()].1,
        fixed: plan.and_then(|p| p.offsets.get(id.index()).copied().flatten()).map(u64::from),
    });
    let scratch = scratch.iter().map(|&(node, bytes)| {
        let now = node as i64 + 1;
        Buffer { tensor: None, bytes: aligned(bytes), first: now, last: now, fixed: None }
    });
    tensors.chain(scratch).collect()
}

fn aligned(bytes: usize) -> u64 {
    (bytes as u64).checked_next_multiple_of(ALIGNMENT as u64).unwrap_or(u64::MAX)
}

/// Offsets as TFLM's `GreedyMemoryPlanner` computes them: prescribed ones first, then by falling size, among equals the later
/// first, each into the lowest gap between buffers needed at the same time.
pub fn greedy(buffers: &[Buffer]) -> Vec<u64> {
    let prescribed = (0..buffers.len()).filter(|&i| buffers[i].fixed.is_some());
    let mut order: Vec<usize> = prescribed.collect();
    let n_prescribed = order.len();
    order.extend((0..buffers.len()).rev().filter(|&i| buffers[i].fixed.is_none()));
    order[n_prescribed..].sort_by_key(|&i| std::cmp::Reverse(buffers[i].bytes));
    let neighbours = neighbours(buffers);
    first_fit(buffers, &neighbours, &order)
}

/// Bytes that a plan needs.
pub fn height(buffers: &[Buffer], offsets: &[u64]) -> u64 {
    buffers.iter().zip(offsets).map(|(b, offset)| offset.saturating_add(b.bytes)).max().unwrap_or(0)
}

/// The largest sum of buffers needed at one moment.
pub fn lower_bound(buffers: &[Buffer]) -> u64 {
    // At each moment those that are no longer needed go before the new ones come: (moment, comes, bytes) sorts like that.
    let mut events: Vec<(i64, bool, u64)> = Vec::with_capacity(2 * buffers.len());
    for b in buffers {
        events.push((b.first, true, b.bytes));
        events.push((b.last + 1, false, b.bytes));
    }
    events.sort_unstable();
    let (mut sum, mut most) = (0u128, 0);
    for (_, comes, bytes) in events {
        sum = if comes { sum + u128::from(bytes) } else { sum - u128::from(bytes) };
        most = most.max(sum);
    }
    u64::try_from(most).unwrap_or(u64::MAX)
}

/// For each buffer those needed at the same time.
fn neighbours(buffers: &[Buffer]) -> Vec<Vec<usize>> {
    let mut by_first: Vec<usize> = (0..buffers.len()).collect();
    by_first.sort_by_key(|&i| buffers[i].first);
    let mut neighbours = vec![Vec::new(); buffers.len()];
    let mut alive: Vec<usize> = Vec::new();
    for i in by_first {
        alive.retain(|&j| buffers[j].overlaps(&buffers[i]));
        for &j in &alive {
            neighbours[i].push(j);
            neighbours[j].push(i);
        }
        alive.push(i);
    }
    neighbours
}

/// Places buffers in `order`, each at the lowest offset where it fits between its neighbours placed so far.
fn first_fit(buffers: &[Buffer], neighbours: &[Vec<usize>], order: &[usize]) -> Vec<u64> {
    const NOT_YET: u64 = u64::MAX;
    let mut offsets = vec![NOT_YET; buffers.len()];
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for &i in order {
        if let Some(fixed) = buffers[i].fixed {
            offsets[i] = fixed;
            continue;
        }
        taken.clear();
        let placed = neighbours[i].iter().filter(|&&j| offsets[j] != NOT_YET);
        taken.extend(placed.map(|&j| (offsets[j], offsets[j].saturating_add(buffers[j].bytes))));
        taken.sort_unstable();
        let mut candidate = 0;
        for &(start, end) in &taken {
            if start.saturating_sub(candidate) >= buffers[i].bytes && start >= candidate {
                break;
            }
            candidate = candidate.max(end);
        }
        offsets[i] = candidate;
    }
    offsets
}

/// Neighbours looked at before the search gives up, about 10 ms.
const SEARCH_BUDGET: usize = 400_000;

/// A plan at least as good as the greedy one, prescribed offsets left aside: several orders, then a local search that moves the
/// buffers on top of the pile forward in the order. Stops at the lower bound. The same graph gives the same plan.
pub fn search(buffers: &[Buffer]) -> Vec<u64> {
    let free: Vec<Buffer> = buffers.iter().map(|b| Buffer { fixed: None, ..b.clone() }).collect();
    let bound = lower_bound(&free);
    let neighbours = neighbours(&free);
    let cost = free.len() + neighbours.iter().map(Vec::len).sum::<usize>();
    let fit = |order: &[usize]| {
        let offsets = first_fit(&free, &neighbours, order);
        (height(&free, &offsets), offsets)
    };
    let starts = orders(&free).into_iter().map(|order| (fit(&order), order));
    let Some(((mut best, mut offsets), mut order)) = starts.min_by_key(|((height, _), _)| *height) else {
        return Vec::new();
    };
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..SEARCH_BUDGET / cost.max(1) {
        if best <= bound {
            break;
        }
        let mut candidate = order.clone();
        let n_on_top = candidate.iter().filter(|&&i| offsets[i] + free[i].bytes == best).count();
        let chosen = random.below(n_on_top);
        let mut on_top = (0..candidate.len()).filter(|&p| offsets[candidate[p]] + free[candidate[p]].bytes == best);
        let Some(from) = on_top.nth(chosen) else { break };
        let to = random.below(from + 1);
        candidate[to..=from].rotate_right(1);
        // Something else moves as well, or the search would know one direction only.
        let (a, b) = (random.below(candidate.len()), random.below(candidate.len()));
        candidate.swap(a, b);
        let (height, fitted) = fit(&candidate);
        if height <= best {
            (best, offsets, order) = (height, fitted, candidate);
        }
    }
    offsets
}

/// Orders to start from; the first is TFLM's.
fn orders(buffers: &[Buffer]) -> Vec<Vec<usize>> {
    use std::cmp::Reverse;
    let by = |key: &dyn Fn(usize) -> (u128, u128)| {
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_key(|&i| Reverse(key(i)));
        order
    };
    let bytes = |i: usize| u128::from(buffers[i].bytes);
    let duration = |i: usize| (buffers[i].last - buffers[i].first + 1) as u128;
    let early = |i: usize| u128::MAX - (buffers[i].first + 1) as u128;
    vec![
        by(&|i| (bytes(i), i as u128)),
        by(&|i| (bytes(i), duration(i))),
        by(&|i| (bytes(i) * duration(i), bytes(i))),
        by(&|i| (duration(i), bytes(i))),
        by(&|i| (early(i), bytes(i))),
    ]
}

/// Marsaglia's xorshift: nothing here needs more, and every machine gives the same numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}
