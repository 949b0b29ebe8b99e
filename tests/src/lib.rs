//! Whole-program tests; see the files beside this one.
