//! Files of other tools, sound and broken: what goes in, what is refused, what comes out again.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::formats::tflite::{ExportOptions, export};
use tinsmith_core::formats::{import, import_bytes, suffixes};
use tinsmith_core::graph::{Graph, Severity};
use tinsmith_core::ops::Op;
use tinsmith_tests::hostile::{Mutations, exercise};
use tinsmith_tests::{peers_python, root, shared};

/// All sound models below the shared data, in a fixed order.
fn models() -> Vec<PathBuf> {
    let folders = ["data/mlperf_tiny", "data/models"].into_iter().filter_map(shared);
    let subfolders = folders.flat_map(|folder| entries(&folder)).filter(|path| path.is_dir());
    let files = subfolders.flat_map(|folder| entries(&folder));
    files.filter(|path| path.extension().is_some_and(|e| e == "tflite")).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn has_unknown(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| matches!(node.op, Op::Unknown(_)))
}

/// Without what an export does not keep: the notes and the file's name.
fn bare(mut graph: Graph) -> Graph {
    graph.notes.clear();
    graph.name.clear();
    graph
}

#[test]
fn every_model_loads_and_says_what_it_cannot_do() {
    for path in models() {
        let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
        assert_eq!(graph.name, path.file_stem().expect("a name").to_string_lossy());
        let refused = graph.notes.iter().any(|note| note.severity == Severity::Obstacle);
        assert_eq!(refused, has_unknown(&graph), "{}: {:?}", path.display(), graph.notes);
    }
}

#[test]
fn an_untouched_model_comes_back_equal_and_no_larger() {
    for path in models() {
        let graph = bare(import(&path).unwrap_or_else(|error| panic!("{error}")).graph);
        if has_unknown(&graph) {
            let error = export(&graph, &ExportOptions::default()).expect_err("an unknown operator cannot be written");
            assert!(error.to_string().contains("is not known"), "{error}");
            continue;
        }
        let length = fs::metadata(&path).expect("a file").len();
        let file = export(&graph, &ExportOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        assert!(file.len() as u64 <= length, "{}: {length} -> {} bytes", path.display(), file.len());
        assert_eq!(bare(import_bytes("export", &file).expect("our own file").graph), graph, "{}", path.display());
        assert_eq!(export(&graph, &ExportOptions::default()).expect("again"), file, "{}: bytes differ", path.display());
    }
}

#[test]
fn names_can_be_left_out_and_nothing_else_changes() {
    for path in models() {
        let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
        let options = ExportOptions { strip_names: true, ..ExportOptions::default() };
        let Ok(file) = export(&graph, &options) else { continue };
        let stripped = import_bytes("export", &file).expect("our own file").graph;
        assert!(stripped.tensors.iter().all(|t| t.name.is_empty()) && stripped.signatures.is_empty());
        for (a, b) in graph.tensors.iter().zip(&stripped.tensors) {
            assert_eq!((&a.shape, &a.quantization, &a.data), (&b.shape, &b.quantization, &b.data));
        }
        for (a, b) in graph.nodes.iter().zip(&stripped.nodes) {
            assert_eq!((&a.op, &a.inputs, &a.outputs), (&b.op, &b.inputs, &b.outputs));
        }
    }
}

/// The size of the reference key-word model, file against file: other tools need 53,936 bytes for the same weights.
#[test]
fn the_key_word_model_takes_little_flash() {
    let Some(path) = shared("data/mlperf_tiny/kws/kws_ref_model.tflite") else { return };
    let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
    let named = export(&graph, &ExportOptions::default()).expect("known operators").len();
    let stripped =
        export(&graph, &ExportOptions { strip_names: true, ..ExportOptions::default() }).expect("known operators").len();
    assert!(named <= 38_544 && stripped <= 32_704, "{named} and {stripped} bytes");
}

#[test]
fn broken_files_are_refused_in_one_line() {
    let Some(folder) = shared("data/malformed") else { return };
    let expected = fs::read_to_string(folder.join("expect.csv")).expect("expect.csv");
    let mut n_files = 0;
    for line in expected.lines().filter(|line| line.contains(".tflite,")) {
        let (name, rest) = line.split_once(',').expect("file,expect,what");
        let path = folder.join(name);
        let bytes = fs::read(&path).expect("a listed file");
        let outcome = exercise(&bytes);
        if rest.starts_with("reject") {
            let error = import(&path).expect_err(name).to_string();
            assert!(outcome.is_err() && error.contains(name) && error.lines().count() == 1, "{error}");
        }
        n_files += 1;
    }
    assert!(n_files > 30, "only {n_files} files are listed");
}

/// Other formats under any name are refused by what they are.
#[test]
fn bytes_of_other_formats_are_called_by_name() {
    let Some(folder) = shared("data/malformed") else { return };
    let is_model = |path: &&PathBuf| path.extension().is_some_and(|e| suffixes().any(|suffix| e == suffix));
    for path in entries(&folder).iter().filter(|path| !is_model(path)) {
        let error = import(path).expect_err("no model file").to_string();
        assert!(error.contains("expected a model: TensorFlow Lite (.tflite)") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_thousand_damaged_copies_of_each_model_do_no_harm() {
    let mut n_accepted = 0;
    for (seed, path) in models().iter().enumerate() {
        let file = fs::read(path).expect("a model");
        if file.len() > 120_000 {
            continue;
        }
        n_accepted += Mutations::new(&file, seed as u64).take(1000).filter(|bytes| exercise(bytes).is_ok()).count();
    }
    if !models().is_empty() {
        // Damage to weights is not noticed, damage to tables nearly always: both kinds must have been tried.
        assert!(n_accepted > 1000, "{n_accepted} accepted");
    }
}

/// LiteRT's reference kernels and TensorFlow Lite Micro give the same bytes for originals and copies.
#[test]
fn other_runtimes_see_no_difference() {
    let Some(python) = peers_python() else { return };
    let out_dir = std::env::temp_dir().join(format!("tinsmith-roundtrip-{}", std::process::id()));
    fs::create_dir_all(&out_dir).expect("a temporary folder");
    let mut written = Vec::new();
    for path in models() {
        let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
        let stripped = ExportOptions { strip_names: true, ..ExportOptions::default() };
        let copies = [(ExportOptions::default(), "tflite"), (stripped, "stripped.tflite")];
        for (options, extension) in copies {
            let Ok(file) = export(&graph, &options) else { continue };
            fs::write(out_dir.join(format!("{}.{extension}", graph.name)), file).expect("a writable folder");
            if extension == "tflite" {
                written.push(path.clone());
            }
        }
    }
    let script = root().join("tests/peers/roundtrip.py");
    let output = std::process::Command::new(python).arg(script).arg(&out_dir).args(&written).output().expect("Python runs");
    fs::remove_dir_all(&out_dir).expect("our own folder");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
