//! `lakewright bucket empty`

use std::io::{self, Write};

use clap::Args;
use lakewright::{BucketName, Emptied, EmptyOptions};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::count;
use crate::input::confirm;
use crate::output::Render;

/// Delete all objects of a bucket
///
/// Deletes all objects with all their versions, delete markers and incomplete uploads, after a
/// confirmation or with --yes. Locked objects are kept; then the error is partial_apply and names
/// them, or denied when nothing could be deleted. Prints how much was deleted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket empty raw                         asks for confirmation
  lakewright bucket empty raw --yes && lakewright bucket delete raw
  lakewright bucket empty audit --bypass-governance --yes")]
pub(crate) struct Empty {
    /// The bucket
    name: BucketName,
    /// Also delete objects locked in governance mode, with the permission to bypass it
    #[arg(long)]
    bypass_governance: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Empty {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let Self { name, bypass_governance, yes } = self;
        if !yes {
            confirm(&format!("deletes everything in {name}, including old versions")).await?;
        }
        let options = EmptyOptions::builder().bypass_governance(bypass_governance).build();
        let deleted = context.lake().await?.bucket(name.clone()).empty(options).await?;
        context.out.show(&EmptiedBucket { name, deleted })
    }
}

struct EmptiedBucket {
    name: BucketName,
    deleted: Emptied,
}

impl Render for EmptiedBucket {
    fn json(&self) -> Value {
        let Emptied { versions, uploads } = self.deleted;
        json!({ "name": self.name, "versions": versions, "uploads": uploads })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Emptied { versions, uploads } = self.deleted;
        let (versions, uploads) = (count(versions, "version"), count(uploads, "upload"));
        writeln!(out, "{}: {versions} and {uploads} deleted", self.name)
    }
}
