//! `lakewright completions`

use clap::{Args, Command};
use clap_complete::Shell;

use crate::context::Context;
use crate::failure::CommandResult;

/// Print a completion script for a shell
///
/// The script is written to a file that the shell loads, or evaluated when the shell starts.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright completions bash > ~/.local/share/bash-completion/completions/lakewright
  lakewright completions zsh > ~/.zfunc/_lakewright
  lakewright completions fish > ~/.config/fish/completions/lakewright.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the completion script for `grammar`.
    pub(crate) fn run(self, mut grammar: Command, context: &mut Context) -> CommandResult {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut grammar, "lakewright", &mut script);
        context.out.bytes(&script)
    }
}
