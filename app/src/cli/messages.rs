//! What is said on stderr while a command works: progress on a terminal, notes, and, where asked for, a log with times.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::{ArgAction, Args, ColorChoice};
use log::{Level, LevelFilter};

use super::style::{self, ERROR, FAINT, NOTE, WARNING};

/// How much is said, and how; the same options for every command
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct Manners {
    /// No progress and no notes; errors are told all the same
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say on stderr what is done and how long it takes; -vv says more. RUST_LOG, where set, decides instead
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto", hide_possible_values = true)]
    color: ColorChoice,
}

impl Manners {
    /// Messages as these options want them. Starts the log if one is asked for.
    pub fn messages(&self) -> Messages {
        style::choose(self.color);
        start_log(self.verbose);
        Messages::new(self.quiet)
    }
}

/// What one command may say on stderr.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    is_quiet: bool,
    /// Someone watches a terminal that can rewrite a line.
    is_live: bool,
}

impl Messages {
    fn new(is_quiet: bool) -> Self {
        Self { is_quiet, is_live: !is_quiet && can_rewrite() }
    }

    /// Whether somebody sees progress.
    pub fn is_live(self) -> bool {
        self.is_live
    }

    /// A line for a piece of work. It goes when it is dropped, so that results find a clean one.
    pub fn progress(self) -> Progress {
        Progress { is_live: self.is_live, shown: Mutex::new(None) }
    }

    /// Something that is good to know.
    pub fn note(self, text: &str) {
        if !self.is_quiet {
            let _ = writeln!(anstream::stderr(), "{NOTE}note:{NOTE:#} {text}");
        }
    }
}

/// A line on stderr that is rewritten as work goes on, at most ten times a second.
#[derive(Debug)]
pub struct Progress {
    is_live: bool,
    /// When the line was written last, if it stands.
    shown: Mutex<Option<Instant>>,
}

impl Progress {
    /// Shows how far the work is. May be called from any thread.
    pub fn show(&self, what: &str, done: usize, total: usize) {
        log::debug!("{what} {done} / {total}");
        if !self.is_live {
            return;
        }
        let Ok(mut shown) = self.shown.lock() else { return };
        if shown.is_some_and(|at| at.elapsed() < Duration::from_millis(100)) {
            return;
        }
        *shown = Some(Instant::now());
        let counts = if total > 1 { format!(" {done} / {total}") } else { String::new() };
        let _ = write!(std::io::stderr(), "{CLEAR}{what}{counts}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.lock().is_ok_and(|shown| shown.is_some()) {
            let _ = write!(std::io::stderr(), "{CLEAR}");
        }
    }
}

/// Back to the start of the line, which is emptied.
const CLEAR: &str = "\r\x1b[K";

fn can_rewrite() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != OsStr::new("dumb"))
}

/// Does a piece of work and logs how long it took.
pub fn timed<T>(what: impl Display, work: impl FnOnce() -> T) -> T {
    let mut stopwatch = Stopwatch::start();
    let result = work();
    stopwatch.lap(what);
    result
}

/// Logs how long things take that follow one another.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Logs what was done since the start or the last lap.
    pub fn lap(&mut self, what: impl Display) {
        log::info!("{what}: {:.1} ms", self.0.elapsed().as_secs_f64() * 1000.0);
        self.0 = Instant::now();
    }
}

/// Log lines begin with the time since the start of the program. Without `--verbose` and `RUST_LOG` there is no log.
fn start_log(verbose: u8) {
    let mut logger = env_logger::Builder::new();
    if std::env::var_os(env_logger::DEFAULT_FILTER_ENV).is_some_and(|filter| !filter.is_empty()) {
        logger.parse_default_env();
    } else {
        let level = match verbose {
            0 => return,
            1 => LevelFilter::Info,
            2 => LevelFilter::Debug,
            _ => LevelFilter::Trace,
        };
        logger.filter_module("tinsmith", level);
    }
    let start = Instant::now();
    let clear = if can_rewrite() { CLEAR } else { "" };
    let line = move |out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>| {
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        let (word, word_style) = match record.level() {
            Level::Error => ("error", ERROR),
            Level::Warn => ("warning", WARNING),
            Level::Info => ("info", NOTE),
            Level::Debug => ("debug", FAINT),
            Level::Trace => ("trace", FAINT),
        };
        let text = style::plain(&record.args().to_string());
        let line = format!("{FAINT}{milliseconds:9.1} ms{FAINT:#} {word_style}{word}{word_style:#} {text}");
        writeln!(out, "{clear}{}", style::for_stderr(&line))
    };
    // A second logger in one process is refused; there is none.
    let _ = logger.format(line).try_init();
}
