//! What the words of a line of C or C++ are, to colour them. Line by line: the exporter writes no comment over several lines.

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Names, operators, spaces.
    Plain,
    /// Of the language, and its basic types.
    Keyword,
    /// A literal number.
    Number,
    /// A string, a character, the file of an `#include <…>`.
    Text,
    /// `// …` and `/* … */`.
    Comment,
    /// `#define`.
    Directive,
}

const KEYWORDS: [&str; 44] = [
    "alignas",
    "auto",
    "bool",
    "break",
    "case",
    "char",
    "class",
    "const",
    "constexpr",
    "continue",
    "default",
    "double",
    "else",
    "enum",
    "extern",
    "false",
    "float",
    "for",
    "if",
    "inline",
    "int",
    "int16_t",
    "int32_t",
    "int64_t",
    "int8_t",
    "long",
    "namespace",
    "new",
    "nullptr",
    "return",
    "short",
    "size_t",
    "sizeof",
    "static",
    "static_cast",
    "struct",
    "switch",
    "true",
    "typedef",
    "uint32_t",
    "uint8_t",
    "unsigned",
    "void",
    "while",
];

/// The pieces of a line, in order and without gaps.
pub fn words(line: &str) -> Vec<(Word, &str)> {
    let mut pieces: Vec<(Word, &str)> = Vec::new();
    let mut rest = line;
    let is_include = line.trim_start().starts_with("#include");
    while let Some(first) = rest.chars().next() {
        let (word, len) = match first {
            _ if rest.starts_with("//") => (Word::Comment, rest.len()),
            _ if rest.starts_with("/*") => (Word::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            '#' if line[..line.len() - rest.len()].trim().is_empty() => (Word::Directive, directive(rest)),
            '"' | '\'' => (Word::Text, quoted(rest, first)),
            '<' if is_include => (Word::Text, rest.find('>').map_or(rest.len(), |end| end + 1)),
            '0'..='9' => (Word::Number, run(rest, |c| c.is_ascii_alphanumeric() || c == '.')),
            c if is_name(c) => {
                let len = run(rest, is_name);
                (if KEYWORDS.contains(&&rest[..len]) { Word::Keyword } else { Word::Plain }, len)
            }
            c => (Word::Plain, c.len_utf8()),
        };
        let (piece, after) = rest.split_at(len);
        match pieces.last_mut() {
            // Neighbours of one sort are one piece: they are painted together.
            Some((last, text)) if *last == word => {
                let start = line.len() - rest.len() - text.len();
                *text = &line[start..start + text.len() + len];
            }
            _ => pieces.push((word, piece)),
        }
        rest = after;
    }
    pieces
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the text as long as its characters are of one sort.
fn run(text: &str, of: impl Fn(char) -> bool) -> usize {
    text.find(|c| !of(c)).unwrap_or(text.len())
}

/// `#`, spaces, the name.
fn directive(text: &str) -> usize {
    let spaces = 1 + run(&text[1..], |c| c == ' ');
    spaces + run(&text[spaces..], is_name)
}

/// Up to the closing quote that no backslash escapes, or the end of the line.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return i + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::Word::*;
    use super::*;

    #[test]
    fn a_definition_with_a_number_and_a_comment() {
        let line = "#define KEYWORD_SCALE 0.0039f  // real = q * scale";
        let expected = [
            (Directive, "#define"),
            (Plain, " KEYWORD_SCALE "),
            (Number, "0.0039f"),
            (Plain, "  "),
            (Comment, "// real = q * scale"),
        ];
        assert_eq!(words(line), expected);
    }

    #[test]
    fn keywords_strings_and_names_that_hold_keywords() {
        let line = r#"const char *constant = "a \" // b";"#;
        let expected = [
            (Keyword, "const"),
            (Plain, " "),
            (Keyword, "char"),
            (Plain, " *constant = "),
            (Text, r#""a \" // b""#),
            (Plain, ";"),
        ];
        assert_eq!(words(line), expected);
        assert_eq!(words("#include <stdint.h>"), [(Directive, "#include"), (Plain, " "), (Text, "<stdint.h>")]);
    }

    #[test]
    fn pieces_add_up_to_the_line_whatever_it_holds() {
        for line in ["", "  ", "\"open", "größe = 'x", "/* a */ b /* c", "0x1F, 12, -3", "#", "# define é \\"] {
            let joined: String = words(line).iter().map(|(_, text)| *text).collect();
            assert_eq!(joined, line);
        }
    }
}
