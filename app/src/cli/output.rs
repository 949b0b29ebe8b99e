//! Writing to stdout: text, tables and JSON, through a handle, so that a reader that goes away is no panic.
//!
//! Text may hold colours, which `anstream` takes out where they are not wanted; JSON never does.

use std::io::{self, Write};

use serde_json::Value;

use super::outcome::{Failure, written};

/// Prints text.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Prints bytes as they are.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Prints one JSON object.
pub fn print_json(value: &Value) -> Result<(), Failure> {
    print_bytes(format!("{value:#}\n").as_bytes())
}

/// A table with aligned columns; a column is aligned to the right if `right` says so. No line ends in spaces.
pub fn table(header: &[&str], right: &[bool], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> = (0..header.len()).map(|i| all().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for ((cell, &width), &right) in row.iter().zip(&widths).zip(right) {
            let padding = " ".repeat(width - cell.chars().count());
            let (before, after) = if right { (padding.as_str(), "") } else { ("", padding.as_str()) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align() {
        let rows = vec![vec!["conv2d".into(), "2,240".into()], vec!["add".into(), "–".into()]];
        assert_eq!(table(&["layer", "B"], &[false, true], &rows), "layer       B\nconv2d  2,240\nadd         –\n");
    }
}
