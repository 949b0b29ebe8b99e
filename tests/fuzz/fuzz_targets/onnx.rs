//! Any bytes as the graph of an ONNX model: the head is sound, so that none is turned away at the door.
#![no_main]

#[path = "../../src/hostile.rs"]
#[allow(dead_code)]
mod hostile;
#[path = "../../src/made.rs"]
#[allow(dead_code)]
mod made;

libfuzzer_sys::fuzz_target!(|graph: &[u8]| {
    let _ = hostile::exercise(&made::onnx_model(graph));
});
