//! Plain number lines, as any sketch prints them: one reading a line, values apart by comma, tab, semicolon or space.
//!
//! A stream from a serial port begins in the middle of a line and holds whatever else is printed: prompts, headers, the escapes
//! of terminals. What is no reading is skipped and counted; nothing is guessed into numbers. Memory does not grow with the input.

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 4096;
/// The most values of a line.
pub const MAX_COLUMNS: usize = 64;
/// Lines in a row that must have as many values, before it is believed that so many are in a reading.
const LINES_TO_BELIEVE: usize = 2;
/// The same, where another number was believed before.
const LINES_TO_CHANGE: usize = 4;

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// With a line, as a file does.
    Line,
    /// Anywhere: what comes before the first line break may be half a number.
    Anywhere,
}

/// How many lines were what. Counts stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Readings.
    pub rows: u64,
    /// Lines with anything but numbers.
    pub text: u64,
    /// Numbers, but not as many as the other lines have.
    pub columns: u64,
    /// Lines beyond [`MAX_LINE`].
    pub too_long: u64,
    /// Escape sequences of terminals and other control characters, taken out of lines.
    pub escapes: u64,
}

impl LineCounts {
    /// Lines that were no readings.
    pub fn skipped(&self) -> u64 {
        self.text.saturating_add(self.columns).saturating_add(self.too_long)
    }
}

/// Where in an escape sequence (ECMA-48) the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    /// Behind ESC.
    Begun,
    /// In a control sequence, up to a byte from `@` to `~`.
    Control,
    /// In a string, up to BEL or ESC.
    Text,
}

/// Finds readings in a stream of bytes.
#[derive(Debug, Clone)]
pub struct LineReader {
    line: Vec<u8>,
    escape: Escape,
    /// The line has become too long.
    overflowed: bool,
    /// The line may lack its beginning.
    cut: bool,
    row: Vec<f64>,
    width: Option<usize>,
    /// Readings of another width, until there are enough to believe in it.
    held: Vec<Vec<f64>>,
    names: Vec<String>,
    counts: LineCounts,
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

impl LineReader {
    /// A reader at the beginning of a stream.
    pub fn new(beginning: Beginning) -> Self {
        Self {
            line: Vec::new(),
            escape: Escape::None,
            overflowed: false,
            cut: beginning == Beginning::Anywhere,
            row: Vec::new(),
            width: None,
            held: Vec::new(),
            names: Vec::new(),
            counts: LineCounts::default(),
        }
    }

    /// Takes bytes, as they come. `on_row` gets each reading, `[columns]`.
    pub fn push(&mut self, bytes: &[u8], mut on_row: impl FnMut(&[f64])) {
        for &byte in bytes {
            self.byte(byte, &mut on_row);
        }
    }

    /// The stream has ended: its last line may have no line break.
    pub fn finish(&mut self, mut on_row: impl FnMut(&[f64])) {
        self.end_line(&mut on_row);
        // A single reading is one, too, if nothing contradicts it.
        if self.width.is_none() {
            self.release(&mut on_row);
        }
        self.reject_held();
    }

    /// Values of a reading; `None` until it is clear.
    pub fn columns(&self) -> Option<usize> {
        self.width
    }

    /// Names of the columns, from a header or from labelled values (`ax:0.5`); empty if there are none.
    pub fn names(&self) -> &[String] {
        if self.width == Some(self.names.len()) { &self.names } else { &[] }
    }

    /// How many lines were what so far.
    pub fn counts(&self) -> LineCounts {
        self.counts
    }

    fn byte(&mut self, byte: u8, on_row: &mut impl FnMut(&[f64])) {
        match (self.escape, byte) {
            // A line break ends whatever was begun: a damaged escape must not swallow what follows.
            (_, b'\n' | b'\r') => {
                self.escape = Escape::None;
                self.end_line(on_row);
            }
            (_, ESC) => self.escape = Escape::Begun,
            (Escape::Begun, b'[') => self.escape = Escape::Control,
            (Escape::Begun, b']') => self.escape = Escape::Text,
            (Escape::Begun, _) | (Escape::Control, b'@'..=b'~') | (Escape::Text, BEL) => self.end_escape(),
            (Escape::Control | Escape::Text, _) => {}
            (Escape::None, b'\t' | b' '..=b'~' | 0x80..) => self.keep(byte),
            (Escape::None, _) => self.counts.escapes = self.counts.escapes.saturating_add(1),
        }
    }

