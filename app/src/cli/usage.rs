//! Reading the words of the command line, and what is said when they make no sense.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ColorChoice, Command, CommandFactory, FromArgMatches, Parser, ValueEnum};

use super::outcome::{report, written};
use super::{Arguments, Manners, style};

/// Reads the process's arguments, the program's own name first.
pub fn parse(words: &[OsString]) -> Result<Arguments, clap::Error> {
    let early = Early::of(words);
    // What clap says about wrong usage is coloured as asked for, too.
    style::choose(early.color);
    let mut command = Arguments::command();
    if early.first.is_some_and(|word| !names_command(word, &command) && !names_file(word)) {
        // With no file to take the word for, clap tells which command is meant.
        Commands::try_parse_from(words)?;
    }
    let mut matches = command.try_get_matches_from_mut(words)?;
    let arguments = Arguments::from_arg_matches_mut(&mut matches)?;
    if arguments.file.is_some() && arguments.command.is_some() {
        let what = "a file to open in the window and a command exclude each other";
        return Err(command.error(ErrorKind::ArgumentConflict, what));
    }
    Ok(arguments)
}

/// The commands without a file to open.
#[derive(Debug, Parser)]
#[command(name = "tinsmith", override_usage = "tinsmith [OPTIONS] <COMMAND>")]
struct Commands {
    #[command(subcommand)]
    _command: super::Command,
    #[command(flatten)]
    _manners: Manners,
}

/// Prints help, the version, or what is wrong with the words, with an example where something is missing.
pub fn explain(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let is_answer = !error.use_stderr();
    let printed = error.print();
    if is_answer {
        return report(written(printed));
    }
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(example) = example(words)
    {
        let _ = writeln!(anstream::stderr(), "\nExample:\n  {example}");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// What has to be known before clap reads the words.
struct Early<'a> {
    color: ColorChoice,
    /// The first word that is no option: a command or a file.
    first: Option<&'a OsStr>,
}

impl<'a> Early<'a> {
    fn of(words: &'a [OsString]) -> Self {
        let mut early = Self { color: ColorChoice::Auto, first: None };
        let mut words = words.iter().skip(1).map(OsString::as_os_str);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--") => break,
                Some("--color") => early.color = words.next().map_or(ColorChoice::Auto, color),
                Some(text) if text.starts_with("--color=") => early.color = color(OsStr::new(&text["--color=".len()..])),
                Some(text) if text.starts_with('-') => {}
                _ if early.first.is_none() => early.first = Some(word),
                _ => {}
            }
        }
        early
    }
}

fn color(name: &OsStr) -> ColorChoice {
    name.to_str().and_then(|name| ColorChoice::from_str(name, false).ok()).unwrap_or_default()
}

/// Whether a first word is meant as a file: there is one, or it is written like one.
fn names_file(word: &OsStr) -> bool {
    word.to_string_lossy().contains(['.', '/', '\\']) || Path::new(word).exists()
}

fn names_command(word: &OsStr, command: &Command) -> bool {
    word == "help" || command.find_subcommand(word).is_some()
}

/// The first example of the command that the words name.
fn example(words: &[OsString]) -> Option<String> {
    let root = Arguments::command();
    let first = Early::of(words).first?;
    let help = root.find_subcommand(first)?.get_after_help()?.to_string();
    Some(help.lines().nth(1)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn files_and_commands_are_told_apart() {
        assert!(parsed("tinsmith some/model.tflite").unwrap().file.is_some());
        assert!(parsed("tinsmith -- model").unwrap().file.is_some());
        assert!(parsed("tinsmith --quiet --color never steps").unwrap().command.is_some());
        assert!(parsed("tinsmith steps --color=always -q").unwrap().command.is_some());
        for (line, kind) in [
            ("tinsmith model.tflite steps", ErrorKind::ArgumentConflict),
            ("tinsmith inspct model.tflite", ErrorKind::InvalidSubcommand),
            ("tinsmith steps --jsno", ErrorKind::UnknownArgument),
            ("tinsmith steps -q -v", ErrorKind::ArgumentConflict),
        ] {
            assert_eq!(parsed(line).unwrap_err().kind(), kind, "{line}");
        }
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Examples:\n  tinsmith"), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }
}
