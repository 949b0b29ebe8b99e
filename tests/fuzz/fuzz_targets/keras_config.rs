//! Any text as the architecture of a Keras model whose weights are those of two dense layers.
#![no_main]

#[path = "../../src/hostile.rs"]
#[allow(dead_code)]
mod hostile;
#[path = "../../src/made.rs"]
#[allow(dead_code)]
mod made;

libfuzzer_sys::fuzz_target!(|config: &str| {
    let _ = hostile::exercise(&made::archive(config, &made::weights(2, 4)));
});
