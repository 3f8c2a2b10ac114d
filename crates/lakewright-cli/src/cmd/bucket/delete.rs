//! `lakewright bucket delete`

use clap::Args;
use lakewright::BucketName;

use super::change::BucketChange;
use crate::context::Context;
use crate::failure::CommandResult;

/// Delete an empty bucket
///
/// Fails with conflict while the bucket contains objects or versions of objects; `lakewright
/// bucket empty` deletes them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket delete raw
  lakewright bucket empty raw --yes && lakewright bucket delete raw")]
pub(crate) struct Delete {
    /// The bucket
    name: BucketName,
}

impl Delete {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        context.lake().await?.delete_bucket(&self.name).await?;
        context.out.show(&BucketChange { name: self.name, change: "deleted" })
    }
}
