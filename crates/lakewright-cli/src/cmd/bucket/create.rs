//! `lakewright bucket create`

use std::io::{self, Write};

use clap::Args;
use lakewright::{BucketName, CreateBucketOptions, Creation};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::Render;

/// Create a bucket
///
/// Prints its name and whether it was created or exists. Fails with already_exists when the bucket exists, unless --exist-ok is given
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
        let (_, status) = context.lake().await?.create_bucket_with_status(&name, options).await?;
        context.out.show(&CreatedBucket { name, status })
    }
}

/// A bucket that exists now.
struct CreatedBucket {
    name: BucketName,
    status: Creation,
}

impl Render for CreatedBucket {
    fn json(&self) -> Value {
        json!({ "name": self.name, "status": self.status.as_str() })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.name, self.status.text())
    }
}
