//! `lakewright object put`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt;
use lakewright::{BucketName, Error, ObjectInfo, PutOptions};
use serde_json::Value;

use crate::address::Target;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::{printable, size};
use crate::input;
use crate::output::Answer;

/// Write a file, or stdin, as an object
///
/// The object becomes visible whole or not at all, and replaces an older one. Large files go up
/// in parts; after an error or Ctrl-C the parts are taken back. Prints where the object is, its
/// size and its ETag.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object put 01.csv raw/2013/01.csv
  lakewright object put 01.csv raw/2013/                      keeps the name: raw/2013/01.csv
  pg_dump lake | lakewright object put - raw/dumps/lake.sql
  lakewright object put 01.csv raw/01.csv --content-type text/csv --metadata source=dot
  lakewright object put - raw/lock --if-absent </dev/null     exit code 1, already_exists, if taken")]
pub(crate) struct Put {
    /// File to read, `-` for stdin
    file: PathBuf,
    /// Where to: BUCKET/KEY, or BUCKET/FOLDER/ to keep the file's name
    #[arg(value_name = "BUCKET/KEY")]
    target: Target,
    /// Media type, such as text/csv
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// How the bytes are encoded, such as gzip
    #[arg(long, value_name = "CODING")]
    content_encoding: Option<String>,
    /// What caches may do with it
    #[arg(long, value_name = "DIRECTIVES")]
    cache_control: Option<String>,
    /// A value that travels with the object; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Only if there is no such object yet
    #[arg(long, conflicts_with = "if_match")]
    if_absent: bool,
    /// Only if the object there has this ETag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

impl Put {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let stdin = self.file.as_os_str() == "-";
        let name = match self.file.file_name() {
            Some(name) if !stdin => Some(
                name.to_str()
                    .ok_or_else(|| Error::invalid_input("the file's name is not UTF-8"))?,
            ),
            _ => None,
        };
        let address = self.target.object(name)?;
        let options = PutOptions {
            content_type: self.content_type,
            content_encoding: self.content_encoding,
            cache_control: self.cache_control,
            metadata: self.metadata.into_iter().collect(),
            if_absent: self.if_absent,
            if_match: self.if_match,
            ..PutOptions::default()
        };
        let bucket = context.lake().await?.bucket(address.bucket.clone());
        let info = if stdin {
            let meter = context.bytes(address.key.as_str());
            let stream = input::stdin().inspect(move |piece| {
                if let Ok(piece) = piece {
                    meter.add(piece.len() as u64);
                }
            });
            bucket.put_stream(&address.key, Box::pin(stream), options).await?
        } else {
            let meter = context.bytes(address.key.as_str());
            let progress = |done, total| meter.is_at(done, total);
            bucket.upload(&self.file, &address.key, options, &progress).await?
        };
        context.out.show(&Written { bucket: address.bucket, info })
    }
}

struct Written {
    bucket: BucketName,
    info: ObjectInfo,
}

impl Answer for Written {
    fn json(&self) -> Value {
        super::full(&self.bucket, &self.info)
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
