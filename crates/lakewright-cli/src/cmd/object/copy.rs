//! `lakewright object copy`

use std::io::{self, Write};

use clap::Args;
use lakewright::{CopyOptions, ObjectInfo};
use serde_json::{Value, json};

use crate::address::{ObjectAddress, Target};
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::printable;
use crate::output::Render;

/// Copy an object on the server
///
/// The server copies the bytes and the metadata; no bytes pass through this machine. S3 copies
/// objects of up to 5 GiB. Prints the new object's address.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object copy raw/2013/01.csv archive/2013/01.csv
  lakewright object copy raw/2013/01.csv archive/             keeps the name: archive/01.csv
  lakewright object copy raw/a raw/b --if-absent")]
pub(crate) struct Copy {
    /// The object to copy
    #[arg(value_name = "FROM")]
    source: ObjectAddress,
    /// The copy: BUCKET/KEY, or BUCKET/FOLDER/ to keep the name
    #[arg(value_name = "TO")]
    target: Target,
    /// Fail if the copy's key exists
    #[arg(long)]
    if_absent: bool,
}

impl Copy {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let target = self.target.object(Some(self.source.name()))?;
        let lake = context.lake().await?;
        let from = lake.bucket(self.source.bucket.clone());
        let to = lake.bucket(target.bucket.clone());
        let options = CopyOptions::builder().if_absent(self.if_absent).build();
        let info = from.copy(&self.source.key, &to, &target.key, options).await?;
        context.out.show(&Copied { source: self.source, target, info })
    }
}

struct Copied {
    source: ObjectAddress,
    target: ObjectAddress,
    info: ObjectInfo,
}

impl Render for Copied {
    // The response to a copy does not contain the size.
    fn json(&self) -> Value {
        json!({
            "bucket": self.target.bucket,
            "key": self.target.key,
            "etag": self.info.etag,
            "last_modified": self.info.last_modified.map(|at| at.to_string()),
            "version_id": self.info.version_id,
            "source": { "bucket": self.source.bucket, "key": self.source.key },
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", printable(&self.target.to_string()))
    }
}