    fn end_escape(&mut self) {
        self.escape = Escape::None;
        self.counts.escapes = self.counts.escapes.saturating_add(1);
    }

    fn keep(&mut self, byte: u8) {
        if self.line.len() < MAX_LINE {
            self.line.push(byte);
        } else {
            self.overflowed = true;
        }
    }

    fn end_line(&mut self, on_row: &mut impl FnMut(&[f64])) {
        let line = std::mem::take(&mut self.line);
        let (overflowed, cut) = (std::mem::take(&mut self.overflowed), std::mem::take(&mut self.cut));
        if overflowed {
            self.counts.too_long = self.counts.too_long.saturating_add(1);
        } else if !cut && !line.trim_ascii().is_empty() {
            self.whole_line(&line, on_row);
        }
        // The room stays for the next line.
        self.line = line;
        self.line.clear();
    }

    fn whole_line(&mut self, line: &[u8], on_row: &mut impl FnMut(&[f64])) {
        let fields = std::str::from_utf8(line).ok().map(fields).filter(|fields| fields.len() <= MAX_COLUMNS);
        let Some(fields) = fields else { return self.count_text() };
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        row.extend(fields.iter().map_while(|field| number(unlabelled(field).1)));
        if row.len() == fields.len() {
            let labels = || fields.iter().map(|field| unlabelled(field).0);
            if labels().all(|label| !label.is_empty()) {
                self.names = labels().map(str::to_owned).collect();
            }
            self.reading(&row, on_row);
        } else {
            if fields.iter().all(|field| is_name(field)) && fields.len() > 1 {
                self.names = fields.into_iter().map(|name| name.trim_matches('"').to_owned()).collect();
            }
            self.count_text();
        }
        self.row = row;
    }

    fn count_text(&mut self) {
        self.counts.text = self.counts.text.saturating_add(1);
    }

    fn reading(&mut self, row: &[f64], on_row: &mut impl FnMut(&[f64])) {
        if self.width == Some(row.len()) {
            self.reject_held();
            self.emit(row, on_row);
            return;
        }
        if self.held.last().is_some_and(|held| held.len() != row.len()) {
            self.reject_held();
        }
        self.held.push(row.to_vec());
        let needed = if self.width.is_some() { LINES_TO_CHANGE } else { LINES_TO_BELIEVE };
        if self.held.len() >= needed {
            self.release(on_row);
        }
    }

    /// Believes in the width of the readings that are held.
    fn release(&mut self, on_row: &mut impl FnMut(&[f64])) {
        for row in std::mem::take(&mut self.held) {
            self.width = Some(row.len());
            self.emit(&row, on_row);
        }
    }

    fn reject_held(&mut self) {
        self.counts.columns = self.counts.columns.saturating_add(self.held.len() as u64);
        self.held.clear();
    }

    fn emit(&mut self, row: &[f64], on_row: &mut impl FnMut(&[f64])) {
        self.counts.rows = self.counts.rows.saturating_add(1);
        on_row(row);
    }
}

/// The fields of a line, which has at least one.
fn fields(line: &str) -> Vec<&str> {
    let line = line.trim();
    let is_separator = |c| matches!(c, ',' | ';' | '\t');
    if !line.contains(is_separator) {
        return line.split_ascii_whitespace().collect();
    }
    // Many sketches print a separator after the last value, too.
    let line = line.strip_suffix(is_separator).unwrap_or(line);
    line.split(is_separator).map(str::trim).collect()
}

/// Label and value of a field such as `ax:0.5`; the label may be missing.
fn unlabelled(field: &str) -> (&str, &str) {
    field.split_once(':').map_or(("", field), |(label, value)| (label.trim(), value.trim()))
}

/// A finite number in decimal notation.
fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|value: &f64| is_plain && value.is_finite())
}

/// Whether a field of a header names a column: it has a letter and is no number.
fn is_name(field: &str) -> bool {
    field.len() <= 64 && field.chars().any(char::is_alphabetic) && number(field).is_none()
}

#[cfg(test)]
mod tests;
