//! Paths that lead nowhere: which part of it is wrong, and what may be meant.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::Failure;

/// `path` if there is something; else an error that says how to go on.
pub fn existing(path: &Path) -> Result<&Path, Failure> {
    // Anything but absence, such as a folder that must not be read, is told by whoever reads the file.
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::at(path, format_args!("there is no such file; {}", remedy(path))))
        }
        _ => Ok(path),
    }
}

/// Whether a path names a project, by its extension.
pub fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ron"))
}

fn remedy(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        let missing =
            folder.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.exists()).last().unwrap_or(folder);
        return format!("there is no folder {} either, check the path", missing.display());
    }
    match path.file_name().and_then(|name| similar(folder, name)) {
        Some(name) => format!("did you mean {}?", path.with_file_name(name).display()),
        None => format!("check the name, or see what is in {}", absolute(folder)),
    }
}

/// The name in a folder that comes closest to `name`, if one comes close.
fn similar(folder: &Path, name: &OsStr) -> Option<String> {
    /// From 0, nothing in common, to 1, the same.
    const CLOSE: f64 = 0.85;
    let name = name.to_string_lossy();
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let scored = names.map(|found| (strsim::jaro_winkler(&name, &found), found));
    scored.filter(|(score, _)| *score > CLOSE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, found)| found)
}

fn absolute(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("keyword.npz"), b"").unwrap();
        let message = |name: &str| existing(&folder.path().join(name)).unwrap_err().message().to_owned();
        assert!(message("keywrod.npz").ends_with("keyword.npz?"), "{}", message("keywrod.npz"));
        assert!(message("other").contains("check the name"));
        assert!(message("no/such/file").contains(&format!("no folder {} either", folder.path().join("no").display())));
        assert!(existing(&folder.path().join("keyword.npz")).is_ok());
    }
}
