//! `lakewright profile`

mod check;
mod list;
mod redact;
mod show;
mod sources;

use clap::Subcommand;

use self::sources::sources;
use crate::context::Context;
use crate::failure::CommandResult;

/// The verbs of profiles.
#[derive(Debug, Subcommand)]
#[command(after_long_help = sources())]
pub(crate) enum Verb {
    List(list::List),
    Show(show::Show),
    Check(check::Check),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        match self {
            Self::List(list) => list.run(context),
            Self::Show(show) => show.run(context).await,
            Self::Check(check) => check.run(context).await,
        }
    }
}
