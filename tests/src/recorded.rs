//! Recordings of what another runtime computes, as `tests/golden/kernels.py` writes them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tinsmith_core::execute::int8::Rounding;
use tinsmith_core::formats::import_bytes;
use tinsmith_core::graph::{Graph, TensorId};

/// One recorded model.
pub struct Case {
    /// What the recording calls it.
    pub name: String,
    /// How the recorded runtime rounds.
    pub rounding: Rounding,
    /// How many samples were run.
    pub samples: usize,
    /// The model.
    pub graph: Graph,
    /// What it was given.
    pub inputs: Vec<Recorded>,
    /// What its nodes made.
    pub made: Vec<Recorded>,
}

/// A tensor's bytes, sample after sample.
pub struct Recorded {
    /// Which tensor.
    pub id: TensorId,
    /// `[samples, ...]`, little-endian.
    pub bytes: Vec<u8>,
}

/// Reads `stem.json` and `stem.bin`, as `golden/kernels.py` writes them.
pub fn read(stem: &Path) -> Vec<Case> {
    let index = fs::read_to_string(stem.with_extension("json")).expect("the recording's index");
    let index: Value = serde_json::from_str(&index).expect("an index is JSON");
    let values = fs::read(stem.with_extension("bin")).expect("the recording's values");
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let case = |case: &Value| {
        let samples = number(&case["samples"]);
        let (at, len) = (number(&case["model"][0]), number(&case["model"][1]));
        let name = case["name"].as_str().expect("a name").to_owned();
        let tensors = |is_input: bool| {
            let rows = case["tensors"].as_array().expect("a list").iter();
            rows.filter(move |row| row["input"] == is_input)
                .map(|row| {
                    let at = number(&row["offset"]);
                    let bytes = values[at..at + samples * number(&row["sample_bytes"])].to_vec();
                    Recorded { id: TensorId::new(number(&row["id"])), bytes }
                })
                .collect()
        };
        Case {
            rounding: if case["rounding"] == "single" { Rounding::Single } else { Rounding::Double },
            samples,
            graph: import_bytes(&name, &values[at..at + len]).expect("a sound model").graph,
            inputs: tensors(true),
            made: tensors(false),
            name,
        }
    };
    index.as_array().expect("a list of cases").iter().map(case).collect()
}
