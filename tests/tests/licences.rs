//! Every dependency may be shipped under the project's own terms, MIT or Apache-2.0.

use std::process::Command;

use serde_json::Value;

/// Licences that ask for nothing beyond a notice, and MPL-2.0, which asks for the source of changes to its own files only.
const ACCEPTED: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "NCSA",
    "OFL-1.1",
    "Ubuntu-font-1.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_has_an_accepted_licence() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(tinsmith_tests::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    assert!(packages.len() > 20, "only {} packages: is this the whole workspace?", packages.len());
    let refused: Vec<String> = packages.iter().filter(|package| !is_accepted(package)).map(describe).collect();
    assert!(refused.is_empty(), "licences that need a decision:\n{}", refused.join("\n"));
}

fn is_accepted(package: &Value) -> bool {
    let Some(text) = package["license"].as_str() else { return false };
    // Some crates still write MIT/Apache-2.0 for "either"; the lax mode reads it so.
    let Ok(expression) = spdx::Expression::parse_mode(text, spdx::ParseMode::LAX) else { return false };
    expression.evaluate(|needed| needed.license.id().is_some_and(|id| ACCEPTED.contains(&id.name)))
}

fn describe(package: &Value) -> String {
    format!("{} {}: {}", package["name"], package["version"], package["license"])
}
