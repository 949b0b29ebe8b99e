//! Static figures of real models against what TensorFlow Lite Micro reports and what the benchmarks' authors published.

use std::path::PathBuf;

use tinsmith_core::formats::{self, tflite};
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::arena::{Abi, arena_figures, best_plan, firmware_arena_bytes};
use tinsmith_core::measure::device::device;
use tinsmith_core::measure::static_figures;
use tinsmith_tests::{peers_python, root, shared};

/// A row of `golden/arena.csv`, measured by `golden/arena.py`.
struct Row {
    model: String,
    head: u64,
    tail: u64,
    min_arena: u64,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(root().join("tests/golden/arena.csv")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |i: usize| cells[i].parse().unwrap();
        Row { model: cells[0].to_owned(), head: number(2), tail: number(3), min_arena: number(4) }
    };
    text.lines().skip(1).map(row).collect()
}

fn file_of(model: &str) -> Option<PathBuf> {
    match model.strip_prefix("ops/") {
        Some(name) => Some(root().join(format!("tests/golden/arena/{name}.tflite"))),
        None => shared("data").map(|data| data.join(model)),
    }
}

fn open(path: &std::path::Path) -> Graph {
    formats::import(path).unwrap().graph
}

#[test]
fn arenas_equal_those_that_tflm_reports() {
    let mut compared = 0;
    for row in rows() {
        let Some(file) = file_of(&row.model) else { continue };
        let graph = open(&file);
        let arena = arena_figures(&graph, Abi::ARM32);
        if !arena.exact {
            continue;
        }
        assert_eq!((arena.activations_bytes, arena.persistent_host64_bytes), (row.head, row.tail), "{}", row.model);
        // TFLM lets persistent buffers overwrite temporaries that are not read again; this counts them as in use.
        let more = arena.arena_host64_bytes.checked_sub(row.min_arena);
        assert!(
            matches!(more, Some(0 | 16)),
            "{}: least arena {}, TFLM's {}",
            row.model,
            arena.arena_host64_bytes,
            row.min_arena
        );
        compared += 1;
    }
    assert!(compared >= 97, "{compared} models compared");
}

/// Firmware built with TFLM 90b983c (Cortex-M4F) and esp-tflite-micro 1.4.0 (RV32IMC), reference kernels.
#[test]
fn arenas_equal_those_that_firmware_reports() {
    let published = [
        ("data/mlperf_tiny/kws/kws_ref_model.tflite", 22_772, 22_780),
        ("data/mlperf_tiny/ad/ad01_int8.tflite", 2_260, 2_380),
        ("data/mlperf_tiny/ic/pretrainedResnet_quant.tflite", 54_340, 54_364),
    ];
    for (model, arm, riscv) in published {
        let Some(file) = shared(model) else { continue };
        let graph = open(&file);
        let used = |abi| {
            let arena = arena_figures(&graph, abi);
            arena.activations_bytes + arena.persistent_mcu32_bytes
        };
        assert_eq!((used(Abi::ARM32), used(Abi::OTHER32)), (arm, riscv), "{model}");
    }
}

/// The same firmware with CMSIS-NN used a little more; the size that the export states has to hold that, and not much besides.
#[test]
fn exported_arenas_hold_optimized_kernels() {
    let published = [
        ("data/mlperf_tiny/kws/kws_ref_model.tflite", 22_820),
        ("data/mlperf_tiny/ad/ad01_int8.tflite", 2_580),
        ("data/mlperf_tiny/ic/pretrainedResnet_quant.tflite", 54_996),
    ];
    for (model, used) in published {
        let Some(file) = shared(model) else { continue };
        let graph = open(&file);
        let stated = firmware_arena_bytes(&graph);
        let least = arena_figures(&graph, Abi::OTHER32).arena_mcu32_bytes;
        assert!(stated >= used && stated >= least && stated <= least + least / 10 + 400, "{model}: {stated}, {used} used");
    }
}

#[test]
fn macs_and_activations_of_the_benchmark_nets() {
    let published = [
        ("data/mlperf_tiny/ad/ad01_int8.tflite", 264_192, 768),
        ("data/mlperf_tiny/ic/pretrainedResnet_quant.tflite", 12_501_632, 49_152),
        ("data/mlperf_tiny/kws/kws_ref_model.tflite", 2_656_768, 16_000),
        ("data/mlperf_tiny/sww/str_ww_ref_model.tflite", 826_368, 6_656),
    ];
    for (model, macs, activations) in published {
        let Some(file) = shared(model) else { continue };
        let graph = open(&file);
        let bytes = std::fs::metadata(&file).unwrap().len();
        let figures = static_figures(&graph, bytes, &device("stm32l4r5").unwrap());
        assert_eq!((figures.macs, figures.arena.activations_bytes), (macs, activations), "{model}");
        let parts = &figures.size;
        assert_eq!(
            parts.weights_bytes + parts.bias_bytes + parts.other_constants_bytes + parts.structure_bytes,
            parts.file_bytes
        );
        let layers: u64 = figures.layers.iter().map(|l| l.macs).sum();
        assert_eq!(layers, macs);
        assert!(figures.obstacles.is_empty(), "{model}: {:?}", figures.obstacles);
    }
}

