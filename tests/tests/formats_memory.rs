//! A file cannot make the program allocate more than a small multiple of its own length. One process, one test at a time:
//! the allocator counts for all threads.

use std::fs;

use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, TableFinishedWIPOffset, VOffsetT, Vector, WIPOffset};
use peak_alloc::PeakAlloc;
use tinsmith_core::formats::{import_bytes, open};
use tinsmith_tests::hostile::Mutations;
use tinsmith_tests::made::{self, CompressionMethod, list, node, port};
use tinsmith_tests::shared;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What import may take beside a multiple of the file: error texts, small files.
const ALLOWANCE: usize = 256 << 10;

/// Bytes that importing takes at its peak, the file itself counted.
fn peak_bytes(file: &[u8]) -> (usize, bool) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let outcome = import_bytes("hostile", file);
    let accepted = outcome.is_ok();
    drop(outcome);
    (ALLOCATOR.peak_usage().saturating_sub(before) + file.len(), accepted)
}

#[test]
fn import_takes_less_than_twenty_times_the_file() {
    let mut n_accepted = 0;
    let mut check = |what: &str, file: &[u8]| {
        let (peak, accepted) = peak_bytes(file);
        assert!(peak < 20 * file.len() + ALLOWANCE, "{what}: {peak} bytes for a file of {}", file.len());
        n_accepted += usize::from(accepted);
        accepted
    };
    for n in [1_000, 100_000, 1_000_000] {
        assert!(!check("one tensor named many times", &amplified(n, 1, 1)), "{n} tensors");
        assert!(!check("one name of many tensors", &amplified(1_000, 1, n)), "a name of {n} bytes");
        check("one operator named many times", &amplified(1, n, 1));
    }
    if let Some(folder) = shared("data/malformed") {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            check(&path.display().to_string(), &fs::read(&path).expect("a file"));
        }
    }
    for model in ["data/models/digits_cnn/digits_cnn_int8.tflite", "data/models/gesture_lstm/gesture_lstm_int8.tflite"] {
        let Some(path) = shared(model) else { continue };
        let file = fs::read(path).expect("a model");
        assert!(check(model, &file), "{model} is sound");
        for bytes in Mutations::new(&file, 7).take(2000) {
            check(model, &bytes);
        }
    }
    let models =
        ["digits_cnn/digits_cnn.keras", "gesture_lstm/gesture_lstm_keras2.h5", "digits_cnn/digits_cnn_torch_bn_opset13.onnx"];
    for model in models {
        let Some(path) = shared(&format!("data/models/{model}")) else { continue };
        let file = fs::read(path).expect("a model");
        assert!(check(model, &file), "{model} is sound");
        for bytes in Mutations::new(&file, 7).take(400) {
            check(model, &bytes);
        }
    }
    assert!(n_accepted > 0 || shared("data/models").is_none());
    large_models_take_less_than_three_times_the_file();
    many_layers_take_no_more_each();
    bombs_take_no_more_than_other_files();
}

/// Weights are most of a large file, and are held once beside it.
fn large_models_take_less_than_three_times_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model");
    for file in [made::onnx_chain(8, 512), made::keras_chain(8, 512), made::h5_chain(8, 512)] {
        fs::write(&path, &file).expect("room for a file");
        let n_bytes = file.len();
        drop(file);
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        open(&path).unwrap_or_else(|error| panic!("{error}"));
        let peak = ALLOCATOR.peak_usage() - before;
        assert!(peak < 3 * n_bytes, "{peak} bytes for a file of {n_bytes}");
    }
}

/// Memory grows with the number of layers, not faster.
fn many_layers_take_no_more_each() {
    for make in [made::onnx_chain, made::keras_chain, made::h5_chain] {
        let [few, many] = [200, 3200].map(|layers| {
            let (peak, accepted) = peak_bytes(&make(layers, 4));
            assert!(accepted);
            peak as f64 / layers as f64
        });
        assert!(many < 1.25 * few, "{few} and {many} bytes a layer");
    }
}

/// What inflates to far more than the archive is not inflated; what is folded to far more than the file is not folded.
fn bombs_take_no_more_than_other_files() {
    let spaces = vec![b' '; 32 << 20];
    let members = [("config.json", spaces.as_slice()), ("model.weights.h5", spaces.as_slice())];
    let zip = made::zip(&members, CompressionMethod::Deflated);
    let fill = [node("ConstantOfShape", &["p"], &["s"]), node("Add", &["x", "s"], &["y"])];
    let constants = [list("p", &[1 << 28])];
    let fill = made::onnx(&fill, &constants, &[port("x", &[Ok(1), Ok(4)])], &[port("y", &[])]);
    for file in [zip, fill] {
        let (peak, accepted) = peak_bytes(&file);
        assert!(!accepted || file.len() < 1000, "a bomb is taken");
        assert!(peak < 20 * file.len() + ALLOWANCE, "{peak} bytes for a file of {}", file.len());
    }
}

/// A model whose list of tensors names one table `n_tensors` times, with a name of `name_len` bytes, and whose list of
/// operators names one table `n_operators` times. Field numbers are those of TFLite's schema.
fn amplified(n_tensors: usize, n_operators: usize, name_len: usize) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let name = builder.create_string(&"n".repeat(name_len));
    let shape = builder.create_vector(&[1i32]);
    let tensor = table(&mut builder, |b| {
        b.push_slot_always(slot(0), shape);
        b.push_slot_always(slot(3), name);
    });
    let empty = builder.create_vector::<i32>(&[]);
    let operator = table(&mut builder, |b| b.push_slot_always(slot(1), empty));
    let tensors = builder.create_vector(&vec![tensor; n_tensors]);
    let operators = builder.create_vector(&vec![operator; n_operators]);
    let subgraph = table(&mut builder, |b| {
        b.push_slot_always(slot(0), tensors);
        b.push_slot_always(slot(3), operators);
    });
    let code = table(&mut builder, |b| b.push_slot_always(slot(0), 14i8));
    let buffer = table(&mut builder, |_| ());
    let lists = [subgraph, code, buffer].map(|entry| -> WIPOffset<Vector<'_, ForwardsUOffset<TableFinishedWIPOffset>>> {
        WIPOffset::new(builder.create_vector(&[entry]).value())
    });
    let [subgraphs, codes, buffers] = lists;
    let model = table(&mut builder, |b| {
        b.push_slot_always(slot(0), 3u32);
        b.push_slot_always(slot(1), codes);
        b.push_slot_always(slot(2), subgraphs);
        b.push_slot_always(slot(4), buffers);
    });
    builder.finish(model, Some("TFL3"));
    builder.finished_data().to_vec()
}

fn table<'a>(
    builder: &mut FlatBufferBuilder<'a>,
    fields: impl FnOnce(&mut FlatBufferBuilder<'a>),
) -> WIPOffset<TableFinishedWIPOffset> {
    let start = builder.start_table();
    fields(builder);
    builder.end_table(start)
}

fn slot(field: VOffsetT) -> VOffsetT {
    4 + 2 * field
}
