//! Numbers in text: CSV and TSV tables, and logs of a serial port with numbers among prompts, escapes and half lines.
//!
//! A table is read strictly: what is no number where one belongs is an error with its line. A log is text with terminal escapes,
//! or with lines of dashes (`-,-,-`) that part its samples; there a line that does not hold as many numbers as the others is left
//! out and counted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use crate::data::{Axis, DataProblem, Signal, rate_of};

/// What to do with lines that hold no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Noise {
    /// Leave them out of logs, refuse them in tables.
    #[default]
    Auto,
    /// Leave them out.
    Skip,
    /// Refuse them.
    Refuse,
}

/// Rows of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Heads of the columns, if the first line has some.
    pub headings: Option<Vec<String>>,
    /// Columns, at least 1.
    pub n_columns: usize,
    /// `[rows, columns]`.
    pub values: Vec<f64>,
    /// Rows of each sample; one for a table.
    pub parts: Vec<Range<usize>>,
    /// Lines that were left out.
    pub left_out: usize,
}

/// Fields of a line stand between these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delimiter {
    Char(char),
    Spaces,
    /// One number a line.
    None,
}

/// Reads a text.
///
/// # Errors
/// [`DataProblem::Line`] names the line at fault; [`DataProblem::Broken`] if there are no numbers at all.
pub fn table(bytes: &[u8], noise: Noise) -> Result<Table, DataProblem> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.is_empty() {
        return Err(broken("it is empty"));
    }
    if !is_text(bytes) {
        return Err(broken("it holds bytes that are no text"));
    }
    match noise {
        Noise::Skip => log(bytes),
        Noise::Auto if is_log(bytes) => log(bytes),
        Noise::Auto | Noise::Refuse => strict(bytes),
    }
}

/// Whether bytes may be text: no zeros among the first.
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().take(4096).any(|&byte| byte == 0)
}

fn is_log(bytes: &[u8]) -> bool {
    bytes.contains(&0x1B) || lines(bytes).any(|(_, line)| separator(&line).is_some())
}

/// Lines with their numbers, counted from 1; without what is blank at their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let lines = bytes.split(|&byte| byte == b'\n').map(String::from_utf8_lossy);
    lines.enumerate().map(|(index, line)| {
        let line = match line {
            Cow::Borrowed(line) => Cow::Borrowed(line.trim()),
            Cow::Owned(line) => Cow::Owned(line.trim().to_owned()),
        };
        (index + 1, line)
    })
}

/// How many columns a line of dashes stands for; `None` for other lines.
fn separator(line: &str) -> Option<usize> {
    let n = line.split(',').count();
    (n > 1 && line.split(',').all(|field| field.trim() == "-")).then_some(n)
}

impl Delimiter {
    /// Of a table, by its first lines.
    fn of(first: &str, second: &str) -> Self {
        let written = ['\t', ';', ','].into_iter().find(|&c| first.contains(c)).map(Self::Char);
        written.unwrap_or(if second.contains(char::is_whitespace) { Self::Spaces } else { Self::None })
    }

    fn fields<'a>(self, line: &'a str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        match self {
            Self::Char(c) => Box::new(line.split(c).map(|field| field.trim().trim_matches('"'))),
            Self::Spaces => Box::new(line.split_whitespace()),
            Self::None => Box::new(std::iter::once(line)),
        }
    }

    /// A number. Where commas part no fields they may be decimal commas.
    fn number(self, field: &str) -> Option<f64> {
        let number: f64 = match self {
            Self::Char(',') => field.parse().ok()?,
            _ => field.parse().or_else(|_| field.replacen(',', ".", 1).parse()).ok()?,
        };
        // Values are kept in single precision.
        (number as f32).is_finite().then_some(number)
    }

    /// All numbers of a line; `None` if one of its fields is none.
    fn numbers(self, line: &str) -> Option<Vec<f64>> {
        self.fields(line).map(|field| self.number(field)).collect()
    }
}

