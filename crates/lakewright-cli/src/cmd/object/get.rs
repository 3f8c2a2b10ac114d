//! `lakewright object get`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use futures::StreamExt;
use lakewright::{BucketName, Error, GetOptions, ObjectInfo, ObjectRange};
use serde_json::{Value, json};

use super::json::object_json;
use crate::address::ObjectAddress;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::{printable, size};
use crate::output::Render;

/// The size of the chunks that are written to stdout, in bytes: the capacity of a pipe.
const CHUNK: usize = 64 << 10;

/// Read an object into a file, or to stdout
///
/// Without FILE the object is written to the current directory, to a file named like the last part
/// of the key; `-` writes it to stdout. The file is created, or replaced, only after all bytes have
/// been received. Prints the file's name and size; with `-` only the object.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object get raw/2013/01.csv                       writes ./01.csv
  lakewright object get raw/2013/01.csv in/                   writes in/01.csv
  lakewright object get raw/2013/01.csv january.csv
  lakewright object get raw/2013/01.csv - | head -n 3
  lakewright object get raw/2013/01.csv - --range 0..1024     the first KiB")]
pub(crate) struct Get {
    /// The object to read
    #[arg(value_name = "BUCKET/KEY")]
    object: ObjectAddress,
    /// File or directory to write to, `-` for stdout
    file: Option<PathBuf>,
    /// Read only these bytes: FIRST..END (END not included), FIRST.. or -LAST
    #[arg(long, allow_hyphen_values = true, value_name = "RANGE")]
    range: Option<Range>,
    /// Read this version instead of the current one
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Fail unless the object has this ETag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

/// A range of bytes: `0..1024`, `1024..` or `-100`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range(ObjectRange);

impl FromStr for Range {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "write FIRST..END, FIRST.. or -LAST, in bytes";
        let number = |text: &str| text.parse::<u64>().map_err(|_| HELP);
        if let Some(last) = text.strip_prefix('-') {
            return Ok(Self(ObjectRange::Last(number(last)?)));
        }
        let (first, end) = text.split_once("..").ok_or(HELP)?;
        let first = if first.is_empty() { 0 } else { number(first)? };
        Ok(Self(match end {
            "" => ObjectRange::From(first),
            end => ObjectRange::Bounded(first..number(end)?),
        }))
    }
}

impl Get {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let to_stdout = self.file.as_deref() == Some(Path::new("-"));
        let path = if to_stdout { None } else { Some(self.path()?) };
        let options = GetOptions::builder()
            .maybe_range(self.range.map(|range| range.0))
            .maybe_if_match(self.if_match)
            .maybe_version_id(self.version_id)
            .build();
        let key = self.object.key;
        let bucket = context.lake().await?.bucket(self.object.bucket);
        let Some(path) = path else {
            let object = bucket.get_stream(&key, options).await?;
            let mut chunks = pin!(object.body.into_pieces(CHUNK));
            while let Some(chunk) = chunks.next().await {
                context.out.bytes(&chunk?)?;
            }
            return Ok(());
        };
        let written = AtomicU64::new(0);
        let info = {
            let meter = context.byte_meter(key.as_str());
            let progress = |done, total| {
                written.store(done, Ordering::Relaxed);
                meter.set(done, total);
            };
            bucket.download(&key, &path, options, &progress).await?
        };
        let bytes = written.into_inner();
        context.out.show(&DownloadedFile { bucket: bucket.name().clone(), info, path, bytes })
    }

    /// Returns the path of the file to write.
    fn path(&self) -> Result<PathBuf, Error> {
        let name = || match self.object.name() {
            "" | "." | ".." => Err(Error::invalid_input(format!(
                "the key of {} does not end in a file name; name the file to write",
                self.object
            ))),
            // The last part of a key contains no slash, so the path stays in the directory.
            name => Ok(name.to_owned()),
        };
        match &self.file {
            None => Ok(name()?.into()),
            Some(path) if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                Ok(path.join(name()?))
            }
            Some(path) => Ok(path.clone()),
        }
    }
}

struct DownloadedFile {
    bucket: BucketName,
    info: ObjectInfo,
    path: PathBuf,
    /// The number of bytes written, which is less than the object's size for a range.
    bytes: u64,
}

impl Render for DownloadedFile {
    fn json(&self) -> Value {
        let mut document = object_json(&self.bucket, &self.info);
        document["path"] = json!(self.path.to_string_lossy());
        document["bytes_written"] = json!(self.bytes);
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = self.path.display().to_string();
        writeln!(out, "{}: {}", printable(&path), size(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, range) in [
            ("0..1024", ObjectRange::Bounded(0..1024)),
            ("..1024", ObjectRange::Bounded(0..1024)),
            ("1024..", ObjectRange::From(1024)),
            ("-100", ObjectRange::Last(100)),
        ] {
            assert_eq!(text.parse(), Ok(Range(range)), "{text}");
        }
        for bad in ["", "5", "0-5", "a..b", "--5", "1...2", "-"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_named_like_the_last_part_of_the_key() {
        let path = |object: &str, file: Option<&str>| {
            let get = Get {
                object: object.parse().unwrap(),
                file: file.map(Into::into),
                range: None,
                version_id: None,
                if_match: None,
            };
            get.path().map(|path| path.to_str().unwrap().to_owned())
        };
        assert_eq!(path("raw/a/b.csv", None).unwrap(), "b.csv");
        assert_eq!(path("raw/a/b.csv", Some("c.csv")).unwrap(), "c.csv");
        assert_eq!(path("raw/a/b.csv", Some("new/")).unwrap(), "new/b.csv");
        assert_eq!(path("raw/a/b.csv", Some(".")).unwrap(), "./b.csv");
        for hostile in ["raw/a/..", "raw/a/.", "raw/a/"] {
            assert!(path(hostile, None).is_err(), "{hostile}");
            assert!(path(hostile, Some(".")).is_err(), "{hostile}");
            assert_eq!(path(hostile, Some("x")).unwrap(), "x");
        }
    }
}
