//! `tinsmith man`: manual pages, made from what `--help` says.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::Man as Renderer;
use tinsmith_core::project::file::write_atomically;

use super::{Arguments, Failure, interrupt, output};

/// Print the manual page, or write one for every command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith man > tinsmith.1
  tinsmith man --out ~/.local/share/man/man1")]
pub struct Man {
    /// Write a page for every command to this folder; made if need be
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
}

impl Man {
    pub fn run(self) -> Result<(), Failure> {
        let mut command = Arguments::command().disable_help_subcommand(true);
        command.build();
        match &self.out {
            None => output::print_bytes(&page(&command)?),
            Some(folder) => {
                let files = interrupt::whole(|| write_pages(&command, folder))?;
                output::print(&files.iter().map(|file| format!("wrote {}\n", file.display())).collect::<String>())
            }
        }
    }
}

/// Writes the page of a command and those of its subcommands.
fn write_pages(command: &Command, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::writing(folder, &error))?;
    let path = folder.join(Renderer::new(command.clone()).get_filename());
    write_atomically(&path, &page(command)?).map_err(|error| Failure::writing(&path, &error))?;
    let mut files = vec![path];
    for subcommand in command.get_subcommands() {
        files.extend(write_pages(subcommand, folder)?);
    }
    Ok(files)
}

/// One page in roff. What stands after the options in `--help` becomes sections of its own, line by line: the renderer would
/// run examples together.
fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let renderer = Renderer::new(command.clone()).source(concat!("tinsmith ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    renderer.render_title(&mut page)?;
    renderer.render_name_section(&mut page)?;
    renderer.render_synopsis_section(&mut page)?;
    renderer.render_description_section(&mut page)?;
    renderer.render_options_section(&mut page)?;
    if command.has_subcommands() {
        renderer.render_subcommands_section(&mut page)?;
    }
    let help = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string).unwrap_or_default();
    page.extend(sections(&help).into_bytes());
    Ok(page)
}

/// Sections in roff from text like `Examples:`, indented lines, an empty line, the next section.
fn sections(help: &str) -> String {
    let mut roff = String::new();
    for block in help.split("\n\n") {
        let (title, lines) = match block.split_once(":\n") {
            Some((title, lines)) => (title, lines),
            None => ("Notes", block),
        };
        roff.push_str(&format!(".SH {}\n.nf\n", title.to_uppercase()));
        for line in lines.lines() {
            // "\&" keeps a leading dot from being a request.
            let line = line.trim_start().replace('\\', "\\e").replace('-', "\\-").replace('~', "\\(ti");
            roff.push_str(&format!("\\&{line}\n"));
        }
        roff.push_str(".fi\n");
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_becomes_sections() {
        let roff = sections("Examples:\n  a --b\n  .c\n\nSay more.");
        assert_eq!(roff, ".SH EXAMPLES\n.nf\n\\&a \\-\\-b\n\\&.c\n.fi\n.SH NOTES\n.nf\n\\&Say more.\n.fi\n");
    }
}
