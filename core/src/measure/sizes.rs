//! How large a model is, as it lies in flash: the `.tflite` file, what gzip makes of it, and the compact model.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::export::compact::{Coding, CompactError, compact};
use crate::graph::Graph;
use crate::tensor::Data;

/// Nets have some zeros by chance: from this many percent on somebody put them there.
const WORTH_MENTIONING: f64 = 30.0;

/// Sizes of one model. All are lengths of bytes that exist, none is estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Of the `.tflite` file.
    pub raw_bytes: u64,
    /// Of the same file through gzip at level 9: what the field quotes, though no device runs it.
    pub gzip_bytes: u64,
    /// What the weights take, or would take, in float32.
    pub float_weights_bytes: u64,
    /// How many of the weights are zero, and of how many.
    pub zero_weights: (u64, u64),
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
    let zero_weights = zero_weights(graph);
    Sizes {
        raw_bytes: tflite.len() as u64,
        gzip_bytes: gzip_bytes(tflite),
        float_weights_bytes: 4 * zero_weights.1,
        zero_weights,
        compact,
    }
}

impl Sizes {
    /// What zeros among the weights buy and what they do not, in a sentence; `None` for a net that has few.
    pub fn sparsity(&self) -> Option<String> {
        let (zeros, weights) = self.zero_weights;
        let percent = 100.0 * zeros as f64 / weights.max(1) as f64;
        (percent >= WORTH_MENTIONING).then(|| {
            format!(
                "{percent:.0} % of the weights are zero: TensorFlow Lite Micro stores and multiplies them like others, the .tflite \
                 is not smaller and not faster for it; gzip and .tin are smaller"
            )
        })
    }
}

fn gzip_bytes(bytes: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.expect("writing to memory succeeds").len() as u64
}

/// How many weights are zero, and how many there are; weights that several nodes share count once.
fn zero_weights(graph: &Graph) -> (u64, u64) {
    let mut shared = BTreeSet::new();
    for node in &graph.nodes {
        let [weights, _] = node.op.trained_operands();
        shared.extend(weights.filter_map(|at| node.inputs.get(at).copied().flatten()));
    }
    let constants = shared.into_iter().filter_map(|id| graph.tensor(id).data.as_ref());
    constants.fold((0, 0), |(zeros, all), data| (zeros + zeros_of(data), all + data.len() as u64))
}

/// Weights have their zero points at zero.
fn zeros_of(data: &Data) -> u64 {
    let n = match data {
        Data::F32(values) => values.iter().filter(|x| **x == 0.0).count(),
        // Both zeros, but for the sign.
        Data::F16(bits) => bits.iter().filter(|x| **x << 1 == 0).count(),
        Data::I4(values) | Data::I8(values) => values.iter().filter(|x| **x == 0).count(),
        Data::U8(_) | Data::I16(_) | Data::I32(_) | Data::I64(_) | Data::Bool(_) | Data::Other(..) => 0,
    };
    n as u64
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
        assert_eq!((sizes.zero_weights.1, sizes.sparsity()), (4 * 3 * 3 * 3 + 7 * 120, None));
        let mut pruned = graph.clone();
        let weights = pruned.nodes[2].inputs[1].expect("a dense layer's weights");
        pruned.tensors[weights.index()].data = Some(Data::F32(vec![0.0; 7 * 120].into()));
        let pruned = super::sizes(&pruned, &bytes);
        assert!(pruned.zero_weights.0 >= 7 * 120 && pruned.sparsity().is_some_and(|s| s.contains("are zero")), "{pruned:?}");
        assert!(sizes.compact.unwrap_err().to_string().contains("float32"));
    }
}
