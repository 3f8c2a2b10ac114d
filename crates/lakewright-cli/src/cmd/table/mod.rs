//! `lakewright table`

mod append;
mod at;
mod commit;
mod create;
mod csv;
mod drop;
mod files;
mod history;
mod input;
mod json;
mod list;
mod overwrite;
mod scan;
mod schema;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::CommandResult;

/// The verbs of tables.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    List(list::List),
    Create(create::Create),
    Append(append::Append),
    Overwrite(overwrite::Overwrite),
    Scan(scan::Scan),
    Show(show::Show),
    History(history::History),
    Files(files::Files),
    Drop(drop::Drop),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Create(create) => create.run(context).await,
            Self::Append(append) => append.run(context).await,
            Self::Overwrite(overwrite) => overwrite.run(context).await,
            Self::Scan(scan) => scan.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::History(history) => history.run(context).await,
            Self::Files(files) => files.run(context).await,
            Self::Drop(drop) => drop.run(context).await,
        }
    }
}