fn strict(bytes: &[u8]) -> Result<Table, DataProblem> {
    let mut lines = lines(bytes).filter(|(_, line)| !line.is_empty()).peekable();
    let Some((number, first)) = lines.next() else { return Err(broken("it is empty")) };
    let delimiter = Delimiter::of(&first, lines.peek().map_or("", |(_, line)| line));
    let headings: Vec<String> = delimiter.fields(&first).map(str::to_owned).collect();
    let n_columns = headings.len();
    let is_heading = delimiter.fields(&first).any(|field| field.parse::<f64>().is_err() && delimiter.number(field).is_none());
    let mut values = Vec::new();
    let rows = (!is_heading).then_some((number, first)).into_iter().chain(lines);
    for (line, text) in rows {
        let before = values.len();
        for field in delimiter.fields(&text) {
            let number = delimiter.number(field).ok_or_else(|| DataProblem::Line {
                line,
                trouble: format!("\"{}\", expected a finite number", shortened(field)),
            })?;
            values.push(number);
        }
        let n = values.len() - before;
        if n != n_columns {
            return Err(DataProblem::Line { line, trouble: format!("it has {n} fields, expected {n_columns}") });
        }
    }
    let n_rows = values.len() / n_columns;
    if n_rows == 0 {
        return Err(broken("it has no rows of numbers"));
    }
    let headings = is_heading.then_some(headings);
    Ok(Table { headings, n_columns, values, parts: std::iter::once(0..n_rows).collect(), left_out: 0 })
}

/// The start of a text, on one line.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 24;
    let start: String = text.chars().take(LONGEST).collect();
    let more = if text.chars().count() > LONGEST { "…" } else { "" };
    format!("{}{more}", start.escape_debug())
}

fn log(bytes: &[u8]) -> Result<Table, DataProblem> {
    let (delimiter, n_columns) = form_of_log(bytes).ok_or_else(|| broken("no line of it holds numbers alone"))?;
    let mut table = Table { headings: None, n_columns, values: Vec::new(), parts: Vec::new(), left_out: 0 };
    let mut start = 0;
    let mut n_rows = 0;
    for (_, line) in lines(bytes) {
        let line = without_escapes(&line);
        if separator(&line).is_some() {
            table.parts.extend((n_rows > start).then_some(start..n_rows));
            start = n_rows;
            continue;
        }
        match delimiter.numbers(&line).filter(|numbers| numbers.len() == n_columns) {
            Some(numbers) => {
                table.values.extend(numbers);
                n_rows += 1;
            }
            None => table.left_out += usize::from(!line.is_empty()),
        }
    }
    table.parts.extend((n_rows > start).then_some(start..n_rows));
    if table.parts.is_empty() {
        return Err(broken("it has no rows of numbers"));
    }
    Ok(table)
}

/// What most lines of numbers look like: a separator says how many columns there are.
fn form_of_log(bytes: &[u8]) -> Option<(Delimiter, usize)> {
    const DELIMITERS: [Delimiter; 4] = [Delimiter::Char(','), Delimiter::Char('\t'), Delimiter::Char(';'), Delimiter::Spaces];
    if let Some(n_columns) = lines(bytes).find_map(|(_, line)| separator(&line)) {
        return Some((Delimiter::Char(','), n_columns));
    }
    let mut seen: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (_, line) in lines(bytes) {
        let line = without_escapes(&line);
        let form = DELIMITERS.iter().enumerate().find_map(|(i, delimiter)| Some((i, delimiter.numbers(&line)?.len())));
        if let Some(form) = form.filter(|(_, n)| *n > 0) {
            *seen.entry(form).or_default() += 1;
        }
    }
    let ((delimiter, n_columns), _) = seen.into_iter().max_by_key(|&(_, n)| n)?;
    Some((DELIMITERS[delimiter], n_columns))
}

/// Without terminal escapes and other characters that are not shown. Source: ECMA-48, control sequences.
fn without_escapes(line: &str) -> Cow<'_, str> {
    if !line.contains(char::is_control) {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1B' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| ('\x40'..='\x7E').contains(c));
                }
            }
            '\t' => text.push(c),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    Cow::Owned(text.trim().to_owned())
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Axis,
    /// Time, and the milliseconds of its unit.
    Time(f64),
    /// Counts rows, or tells the time since the row before: nothing that was measured.
    Counter,
}

impl Table {
    /// The whole table as one recording.
    ///
    /// # Errors
    /// As [`Table::signals`].
    pub fn signal(&self) -> Result<Signal, DataProblem> {
        let columns = self.columns();
        self.part(&columns, 0..self.values.len() / self.n_columns)
    }

    /// Its recordings: a column of time gives times and rate, a column that counts rows is left out.
    ///
    /// # Errors
    /// [`DataProblem::Broken`]: time goes back, or there is nothing but time.
    pub fn signals(&self) -> Result<Vec<Signal>, DataProblem> {
        let columns = self.columns();
        self.parts.iter().map(|part| self.part(&columns, part.clone())).collect()
    }

