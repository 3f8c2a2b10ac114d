//! `lakewright bucket create`

use clap::Args;
use lakewright::{BucketName, CreateBucketOptions};

use super::change::BucketChange;
use crate::context::Context;
use crate::failure::CommandResult;

/// Create a bucket
///
/// Prints its name. Fails with already_exists when the bucket exists, unless --exist-ok is given
/// and you own the bucket.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket create raw
  lakewright bucket create raw --exist-ok
  lakewright bucket create audit --object-lock")]
pub(crate) struct Create {
    /// 3 to 63 characters: a-z, 0-9, '.' and '-'
    name: BucketName,
    /// Accept a bucket that exists, if you own it
    #[arg(long)]
    exist_ok: bool,
    /// Enable object lock, which enables versioning; cannot be enabled later
    #[arg(long)]
    object_lock: bool,
}

impl Create {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let Self { name, exist_ok, object_lock } = self;
        let options =
            CreateBucketOptions::builder().exist_ok(exist_ok).object_lock(object_lock).build();
        context.lake().await?.create_bucket(&name, options).await?;
        let change = if exist_ok { "exists" } else { "created" };
        context.out.show(&BucketChange { name, change })
    }
}