/// Published latencies (MLPerf Tiny v1.0, NUCLEO-L4R5ZI, microTVM + CMSIS-NN) lie in the stated interval.
#[test]
fn latency_intervals_hold_published_runs() {
    let published = [
        ("data/mlperf_tiny/ad/ad01_int8.tflite", 8.605),
        ("data/mlperf_tiny/ic/pretrainedResnet_quant.tflite", 389.56),
        ("data/mlperf_tiny/kws/kws_ref_model.tflite", 99.81),
    ];
    for (model, ms) in published {
        let Some(file) = shared(model) else { continue };
        let figures = static_figures(&open(&file), 0, &device("stm32l4r5").unwrap());
        let us = figures.latency_us.expect("an int8 model has a rate");
        assert!((us.low..=us.high).contains(&(ms * 1e3)), "{model}: {ms} ms, estimated {us:?}");
        let (sum, energy) = (figures.layers.iter().map(|l| l.latency_us.as_ref().unwrap().value).sum::<f64>(), figures.energy_uj);
        assert!((sum - us.value).abs() < 1e-6 * sum);
        assert!(energy.is_some_and(|e| e.low < e.value && e.value < e.high));
    }
}

#[test]
fn what_tflm_refuses_is_said_beforehand() {
    let told = |model: &str, board: &str, words: &str| {
        let Some(file) = shared(model) else { return };
        let figures = static_figures(&open(&file), std::fs::metadata(&file).unwrap().len(), &device(board).unwrap());
        let all: Vec<&str> = figures.obstacles.iter().map(|n| n.text.as_str()).collect();
        assert!(all.iter().any(|t| t.contains(words)), "{model} on {board}: {all:?}");
    };
    told("data/mlperf_tiny/kws/kws_ref_model_float32.tflite", "esp32-s3", "hybrid");
    told("data/mlperf_tiny/ad/ad01_fp32.tflite", "stm32f446", "of flash");
    told("data/models/mbv1_025_96/mbv1_025_96_float32.tflite", "nano33ble", "of RAM");
    told("data/models/fsdd_dscnn/fsdd_dscnn_float16.tflite", "esp32-s3", "float16");
    let Some(lstm) = shared("data/models/gesture_lstm/gesture_lstm_int8.tflite") else { return };
    let unknown = tinsmith_tests::with_unknown_operator(&std::fs::read(lstm).unwrap());
    let graph = tinsmith_core::formats::import_bytes("unknown", &unknown).unwrap().graph;
    let figures = static_figures(&graph, 0, &device("esp32-s3").unwrap());
    assert!(figures.obstacles.iter().any(|n| n.text.contains("ATAN2")), "{:?}", figures.obstacles);
}

#[test]
fn a_better_plan_is_found_for_mobilenet() {
    let Some(file) = shared("data/models/mbv1_025_96/mbv1_025_96_int8.tflite") else { return };
    let mut graph = open(&file);
    let arena = arena_figures(&graph, Abi::ARM32);
    assert_eq!((arena.greedy_bytes, arena.best_bytes, arena.lower_bound_bytes), (73_728, 55_296, 55_296));
    graph.memory_plan = Some(best_plan(&graph));
    let planned = arena_figures(&graph, Abi::ARM32);
    assert_eq!((planned.activations_bytes, planned.greedy_bytes), (55_296, 73_728));
    assert_eq!(planned.persistent_host64_bytes, arena.persistent_host64_bytes);
}

/// TensorFlow Lite Micro itself takes the better plan: less memory, the same outputs, in exactly the arenas computed here.
#[test]
fn tflm_accepts_the_better_plan() {
    let Some(python) = peers_python() else { return };
    let Some(file) = shared("data/models/mbv1_025_96/mbv1_025_96_int8.tflite") else { return };
    let plain = open(&file);
    let mut planned = plain.clone();
    planned.memory_plan = Some(best_plan(&plain));
    let folder = std::env::temp_dir().join(format!("tinsmith-plan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = std::process::Command::new(python);
    command.arg(root().join("tests/peers/arena_plan.py"));
    let mut expected = vec!["same".to_owned(), "1".to_owned()];
    for (name, graph) in [("plain", &plain), ("planned", &planned)] {
        let path = folder.join(name).with_extension("tflite");
        std::fs::write(&path, tflite::export(graph, &tflite::ExportOptions::default()).unwrap()).unwrap();
        let a = arena_figures(&open(&path), Abi::ARM32);
        command.arg(&path).arg(a.arena_host64_bytes.to_string());
        let parts = [a.activations_bytes + a.persistent_host64_bytes, a.activations_bytes, a.persistent_host64_bytes];
        expected.extend(parts.map(|n| n.to_string()));
    }
    let output = command.arg("20").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((expected[3].as_str(), expected[6].as_str()), ("73728", "55296"));
    std::fs::remove_dir_all(&folder).unwrap();
}
