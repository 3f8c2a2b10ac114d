//! `lakewright object`

mod copy;
mod delete;
mod get;
mod head;
mod json;
mod list;
mod put;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::CommandResult;

/// The verbs of objects.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Put(put::Put),
    Get(get::Get),
    List(list::List),
    Head(head::Head),
    Delete(delete::Delete),
    Copy(copy::Copy),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        match self {
            Self::Put(put) => put.run(context).await,
            Self::Get(get) => get.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Head(head) => head.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Copy(copy) => copy.run(context).await,
        }
    }
}
