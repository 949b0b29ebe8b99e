//! C of the firmware, built and run where there is a compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root;

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// C99 with every undefined behaviour and every wrong address caught.
pub const CHECKED: [&str; 4] = ["-std=c99", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"];

/// Whether a compiler is installed; a loud line where it is not.
pub fn has(compiler: &str) -> bool {
    let found = Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIP: no {compiler}");
    }
    found
}

/// The folder of the sources that all boards share.
pub fn common() -> PathBuf {
    root().join("assets/firmware/common")
}

/// Compiles `files`, given from the top of the repository, with every warning an error.
///
/// # Panics
/// They do not compile.
pub fn compile(compiler: &str, options: &[&str], files: &[&str], output: &Path) {
    let done = Command::new(compiler)
        .args(STRICT)
        .args(options)
        .arg("-I")
        .arg(common())
        .args(files)
        .arg("-o")
        .arg(output)
        .args(["-lm", "-lpthread"].iter().filter(|_| !options.contains(&"-c")))
        .current_dir(root())
        .output()
        .expect("it runs");
    assert!(done.status.success(), "{compiler} {options:?}\n{}", String::from_utf8_lossy(&done.stderr));
}
