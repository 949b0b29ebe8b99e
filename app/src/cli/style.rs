//! Colours on a terminal: which words get one, and whether there are any.
//!
//! Text is written with its colours; `anstream` takes them out where they are not wanted.

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;

/// The word `error:`.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What may go wrong later.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What is good to know.
pub const NOTE: Style = AnsiColor::Cyan.on_default();
/// What is there for whoever looks for it, such as times.
pub const FAINT: Style = Style::new().dimmed();

/// Settles for the whole process whether there are colours. `Auto` leaves it to the terminal, `NO_COLOR`, `CLICOLOR` and
/// `CLICOLOR_FORCE`. Usage errors and help follow it as well.
pub fn choose(choice: ColorChoice) {
    match choice {
        ColorChoice::Always => anstream::ColorChoice::AlwaysAnsi,
        ColorChoice::Never => anstream::ColorChoice::Never,
        ColorChoice::Auto => anstream::ColorChoice::Auto,
    }
    .write_global();
}

/// Text with its colours, or without where stderr gets none.
pub fn for_stderr(text: &str) -> String {
    match AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}

/// Text of a file as it may be shown: control characters, which a terminal would obey, are made visible.
pub fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
