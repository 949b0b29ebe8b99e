//! Text that C and C++ compilers take: identifiers, string literals, comments, arrays, numbers.

use std::fmt::Write;

/// A C identifier in small letters made of any text: runs of other characters become one `_`. Never empty, never starts with a
/// digit.
pub(super) fn identifier(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    match name.chars().next() {
        None => "model".into(),
        Some(c) if c.is_ascii_digit() => format!("model_{name}"),
        Some(_) => name.to_owned(),
    }
}

/// A string literal. What is not printable ASCII becomes an octal escape, which unlike a hexadecimal one has a fixed length.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' => literal.push_str("\\\""),
            b'\\' => literal.push_str("\\\\"),
            // Two question marks may begin a trigraph.
            b'?' => literal.push_str("\\?"),
            b' '..=b'~' => literal.push(byte.into()),
            _ => write!(literal, "\\{byte:03o}").expect("writing to a string succeeds"),
        }
    }
    literal.push('"');
    literal
}

/// `text` as line comments, each line after `indent`. A backslash would continue the comment on the next line of code.
pub(super) fn comment(text: &str, indent: &str) -> String {
    let clean = |c: char| match c {
        '\\' => '/',
        ' '..='~' => c,
        '\t' => ' ',
        _ => '?',
    };
    text.lines().fold(String::new(), |all, line| {
        let line: String = line.chars().map(clean).collect();
        all + format!("//{indent}{line}").trim_end() + "\n"
    })
}

/// The elements of an array of bytes, twelve to a line.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 6);
    for line in bytes.chunks(12) {
        text.push_str("   ");
        for byte in line {
            write!(text, " 0x{byte:02x},").expect("writing to a string succeeds");
        }
        text.push('\n');
    }
    text
}

/// A float literal that reads back as the same number.
pub(super) fn float(value: f32) -> String {
    if value.is_finite() { format!("{value:?}f") } else { "0.0f".into() }
}

/// An integer literal that stays whole after any operator.
pub(super) fn integer(value: i32) -> String {
    if value < 0 { format!("({value})") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_an_identifier() {
        assert_eq!(identifier("Keyword spotter, v2"), "keyword_spotter_v2");
        assert_eq!(identifier("3×3"), "model_3_3");
        assert_eq!(identifier("¿?"), "model");
    }

    #[test]
    fn strings_and_comments_cannot_break_out() {
        assert_eq!(string("a\"\\\n??/é7"), r#""a\"\\\012\?\?/\303\2517""#);
        assert_eq!(comment("one \\\n*/ two", " "), "// one /\n// */ two\n");
    }

    #[test]
    fn numbers_read_back() {
        assert_eq!((float(0.584_702_9), integer(-128)), ("0.5847029f".into(), "(-128)".into()));
        assert_eq!(float(1e-10), "1e-10f");
        assert_eq!(float(1.0), "1.0f");
    }
}
