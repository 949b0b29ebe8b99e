//! What the design promises about the shape of the code, held by reading it: who may import whom, what stays out of the
//! core, how large a file may grow, what lies at the top.

use std::fs;
use std::path::{Path, PathBuf};

/// For each module of the core the modules of the core that it may name. `preview` sits on top and may know all.
const ARROWS: [(&str, &[&str]); 18] = [
    ("tensor", &["quant"]),
    ("quant", &["tensor"]),
    ("progress", &[]),
    ("files", &[]),
    ("graph", &["tensor", "quant", "ops"]),
    ("ops", &["tensor", "quant", "graph"]),
    ("formats", &["tensor", "quant", "graph", "ops"]),
    ("recipe", &[]),
    ("settings", &[]),
    ("data", &["tensor", "quant", "progress", "settings", "files"]),
    ("execute", &["tensor", "quant", "graph", "ops", "progress"]),
    // A size is the length of what is exported.
    ("measure", &["tensor", "quant", "graph", "ops", "progress", "execute", "data", "export"]),
    ("optimize", &["tensor", "quant", "graph", "ops", "progress", "execute", "recipe", "data", "measure", "settings"]),
    // A compact model holds the parameters that the integer executor computes.
    ("export", &["tensor", "quant", "graph", "ops", "measure", "formats", "execute", "data"]),
    ("project", &["recipe", "data", "formats", "optimize", "measure", "files"]),
    ("live", &["tensor", "graph", "ops", "progress", "execute", "data", "measure", "preview"]),
    ("test_data", &[]),
    ("test_graph", &["tensor", "quant", "graph", "ops"]),
];

/// Longest file that may still be one idea, in lines.
const MAX_LINES: usize = 700;

#[test]
fn arrows_between_modules_of_the_core_hold() {
    let mut broken = Vec::new();
    for (file, text) in rust_files("core/src") {
        let Some(module) = module_of(&file) else { continue };
        if module == "preview" || module == "lib" || file.ends_with("tests.rs") {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            broken.push(format!("{}: module {module} has no arrows, say in tidy.rs what it may import", file.display()));
            continue;
        };
        // Unit tests may set up whatever they need.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for named in line.split("crate::").skip(1) {
                let named: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_module = ARROWS.iter().any(|(name, _)| *name == named) || named == "preview";
                if is_module && named != module && !allowed.contains(&named.as_str()) {
                    broken.push(format!("{}:{}: {module} names {named}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_core_opens_no_window_and_prints_nothing() {
    let banned = ["egui", "clap::", "serialport", "println!", "eprintln!", "print!(", "std::process"];
    let mut found = Vec::new();
    for (file, text) in rust_files("core/src").into_iter().chain(rust_files("runtime-embedded/src")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if file.ends_with("tests.rs") || file.ends_with("test_data.rs") {
            continue;
        }
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if let Some(word) = banned.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_runtime_needs_no_standard_library() {
    let files = rust_files("runtime-embedded/src");
    let root = files.iter().find(|(file, _)| file.ends_with("lib.rs")).expect("the crate has a root");
    assert!(root.1.contains("#![no_std]"));
    for (file, text) in files.iter().filter(|(file, _)| !file.ends_with("tests.rs")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["std::", "extern crate alloc", "alloc::"] {
            let named = code.lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            assert!(!named, "{} names {word}", file.display());
        }
    }
}

#[test]
fn unsafe_code_stays_in_kernel_files() {
    for folder in ["core", "app", "runtime-embedded", "tests"] {
        for (file, text) in rust_files(folder) {
            let is_kernel = file.starts_with(root().join("core/src/execute/fast"));
            if is_kernel || is_generated(&text) || file.ends_with("tidy.rs") {
                continue;
            }
            let at = text.lines().position(|line| {
                let code = line.split("//").next().unwrap_or_default();
                code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("allow(unsafe_code)")
            });
            assert_eq!(at, None, "{} holds unsafe code", file.display());
        }
    }
}

#[test]
fn files_are_one_idea_long() {
    for folder in ["core", "app", "runtime-embedded", "tests"] {
        for (file, text) in rust_files(folder) {
            let lines = text.lines().count();
            assert!(lines <= MAX_LINES || is_generated(&text), "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for folder in ["core/src", "app/src", "runtime-embedded/src", "tests/src", "tests/tests"] {
        for (file, text) in rust_files(folder) {
            let says = text.starts_with("//!") || is_generated(&text) || file.file_name().is_some_and(|name| name == "tests.rs");
            assert!(says, "{} has no module documentation", file.display());
        }
    }
}

#[test]
fn the_top_level_is_the_users() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "app",
        "core",
        "runtime-embedded",
        "assets",
        "projects",
        "tests",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "rustfmt.toml",
        "clippy.toml",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("the repository can be read") {
        let name = entry.expect("an entry").file_name().into_string().expect("names are text");
        assert!(name.starts_with('.') || known.contains(&name.as_str()), "{name} lies at the top level");
    }
}

fn root() -> PathBuf {
    tinsmith_tests::root()
}

/// Every Rust file below a folder of the repository with its text, build products left out, in a stable order.
fn rust_files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are text");
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

/// The module of the core that a file belongs to: the first part of its path below `src`.
fn module_of(file: &Path) -> Option<String> {
    let below = file.strip_prefix(root().join("core/src")).ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

fn is_generated(text: &str) -> bool {
    text.lines().take(5).any(|line| line.contains("generated"))
}
