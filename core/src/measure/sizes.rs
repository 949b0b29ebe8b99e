//! How large a model is, as it lies in flash: the `.tflite` file, what gzip makes of it, and the compact model.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::export::compact::{Coding, CompactError, compact};
use crate::graph::Graph;

/// Sizes of one model. All are lengths of bytes that exist, none is estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Of the `.tflite` file.
    pub raw_bytes: u64,
    /// Of the same file through gzip at level 9: what the field quotes, though no device runs it.
    pub gzip_bytes: u64,
    /// What the weights take, or would take, in float32.
    pub float_weights_bytes: u64,
    /// Of the compact model for Tinsmith's runtime, or why there is none.
    pub compact: Result<CompactSizes, CompactError>,
}

/// Sizes of a compact model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactSizes {
    /// Of the file.
    pub bytes: u64,
    /// Of its weights, tables among them.
    pub weights_bytes: u64,
    /// RAM for activations.
    pub arena_bytes: u64,
    /// RAM for decoding.
    pub workspace_bytes: u64,
}

/// Sizes of `graph`, of which `tflite` is the file, with the shortest coding of weights.
pub fn sizes(graph: &Graph, tflite: &[u8]) -> Sizes {
    let compact = compact(graph, Coding::Entropy).map(|model| CompactSizes {
        bytes: model.bytes.len() as u64,
        weights_bytes: model.weights_bytes(),
        arena_bytes: model.arena_bytes as u64,
        workspace_bytes: model.workspace_bytes as u64,
    });
    Sizes {
        raw_bytes: tflite.len() as u64,
        gzip_bytes: gzip_bytes(tflite),
        float_weights_bytes: float_weights_bytes(graph),
        compact,
    }
}

fn gzip_bytes(bytes: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.expect("writing to memory succeeds").len() as u64
}

/// Four bytes for each weight, once for weights that several nodes share.
fn float_weights_bytes(graph: &Graph) -> u64 {
    let mut shared = BTreeSet::new();
    for node in &graph.nodes {
        let [weights, _] = node.op.trained_operands();
        shared.extend(weights.filter_map(|at| node.inputs.get(at).copied().flatten()));
    }
    let constants = shared.into_iter().map(|id| graph.tensor(id)).filter(|tensor| tensor.is_constant());
    constants.map(|tensor| 4 * tensor.n_elements() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tflite::{self, ExportOptions};

    #[test]
    fn an_integer_model_has_all_sizes() {
        let Some(path) = crate::test_data::shared("data/models/fsdd_dscnn_skewed/fsdd_dscnn_skewed_int8pt.tflite") else {
            return;
        };
        let bytes = std::fs::read(&path).unwrap();
        let sizes = sizes(&crate::formats::import(&path).unwrap().graph, &bytes);
        assert_eq!(sizes.raw_bytes, bytes.len() as u64);
        let mut back = Vec::new();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
        encoder.write_all(&bytes).unwrap();
        let packed = encoder.finish().unwrap();
        std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut back).unwrap();
        assert_eq!((packed.len() as u64, back), (sizes.gzip_bytes, bytes));
        let compact = sizes.compact.unwrap();
        // Structure apart, a byte a weight is what the other file has.
        assert!(compact.bytes < sizes.gzip_bytes && compact.weights_bytes < sizes.float_weights_bytes / 4);
        assert!(compact.weights_bytes < compact.bytes && compact.arena_bytes > 0 && compact.workspace_bytes > 0);
    }

    #[test]
    fn a_float_model_says_why_it_has_no_compact_size() {
        let graph = crate::test_graph::small_net();
        let bytes = tflite::export(&graph, &ExportOptions::default()).unwrap();
        let sizes = sizes(&graph, &bytes);
        assert!(sizes.gzip_bytes < sizes.raw_bytes);
        assert_eq!(sizes.float_weights_bytes, 4 * (4 * 3 * 3 * 3 + 7 * 120));
        assert!(sizes.compact.unwrap_err().to_string().contains("float32"));
    }
}
