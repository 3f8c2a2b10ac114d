//! `lakewright spec show`

use std::path::PathBuf;

use clap::Args;

use crate::context::Context;
use crate::failure::CommandResult;
use crate::input::read_spec;

/// Print a spec in its canonical form
///
/// Sizes are in bytes, columns a list, and keys sorted: two specs that declare the same are printed
/// the same.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  diff <(lakewright spec show old.json | jq .) <(lakewright spec show new.json | jq .)")]
pub(crate) struct Show {
    /// The spec; - for stdin
    file: PathBuf,
}

impl Show {
    pub(crate) fn run(self, context: &mut Context) -> CommandResult {
        let text = read_spec(&self.file, "show_spec")?.canonical()?;
        context.out.bytes(format!("{text}\n").as_bytes())
    }
}
