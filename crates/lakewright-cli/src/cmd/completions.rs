//! `lakewright completions`

use clap::Args;
use clap_complete::Shell;

use crate::context::Context;
use crate::failure::Outcome;

/// Print the completions of a shell
///
/// The output goes where the shell looks for completions, or is evaluated at its start.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright completions bash > ~/.local/share/bash-completion/completions/lakewright
  lakewright completions zsh > ~/.zfunc/_lakewright
  lakewright completions fish > ~/.config/fish/completions/lakewright.fish")]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::command(), "lakewright", &mut script);
        context.out.bytes(&script)
    }
}
