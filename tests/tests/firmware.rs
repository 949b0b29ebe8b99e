//! Exported C and C++ is compiled by a real compiler, with every warning an error, and run.
//!
//! TensorFlow Lite Micro itself is not here: headers of our own with the same declarations stand in for it, and an interpreter
//! that looks up the golden outputs. What is proven: the files are valid C11 and C++14, the array is the file, aligned, and the
//! generated functions hand the right bytes around.

use std::path::Path;
use std::process::Command;

use tinsmith_core::export::{Firmware, Golden, NamedFile, c_header};
use tinsmith_core::formats;
use tinsmith_core::graph::Graph;
use tinsmith_tests::{compiler, root, shared};

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wno-unknown-warning-option"];

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// Three samples of bytes that differ from each other.
fn golden(graph: &Graph) -> Vec<Golden> {
    let bytes = |seed: usize, n: usize| (0..n).map(|i| (i * 7 + seed * 31 + 1) as u8).collect();
    let sample = |s| Golden {
        inputs: graph.inputs.iter().map(|&id| bytes(s, graph.tensor(id).n_bytes())).collect(),
        outputs: graph.outputs.iter().map(|&id| bytes(s + 9, graph.tensor(id).n_bytes())).collect(),
    };
    (0..3).map(sample).collect()
}

fn export(graph: &Graph, tflite: &[u8]) -> Vec<NamedFile> {
    let labels = ["Down", "down", "Größe \"A\"\\", "??/", "model bytes", "3"].map(str::to_owned);
    let firmware = Firmware {
        name: "Probe",
        graph,
        tflite,
        labels: &labels,
        golden: &golden(graph),
        source_name: "net \\",
        source_hash: blake3::hash(tflite),
        recipe: "(steps: [\n    // ends in a backslash \\\n])",
        features: "",
    };
    c_header(&firmware).unwrap()
}

/// What the test program has to know of the model, as macros.
fn macros(graph: &Graph) -> Vec<String> {
    let port = |place: &str, n: usize, i: usize| if n == 1 { place.to_owned() } else { format!("{place}_{i}") };
    let list = |place: &str, n: usize, of: &dyn Fn(String) -> String| {
        (0..n).map(|i| of(port(place, n, i))).collect::<Vec<_>>().join(",")
    };
    let (inputs, outputs) = (graph.inputs.len(), graph.outputs.len());
    let size = |port: String| format!("PROBE_{port}_BYTES");
    let array = |port: String| format!("probe_golden_{}[0]", port.to_lowercase());
    vec![
        format!("-DN_INPUTS={inputs}"),
        format!("-DN_OUTPUTS={outputs}"),
        format!("-DINPUT_SIZES={}", list("INPUT", inputs, &size)),
        format!("-DOUTPUT_SIZES={}", list("OUTPUT", outputs, &size)),
        format!("-DGOLDEN_INPUTS={}", list("INPUT", inputs, &array)),
        format!("-DGOLDEN_OUTPUTS={}", list("OUTPUT", outputs, &array)),
    ]
}

/// Exports the model at `path`, compiles the files in both languages and runs them.
fn compile_and_run(path: &Path) {
    let (Some(cc), Some(cxx)) = (compiler(["cc", "gcc"]), compiler(["c++", "g++"])) else { return };
    let graph = formats::import(path).unwrap().graph;
    let tflite = std::fs::read(path).unwrap();
    let files = export(&graph, &tflite);
    assert_eq!(files, export(&graph, &tflite), "the same project gives the same bytes");

    let folder = std::env::temp_dir().join(format!("tinsmith-firmware-{}-{}", std::process::id(), graph.name));
    std::fs::create_dir_all(&folder).unwrap();
    for file in &files {
        std::fs::write(folder.join(&file.name), &file.bytes).unwrap();
    }
    let stand_ins = root().join("tests/firmware");
    let compile = |compiler: &str, standard: &str, source: &Path, object: &str, more: &[String]| {
        let mut command = Command::new(compiler);
        command.args(STRICT).args(more).arg(standard).arg("-I").arg(&folder).arg("-I").arg(&stand_ins);
        run(command.arg("-c").arg(source).arg("-o").arg(folder.join(object)));
    };
    compile(cc, "-std=c11", &folder.join("probe_model.c"), "model.o", &[]);
    compile(cxx, "-std=c++14", &folder.join("probe_model.c"), "model_cxx.o", &["-xc++".into()]);
    compile(cxx, "-std=c++14", &folder.join("probe_tflm.cc"), "tflm.o", &[]);
    compile(cxx, "-std=c++14", &folder.join("probe_tflm.cc"), "tflm_int8.o", &["-DPROBE_INT8_KERNELS".into()]);
    compile(cxx, "-std=c++14", &stand_ins.join("main.cc"), "main.o", &macros(&graph));
    for (model, tflm) in [("model.o", "tflm.o"), ("model_cxx.o", "tflm_int8.o")] {
        let program = folder.join("program");
        run(Command::new(cxx).args(["main.o", model, tflm].map(|o| folder.join(o))).arg("-o").arg(&program));
        run(Command::new(&program).arg(path));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_input_and_one_output() {
    compile_and_run(&root().join("tests/golden/arena/conv8_i8.tflite"));
    compile_and_run(&root().join("tests/golden/arena/logistic_f32.tflite"));
}

#[test]
fn several_inputs_or_outputs() {
    compile_and_run(&root().join("tests/golden/arena/add_i8.tflite"));
    compile_and_run(&root().join("tests/golden/arena/split_i8.tflite"));
}

#[test]
fn the_keyword_spotter() {
    if let Some(file) = shared("data/mlperf_tiny/kws/kws_ref_model.tflite") {
        compile_and_run(&file);
    }
}
