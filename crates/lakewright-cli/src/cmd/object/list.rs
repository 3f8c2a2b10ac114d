//! `lakewright object list`

use std::io::{self, Write};
use std::pin::pin;

use clap::Args;
use futures::TryStreamExt;
use lakewright::{BucketName, ListOptions, ObjectInfo, ObjectVersion};
use serde_json::{Value, json};

use crate::address::PrefixAddress;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::{printable, size, time};
use crate::output::Answer;

/// List the objects whose keys begin with a prefix
///
/// Without --recursive keys are folded at the next `/` after the prefix, as in a directory; what
/// is folded is shown once, with `/` at its end. Prints time, size and address, in the order of
/// the keys, page by page as the server answers; with --json one object a line, folded ones as
/// {"bucket": …, "prefix": …}.
///
/// With --versions every version of every object below the prefix and every delete marker, the
/// newest of a key first, each with its version id; nothing is folded.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object list raw
  lakewright object list raw/2013/
  lakewright object list raw/2013 --recursive                 also raw/2013.csv: a prefix is no folder
  lakewright object list raw --versions
  lakewright object list raw --recursive --json | jq -s 'map(.size) | add'")]
pub(crate) struct List {
    /// What keys begin with: BUCKET or BUCKET/PREFIX
    #[arg(value_name = "BUCKET/PREFIX")]
    prefix: PrefixAddress,
    /// Every object below, nothing folded
    #[arg(short, long)]
    recursive: bool,
    /// Every version and every delete marker, nothing folded
    #[arg(long, conflicts_with = "start_after")]
    versions: bool,
    /// Only keys after this one, in the order of UTF-8 bytes
    #[arg(long, value_name = "KEY")]
    start_after: Option<String>,
    /// Stop after so many lines
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let name = self.prefix.bucket;
        let bucket = context.lake().await?.bucket(name.clone());
        let options = ListOptions {
            delimiter: (!self.recursive).then(|| "/".into()),
            start_after: self.start_after,
            page_size: self.limit.and_then(|limit| u16::try_from(limit.clamp(1, 1000)).ok()),
        };
        let mut left = self.limit.unwrap_or(usize::MAX);
        if self.versions {
            let mut pages = pin!(bucket.list_version_pages(self.prefix.prefix));
            while left > 0
                && let Some(page) = pages.try_next().await?
            {
                for version in page.versions.into_iter().take(left) {
                    context.out.show(&Version { bucket: &name, version })?;
                    left -= 1;
                }
                context.out.flush()?;
            }
            return Ok(());
        }
        let mut pages = pin!(bucket.list_pages(self.prefix.prefix, options));
        while left > 0
            && let Some(page) = pages.try_next().await?
        {
            // The server gives two lists, each in order; people want one.
            let mut objects = page.objects.into_iter().peekable();
            let mut prefixes = page.prefixes.into_iter().peekable();
            while left > 0 {
                let folded_first = match (objects.peek(), prefixes.peek()) {
                    (None, None) => break,
                    (Some(object), Some(prefix)) => prefix < &object.key,
                    (None, Some(_)) => true,
                    (Some(_), None) => false,
                };
                let entry = if folded_first {
                    prefixes.next().map(Entry::Prefix)
                } else {
                    objects.next().map(Entry::Object)
                };
                if let Some(entry) = entry {
                    context.out.show(&Line { bucket: &name, entry })?;
                }
                left -= 1;
            }
            context.out.flush()?;
        }
        Ok(())
    }
}

enum Entry {
    Object(ObjectInfo),
    Prefix(String),
}

struct Line<'a> {
    bucket: &'a BucketName,
    entry: Entry,
}

impl Answer for Line<'_> {
    fn json(&self) -> Value {
        match &self.entry {
            Entry::Object(info) => super::listed(self.bucket, info),
            Entry::Prefix(prefix) => json!({ "bucket": self.bucket, "prefix": prefix }),
        }
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (at, bytes, key) = match &self.entry {
            Entry::Object(info) => (time(info.last_modified), size(info.size), &info.key),
            Entry::Prefix(prefix) => (String::new(), String::new(), prefix),
        };
        writeln!(out, "{at:>20}  {bytes:>8}  {}/{}", self.bucket, printable(key))
    }
}

struct Version<'a> {
    bucket: &'a BucketName,
    version: ObjectVersion,
}

impl Answer for Version<'_> {
    fn json(&self) -> Value {
        let ObjectVersion {
            key,
            version_id,
            is_latest,
            is_delete_marker,
            size,
            etag,
            last_modified,
        } = &self.version;
        json!({
            "bucket": self.bucket, "key": key, "version_id": version_id, "is_latest": is_latest,
            "is_delete_marker": is_delete_marker, "size": size, "etag": etag,
            "last_modified": last_modified,
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let version = &self.version;
        let bytes = if version.is_delete_marker { "deleted".into() } else { size(version.size) };
        let (at, id) = (time(version.last_modified), printable(&version.version_id));
        writeln!(out, "{at:>20}  {bytes:>8}  {id:<36}  {}/{}", self.bucket, printable(&version.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let bucket = BucketName::new("raw").unwrap();
        let text = |entry| {
            let mut text = Vec::new();
            Line { bucket: &bucket, entry }.text(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let info = ObjectInfo { key: "a\nb".into(), size: 2048, ..ObjectInfo::default() };
        assert_eq!(text(Entry::Object(info)), format!("{:>20}   2.0 KiB  raw/a\\nb\n", "-"));
        assert_eq!(text(Entry::Prefix("a/".into())), format!("{:>20}  {:>8}  raw/a/\n", "", ""));
        let folded = Line { bucket: &bucket, entry: Entry::Prefix("a/".into()) };
        assert_eq!(folded.json(), json!({"bucket": "raw", "prefix": "a/"}));
    }
}
