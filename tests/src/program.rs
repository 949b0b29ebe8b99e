//! Running the built program and reading what it says.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::{binary, root};

/// Runs the program at the top of the repository.
///
/// # Panics
/// It does not start.
pub fn tinsmith(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(root()).output().expect("the program starts")
}

/// What a command that succeeds prints.
///
/// # Panics
/// It fails, or prints no text.
pub fn stdout(arguments: &[&str]) -> String {
    let output = tinsmith(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("output is text")
}

/// The JSON object that a command prints.
///
/// # Panics
/// It fails, or prints anything else.
pub fn json(arguments: &[&str]) -> Value {
    let text = stdout(arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}"))
}

/// What a command that fails says, in one line.
///
/// # Panics
/// It succeeds, or says more.
pub fn refusal(arguments: &[&str]) -> String {
    let output = tinsmith(arguments);
    let stderr = String::from_utf8(output.stderr).expect("messages are text");
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{arguments:?}: {stderr}");
    stderr
}

/// The path of a file in a temporary folder, as an argument.
///
/// # Panics
/// It is no text.
pub fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("temporary folders have plain names").to_owned()
}
