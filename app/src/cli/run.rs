//! `tinsmith run`: everything that a project says, headless.
