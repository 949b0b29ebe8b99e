//! The studio: window and command line.
fn main() {}