    fn columns(&self) -> Vec<Column> {
        let Some(headings) = &self.headings else { return vec![Column::Axis; self.n_columns] };
        let counts = |index: usize| {
            let mut rows = self.values.chunks_exact(self.n_columns).zip(0_u32..);
            rows.all(|(row, n)| row[index] == f64::from(n) || row[index] == f64::from(n) + 1.0)
        };
        let mut has_time = false;
        let column = |(index, heading): (usize, &String)| {
            let name = heading.to_lowercase();
            let is_nameless = name.is_empty() || name.starts_with("unnamed") || name == "index";
            let is_delta = ["delta", "dt"].iter().any(|start| {
                name.strip_prefix(start).is_some_and(|rest| ["", "_t", "_time", "_s", "_ms", "_us", "_ns"].contains(&rest))
            });
            let unit = unit_of_time(&name).filter(|_| !has_time);
            has_time |= unit.is_some();
            match unit {
                Some(unit_ms) => Column::Time(unit_ms),
                None if is_delta || is_nameless && counts(index) => Column::Counter,
                None => Column::Axis,
            }
        };
        headings.iter().enumerate().map(column).collect()
    }

    fn part(&self, columns: &[Column], rows: Range<usize>) -> Result<Signal, DataProblem> {
        let measured: Vec<usize> = (0..columns.len()).filter(|&i| columns[i] == Column::Axis).collect();
        if measured.is_empty() {
            return Err(broken("it has times and counters, but nothing that was measured"));
        }
        let rows = || self.values.chunks_exact(self.n_columns).skip(rows.start).take(rows.len());
        let time = columns.iter().enumerate().find_map(|(i, column)| match column {
            Column::Time(unit_ms) => Some((i, *unit_ms)),
            _ => None,
        });
        let times_ms: Option<Vec<f64>> = time.map(|(i, unit_ms)| rows().map(|row| row[i] * unit_ms).collect());
        if let Some(at) = times_ms.as_ref().and_then(|times| times.windows(2).position(|pair| pair[1] < pair[0])) {
            return Err(broken(format!("time goes back after row {}; sort it, or part its recordings", at + 1)));
        }
        let axes = match &self.headings {
            Some(headings) => measured.iter().map(|&i| Axis::from_heading(&headings[i])).collect(),
            None => Axis::unnamed(measured.len()),
        };
        let values = rows().flat_map(|row| measured.iter().map(|&i| row[i] as f32)).collect();
        Ok(Signal { rate_hz: times_ms.as_deref().and_then(rate_of), axes, times_ms, values })
    }
}

/// Milliseconds of the unit of a column of time, by its name in lower case; `None` if it is none. Without a unit it is
/// milliseconds, as `millis()` and Edge Impulse have it.
fn unit_of_time(name: &str) -> Option<f64> {
    let is_time = name.starts_with("time") || ["t", "t_ms", "t_us", "t_s", "ms", "us", "millis", "micros"].contains(&name);
    if !is_time {
        return None;
    }
    let has = |words: &[&str]| words.iter().any(|word| name.ends_with(word) || name.ends_with(&format!("{word})")));
    Some(match () {
        () if has(&["ms", "millis", "milliseconds"]) => 1.0,
        () if has(&["us", "µs", "micros", "microseconds"]) => 1e-3,
        () if has(&["ns", "nanos", "nanoseconds"]) => 1e-6,
        () if has(&["_s", "(s", "sec", "seconds"]) => 1000.0,
        () => 1.0,
    })
}

/// A recording as CSV: times first, if it has some, then an axis a column. [`table`] reads the same recording.
pub fn csv(signal: &Signal) -> String {
    let headings = signal.axes.iter().map(|axis| axis.heading().replace([',', ';', '\t', '\n', '"'], " "));
    let headings: Vec<String> = signal.times_ms.iter().map(|_| "time_ms".to_owned()).chain(headings).collect();
    let mut text = headings.join(",") + "\n";
    for (instant, row) in signal.values.chunks_exact(signal.axes.len().max(1)).enumerate() {
        let mut comma = "";
        if let Some(times) = &signal.times_ms {
            // Writing into a string cannot fail.
            let _ = write!(text, "{}", times[instant]);
            comma = ",";
        }
        for value in row {
            let _ = write!(text, "{comma}{value}");
            comma = ",";
        }
        text.push('\n');
    }
    text
}

fn broken(trouble: impl Into<String>) -> DataProblem {
    DataProblem::Broken { format: "table of numbers", trouble: trouble.into() }
}

#[cfg(test)]
mod tests;
