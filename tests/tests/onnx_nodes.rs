//! ONNX's own tests of single operators: how many of those that matter pass, and why the others do not.
//!
//! The cases are files that `tests/peers/onnx_node_cases.py` writes; `TINSMITH_ONNX_NODES` names their folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tinsmith_core::execute::float::Prepared;
use tinsmith_core::formats::import;
use tinsmith_core::graph::{Graph, Severity, TensorId};
use tinsmith_core::progress::Cancel;
use tinsmith_core::tensor::Data;

/// How large a part of the cases has to pass.
const PASSING: f64 = 0.95;

/// The floats of a file; `None` if there is no such file.
fn floats(path: &Path) -> Option<Vec<f32>> {
    let bytes = fs::read(path).ok()?;
    Some(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
}

/// Values of the file's order in that of the tensor (`order` as in `SourceOrder`), or the other way round.
fn reordered(values: &[f32], tensor: &[usize], order: &[usize], to_tensor: bool) -> Vec<f32> {
    if order.is_empty() || values.len() != tensor.iter().product::<usize>() {
        return values.to_vec();
    }
    let mut file = vec![0; tensor.len()];
    order.iter().zip(tensor).for_each(|(&axis, &extent)| file[axis] = extent);
    let mut result = vec![0.0; values.len()];
    for place in 0..values.len() {
        let (mut rest, mut index) = (place, vec![0; tensor.len()]);
        for axis in (0..tensor.len()).rev() {
            (index[axis], rest) = (rest % tensor[axis], rest / tensor[axis]);
        }
        let mut in_file = vec![0; tensor.len()];
        order.iter().zip(&index).for_each(|(&axis, &i)| in_file[axis] = i);
        let there = in_file.iter().zip(&file).fold(0, |sum, (&i, &extent)| sum * extent + i);
        if to_tensor { result[place] = values[there] } else { result[there] = values[place] }
    }
    result
}

fn constant(graph: &Graph, id: TensorId) -> Option<Vec<f32>> {
    match graph.tensor(id).data.as_ref()? {
        Data::F32(values) => Some(values.to_vec()),
        other => other.to_i64().map(|list| list.iter().map(|&v| v as f32).collect()),
    }
}

/// The outputs of a case as the graph computes them.
fn computed(graph: &Graph, folder: &Path) -> Result<Vec<Vec<f32>>, String> {
    let shape = |id: TensorId| graph.tensor(id).shape.clone();
    let no_order = vec![];
    if graph.outputs.iter().all(|&id| graph.tensor(id).is_constant()) {
        return Ok(graph.outputs.iter().filter_map(|&id| constant(graph, id)).collect());
    }
    let inputs: Option<Vec<Vec<f32>>> = (0..graph.inputs.len())
        .map(|i| {
            let order = graph.source_order.inputs.get(i).unwrap_or(&no_order);
            floats(&folder.join(format!("input_{i}.f32"))).map(|v| reordered(&v, &shape(graph.inputs[i]), order, true))
        })
        .collect();
    let inputs = inputs.ok_or("an input is missing")?;
    let prepared = Prepared::new(graph).map_err(|error| error.to_string())?;
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let outputs = prepared.run(&slices, &Cancel::new()).map_err(|error| error.to_string())?;
    let order = |i: usize| graph.source_order.outputs.get(i).unwrap_or(&no_order);
    Ok(outputs.iter().enumerate().map(|(i, v)| reordered(v, &shape(graph.outputs[i]), order(i), false)).collect())
}

/// Why a case does not pass.
fn trouble(folder: &Path) -> Option<String> {
    let graph = match import(&folder.join("model.onnx")) {
        Ok(import) => import.graph,
        Err(error) => return Some(error.trouble.to_string()),
    };
    if let Some(note) = graph.notes.iter().find(|note| note.severity == Severity::Obstacle) {
        return Some(note.text.clone());
    }
    let outputs = match computed(&graph, folder) {
        Ok(outputs) => outputs,
        Err(error) => return Some(error),
    };
    for (i, found) in outputs.iter().enumerate() {
        let Some(wanted) = floats(&folder.join(format!("output_{i}.f32"))) else { continue };
        if found.len() != wanted.len() {
            return Some(format!("{} values, expected {}", found.len(), wanted.len()));
        }
        let close = |(a, b): (&f32, &f32)| a == b || (a - b).abs() <= 1e-4 + 1e-3 * b.abs() || a.is_nan() && b.is_nan();
        if let Some((a, b)) = found.iter().zip(&wanted).find(|&pair| !close(pair)) {
            return Some(format!("{a}, expected {b}"));
        }
    }
    None
}

#[test]
fn most_node_tests_pass_and_the_others_say_why_not() {
    let Some(folder) = std::env::var_os("TINSMITH_ONNX_NODES") else {
        eprintln!("SKIP: no ONNX node tests; write them with tests/peers/onnx_node_cases.py and set TINSMITH_ONNX_NODES");
        return;
    };
    let mut folders: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let (mut n_passed, mut reasons) = (0, BTreeMap::new());
    for folder in &folders {
        match trouble(folder) {
            Some(reason) => drop(reasons.insert(folder.file_name().expect("a name").to_owned(), reason)),
            None => n_passed += 1,
        }
    }
    for (name, reason) in &reasons {
        println!("{}: {reason}", name.to_string_lossy());
    }
    println!("{n_passed} of {} node tests pass", folders.len());
    assert!(n_passed as f64 >= PASSING * folders.len() as f64, "{n_passed} of {} node tests pass", folders.len());
}
