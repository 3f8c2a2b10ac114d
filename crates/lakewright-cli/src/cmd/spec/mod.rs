//! `lakewright spec`

mod check;
mod schema;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::CommandResult;

/// The verbs of specs. None of them needs a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Check(check::Check),
    Show(show::Show),
    Schema(schema::Schema),
}

impl Verb {
    pub(crate) fn run(self, context: &mut Context) -> CommandResult {
        match self {
            Self::Check(check) => check.run(context),
            Self::Show(show) => show.run(context),
            Self::Schema(schema) => schema.run(context),
        }
    }
}
