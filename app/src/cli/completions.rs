//! `tinsmith completions`: what a shell needs to complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Failure, output};

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith completions bash > ~/.local/share/bash-completion/completions/tinsmith
  tinsmith completions zsh > ~/.zfunc/_tinsmith
  tinsmith completions fish > ~/.config/fish/completions/tinsmith.fish

Zsh finds ~/.zfunc once ~/.zshrc says: fpath+=~/.zfunc; autoload -U compinit; compinit")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<(), Failure> {
        // The generator takes a failure to write for a defect; memory never fails.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "tinsmith", &mut script);
        output::print_bytes(&script)
    }
}
