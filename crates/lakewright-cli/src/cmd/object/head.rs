//! `lakewright object head`

use std::io::{self, Write};

use clap::Args;
use lakewright::{BucketName, ObjectInfo};
use serde_json::Value;

use super::json::object_json;
use crate::address::ObjectAddress;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::{size, time};
use crate::output::{Render, pairs};

/// Describe an object without reading it
///
/// Prints size, time of last modification, ETag, media type and metadata. Exit code 1 with
/// not_found when the object or the bucket does not exist.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object head raw/2013/01.csv
  lakewright object head raw/2013/01.csv --json | jq .size")]
pub(crate) struct Head {
    /// The object
    #[arg(value_name = "BUCKET/KEY")]
    object: ObjectAddress,
}

impl Head {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let bucket = context.lake().await?.bucket(self.object.bucket.clone());
        let info = bucket.head(&self.object.key).await?;
        context.out.show(&Description { bucket: self.object.bucket, info })
    }
}

struct Description {
    bucket: BucketName,
    info: ObjectInfo,
}

impl Render for Description {
    fn json(&self) -> Value {
        object_json(&self.bucket, &self.info)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let info = &self.info;
        let bytes = match info.size {
            small @ ..1024 => size(small),
            large => format!("{} ({large} B)", size(large)),
        };
        let mut lines = vec![
            ("object", format!("{}/{}", self.bucket, info.key)),
            ("size", bytes),
            ("last modified", time(info.last_modified)),
        ];
        let rest = [
            ("etag", &info.etag),
            ("version id", &info.version_id),
            ("content type", &info.content_type),
            ("content encoding", &info.content_encoding),
            ("cache control", &info.cache_control),
        ];
        for (name, value) in rest {
            lines.extend(value.clone().map(|value| (name, value)));
        }
        for (name, value) in &info.metadata {
            lines.push(("metadata", format!("{name}={value}")));
        }
        out.write_all(pairs(lines).as_bytes())
    }
}
