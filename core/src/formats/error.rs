//! What can be wrong with a model file, in one line for the engineer: file, place, what is there, what belongs there, remedy.

use std::fmt;

use super::options::OpenExtent;
use crate::graph::CheckError;

/// A file that cannot be read or a graph that cannot be written.
///
/// Displays as one line, whatever characters the file's own names hold.
#[derive(Debug)]
pub struct FormatError {
    /// The file as the user named it.
    pub file: String,
    /// What is wrong with it.
    pub trouble: Trouble,
}

/// The kinds of trouble that callers tell apart.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The operating system refuses.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Larger than any model for a microcontroller, and than Tinsmith takes.
    #[error("{size_bytes} bytes are more than the limit of {limit_bytes}; convert a smaller model")]
    TooLarge {
        /// Length of the file.
        size_bytes: u64,
        /// The most that is read.
        limit_bytes: u64,
    },
    /// No matcher knows the bytes.
    #[error("{found}; expected a model: {}", super::known())]
    UnknownFormat {
        /// What the bytes look like.
        found: String,
    },
    /// The format is known, the contents contradict it or themselves.
    #[error("{place}: {found}, expected {expected}; the file is damaged or cut off, copy or convert it again")]
    Malformed {
        /// Where: a table, a tensor, an operator.
        place: String,
        /// What is there.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// Sound, but Tinsmith cannot take or write it.
    #[error("{place}: {what}; {remedy}")]
    Unsupported {
        /// Where.
        place: String,
        /// What it is.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// The file leaves extents open, and nobody has said them: all of them. In words, the first.
    #[error("{}", .0.first().map_or_else(String::new, OpenExtent::in_words))]
    Open(Vec<OpenExtent>),
    /// What was said of an open extent will not do.
    #[error("--dim {name}: {what}; {remedy}")]
    Extent {
        /// What it was called.
        name: String,
        /// What is wrong.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// Read without contradiction, but the result breaks a rule that every graph obeys.
    #[error("{0}; the file is damaged, convert the model again")]
    BadGraph(#[from] CheckError),
}

impl Trouble {
    /// [`Trouble::Malformed`] from its three parts.
    pub(crate) fn malformed(place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Malformed { place: place.into(), found: found.into(), expected: expected.into() }
    }

    /// Says which file it is about.
    pub(crate) fn of(self, file: &str) -> FormatError {
        FormatError { file: file.to_owned(), trouble: self }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", one_line(&self.file), one_line(&self.trouble.to_string()))
    }
}

impl std::error::Error for FormatError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.trouble)
    }
}

/// The text without line breaks and control characters, cut where nobody reads on.
fn one_line(text: &str) -> String {
    const MOST: usize = 600;
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(MOST).map(clean).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}

/// A name from a file as it may stand in a message: in quotes, on one line, short.
pub(crate) fn quoted(name: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = name.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.chars().nth(MOST).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_the_file_says() {
        let trouble = Trouble::malformed("tensor \"a\nb\r\u{7}\"", "x".repeat(10_000), "y");
        let line = trouble.of("dir\n/m.tflite").to_string();
        assert_eq!(line.lines().count(), 1);
        assert!(line.chars().count() < 700 && line.starts_with("dir /m.tflite: tensor \"a b"), "{line}");
        assert!(!line.contains('\u{7}'));
    }

    #[test]
    fn an_error_names_file_place_and_remedy() {
        let line = Trouble::malformed("buffer 3", "9 bytes", "12").of("m.tflite").to_string();
        assert_eq!(line, "m.tflite: buffer 3: 9 bytes, expected 12; the file is damaged or cut off, copy or convert it again");
    }
}
