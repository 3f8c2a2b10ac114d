//! `lakewright object put`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt;
use lakewright::{BucketName, Error, ObjectInfo, PutOptions};
use serde_json::Value;

use super::json::object_json;
use crate::address::Target;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::{printable, size};
use crate::input;
use crate::output::Render;

/// Write a file, or stdin, as an object
///
/// The object is created, or replaced, atomically. Large files are uploaded in parts; after an
/// error or Ctrl-C the upload is aborted. Prints the object's address, size and ETag.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object put 01.csv raw/2013/01.csv
  lakewright object put 01.csv raw/2013/                      keeps the file's name: raw/2013/01.csv
  pg_dump lake | lakewright object put - raw/dumps/lake.sql
  lakewright object put 01.csv raw/01.csv --content-type text/csv --metadata source=dot
  lakewright object put - raw/lock --if-absent </dev/null     exit code 1, already_exists, if taken")]
pub(crate) struct Put {
    /// The file to read; - for stdin
    file: PathBuf,
    /// The object: BUCKET/KEY, or BUCKET/FOLDER/ to keep the file's name
    #[arg(value_name = "BUCKET/KEY")]
    target: Target,
    /// Media type, such as text/csv
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Content coding, such as gzip
    #[arg(long, value_name = "CODING")]
    content_encoding: Option<String>,
    /// Directives for caches
    #[arg(long, value_name = "DIRECTIVES")]
    cache_control: Option<String>,
    /// User metadata; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Fail if the object exists
    #[arg(long, conflicts_with = "if_match")]
    if_absent: bool,
    /// Fail unless the existing object has this ETag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

impl Put {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let stdin = self.file.as_os_str() == "-";
        let name = match self.file.file_name() {
            Some(name) if !stdin => Some(
                name.to_str().ok_or_else(|| Error::invalid_input("the file name is not UTF-8"))?,
            ),
            _ => None,
        };
        let address = self.target.object(name)?;
        let options = PutOptions::builder()
            .maybe_content_type(self.content_type)
            .maybe_content_encoding(self.content_encoding)
            .maybe_cache_control(self.cache_control)
            .metadata(self.metadata.into_iter().collect())
            .if_absent(self.if_absent)
            .maybe_if_match(self.if_match)
            .build();
        let bucket = context.lake().await?.bucket(address.bucket.clone());
        let info = if stdin {
            let meter = context.byte_meter(address.key.as_str());
            let stream = input::stdin().inspect(move |chunk| {
                if let Ok(chunk) = chunk {
                    meter.add(chunk.len() as u64);
                }
            });
            bucket.put_stream(&address.key, Box::pin(stream), options).await?
        } else {
            let meter = context.byte_meter(address.key.as_str());
            let progress = |done, total| meter.set(done, total);
            bucket.upload(&self.file, &address.key, options, &progress).await?
        };
        context.out.show(&UploadedObject { bucket: address.bucket, info })
    }
}

struct UploadedObject {
    bucket: BucketName,
    info: ObjectInfo,
}

impl Render for UploadedObject {
    fn json(&self) -> Value {
        object_json(&self.bucket, &self.info)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let key = printable(&self.info.key);
        write!(out, "{}/{key}: {}", self.bucket, size(self.info.size))?;
        match &self.info.etag {
            Some(etag) => writeln!(out, ", etag {}", printable(etag)),
            None => writeln!(out),
        }
    }
}
