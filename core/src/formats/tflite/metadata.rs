//! The arena plan in a model's metadata, as TensorFlow Lite Micro reads it.
//!
//! Buffer of the metadata entry `OfflineMemoryAllocation`, little-endian `int32`:
//! ```text
//! [version = 1, subgraph = 0, n_tensors, offset of tensor 0 or -1, offset of tensor 1 or -1, …]
//! ```
//! Source: tflite-micro, `micro_allocation_info.cc` and `docs/memory_management.md`.

use super::constants::Constants;
use super::schema;
use crate::graph::MemoryPlan;

/// Name of the metadata entry.
pub(super) const NAME: &str = "OfflineMemoryAllocation";

/// The plan in the file, if there is one; `Err` if there is one that does not fit.
pub(super) fn read(
    model: &schema::Model<'_>,
    constants: &Constants<'_>,
    n_tensors: usize,
) -> Result<Option<MemoryPlan>, &'static str> {
    let Some(entry) = model.metadata().iter().flatten().find(|entry| entry.name() == Some(NAME)) else { return Ok(None) };
    let bytes = constants.bytes(entry.buffer(), String::new).map_err(|_| "its buffer does not exist")?;
    let words: Vec<i32> = bytes.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect();
    match words.as_slice() {
        [1, 0, n, offsets @ ..] if usize::try_from(*n) == Ok(n_tensors) && offsets.len() == n_tensors => {
            Ok(Some(MemoryPlan { offsets: offsets.iter().map(|&offset| u32::try_from(offset).ok()).collect() }))
        }
        [1, 0, ..] => Err("it is made for another number of tensors"),
        _ => Err("it is of an unknown version or for another subgraph"),
    }
}

/// The buffer for a plan; `None` if an offset does not fit the format.
pub(super) fn to_bytes(offsets: &[Option<u32>]) -> Option<Vec<u8>> {
    let header = [1, 0, i32::try_from(offsets.len()).ok()?];
    let offsets = offsets.iter().map(|offset| offset.map_or(Some(-1), |offset| i32::try_from(offset).ok()));
    let words = header.into_iter().map(Some).chain(offsets).collect::<Option<Vec<i32>>>()?;
    Some(words.into_iter().flat_map(i32::to_le_bytes).collect())
}
