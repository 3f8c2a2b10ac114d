//! `lakewright bucket head`

use clap::Args;
use lakewright::BucketName;

use super::description::Description;
use crate::context::Context;
use crate::failure::CommandResult;

/// Check that a bucket exists and is accessible
///
/// Prints the server's description of the bucket. Exit code 1 with not_found when it does not
/// exist, with denied when the credentials may not access it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket head raw
  lakewright bucket head raw 2>/dev/null || lakewright bucket create raw")]
pub(crate) struct Head {
    /// The bucket
    name: BucketName,
}

impl Head {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let info = context.lake().await?.head_bucket(&self.name).await?;
        context.out.show(&Description(info))
    }
}
