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

use crate::address::ObjectAddress;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::{printable, size};
use crate::output::Answer;

/// Pieces in which an object goes to stdout, in bytes: what a pipe holds.
const PIECE: usize = 64 << 10;

/// Read an object into a file, or to stdout
///
/// Without FILE the object is written to the current directory under the last part of its key;
/// only `-` sends it to stdout. A file appears, or replaces an older one, when all bytes are
/// there. Prints the file's name and size; with `-` nothing but the object.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object get raw/2013/01.csv                       writes ./01.csv
  lakewright object get raw/2013/01.csv in/                   writes in/01.csv
  lakewright object get raw/2013/01.csv january.csv
  lakewright object get raw/2013/01.csv - | head -n 3
  lakewright object get raw/2013/01.csv - --range 0..1024     the first KiB")]
pub(crate) struct Get {
    /// The object
    #[arg(value_name = "BUCKET/KEY")]
    object: ObjectAddress,
    /// File or directory to write to, `-` for stdout
    file: Option<PathBuf>,
    /// Only these bytes: FIRST..END (END not included), FIRST.. or -LAST
    #[arg(long, allow_hyphen_values = true, value_name = "RANGE")]
    range: Option<Range>,
    /// This version instead of the newest
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Only if the object has this ETag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

/// `0..1024`, `1024..` or `-100`.
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
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let to_stdout = self.file.as_deref() == Some(Path::new("-"));
        let path = if to_stdout { None } else { Some(self.path()?) };
        let options = GetOptions {
            range: self.range.map(|range| range.0),
            if_match: self.if_match,
            version_id: self.version_id,
            ..GetOptions::default()
        };
        let key = self.object.key;
        let bucket = context.lake().await?.bucket(self.object.bucket);
        let Some(path) = path else {
            let object = bucket.get_stream(&key, options).await?;
            let mut pieces = pin!(object.body.into_pieces(PIECE));
            while let Some(piece) = pieces.next().await {
                context.out.bytes(&piece?)?;
            }
            return Ok(());
        };
        let moved = AtomicU64::new(0);
        let info = {
            let meter = context.bytes(key.as_str());
            let progress = |done, total| {
                moved.store(done, Ordering::Relaxed);
                meter.is_at(done, total);
            };
            bucket.download(&key, &path, options, &progress).await?
        };
        let bytes = moved.into_inner();
        context.out.show(&Fetched { bucket: bucket.name().clone(), info, path, bytes })
    }

    /// The file to write.
    fn path(&self) -> Result<PathBuf, Error> {
        let name = || match self.object.name() {
            "" | "." | ".." => Err(Error::invalid_input(format!(
                "the key of {} does not end like a file's name; say which file to write",
                self.object
            ))),
            // The last part of a key holds no slash, and so stays in its directory.
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

struct Fetched {
    bucket: BucketName,
    info: ObjectInfo,
    path: PathBuf,
    /// How many bytes were written: fewer than the object has when a range was asked for.
    bytes: u64,
}

impl Answer for Fetched {
    fn json(&self) -> Value {
        let mut document = super::full(&self.bucket, &self.info);
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
    fn files_are_called_like_the_key_ends() {
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
