//! Runs a graph in single precision.
