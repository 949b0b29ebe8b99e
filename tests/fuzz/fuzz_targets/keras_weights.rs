//! Any bytes as the weights of a Keras model of two dense layers.
#![no_main]

#[path = "../../src/hostile.rs"]
#[allow(dead_code)]
mod hostile;
#[path = "../../src/made.rs"]
#[allow(dead_code)]
mod made;

libfuzzer_sys::fuzz_target!(|weights: &[u8]| {
    let _ = hostile::exercise(&made::archive(&made::architecture(2, 4), weights));
});
