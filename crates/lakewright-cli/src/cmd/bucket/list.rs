//! `lakewright bucket list`

use clap::Args;

use super::description::Description;
use crate::context::Context;
use crate::failure::CommandResult;

/// List the buckets that the credentials may list
///
/// Prints name, creation time and region, sorted by name; with --json one object per line.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket list
  lakewright bucket list --json | jq -r .name")]
pub(crate) struct List {}

impl List {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let buckets = context.lake().await?.list_buckets().await?;
        let buckets: Vec<Description> = buckets.into_iter().map(Description).collect();
        context.out.list(&buckets)
    }
}
