//! `lakewright object list`

use std::io::{self, Write};
use std::pin::pin;

use clap::Args;
use futures::TryStreamExt;
use lakewright::{BucketName, ListOptions, ObjectInfo, ObjectVersion};
use serde_json::{Value, json};

use super::json::entry_json;
use crate::address::PrefixAddress;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::{printable, size, time};
use crate::output::Render;

/// List the objects whose keys begin with a prefix
///
/// Without --recursive, keys that contain a `/` after the prefix are grouped into common prefixes,
/// like directories, and each common prefix is listed once, ending in `/`. Prints time, size and
/// address, sorted by key, page by page as the server returns them; with --json one object per
/// line, common prefixes as {"bucket": …, "prefix": …}.
///
/// With --versions, lists every version and every delete marker with its version id, the newest of
/// a key first, without grouping.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object list raw
  lakewright object list raw/2013/
  lakewright object list raw/2013 --recursive                 also lists raw/2013.csv
  lakewright object list raw --versions
  lakewright object list raw --recursive --json | jq -s 'map(.size) | add'")]
pub(crate) struct List {
    /// The prefix of the keys: BUCKET or BUCKET/PREFIX
    #[arg(value_name = "BUCKET/PREFIX")]
    prefix: PrefixAddress,
    /// List every object, without grouping
    #[arg(short, long)]
    recursive: bool,
    /// List every version and every delete marker, without grouping
    #[arg(long, conflicts_with = "start_after")]
    versions: bool,
    /// List only keys after this one, in the order of UTF-8 bytes
    #[arg(long, value_name = "KEY")]
    start_after: Option<String>,
    /// List at most N entries
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let name = self.prefix.bucket;
        let bucket = context.lake().await?.bucket(name.clone());
        let options = ListOptions::builder()
            .maybe_delimiter((!self.recursive).then_some("/"))
            .maybe_start_after(self.start_after)
            .maybe_page_size(self.limit.and_then(|limit| u16::try_from(limit.clamp(1, 1000)).ok()))
            .build();
        let mut remaining = self.limit.unwrap_or(usize::MAX);
        if self.versions {
            let mut pages = pin!(bucket.list_version_pages(self.prefix.prefix));
            while remaining > 0
                && let Some(page) = pages.try_next().await?
            {
                for version in page.versions.into_iter().take(remaining) {
                    context.out.show(&Version { bucket: &name, version })?;
                    remaining -= 1;
                }
                context.out.flush()?;
            }
            return Ok(());
        }
        let mut pages = pin!(bucket.list_pages(self.prefix.prefix, options));
        while remaining > 0
            && let Some(page) = pages.try_next().await?
        {
            // The server returns objects and common prefixes as two sorted lists; merge them.
            let mut objects = page.objects.into_iter().peekable();
            let mut prefixes = page.prefixes.into_iter().peekable();
            while remaining > 0 {
                let prefix_first = match (objects.peek(), prefixes.peek()) {
                    (None, None) => break,
                    (Some(object), Some(prefix)) => prefix < &object.key,
                    (None, Some(_)) => true,
                    (Some(_), None) => false,
                };
                let entry = if prefix_first {
                    prefixes.next().map(Entry::Prefix)
                } else {
                    objects.next().map(Entry::Object)
                };
                if let Some(entry) = entry {
                    context.out.show(&Line { bucket: &name, entry })?;
                }
                remaining -= 1;
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

impl Render for Line<'_> {
    fn json(&self) -> Value {
        match &self.entry {
            Entry::Object(info) => entry_json(self.bucket, info),
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

impl Render for Version<'_> {
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
    fn entries_as_text_and_json() {
        let bucket = BucketName::new("raw").unwrap();
        let text = |entry| {
            let mut text = Vec::new();
            Line { bucket: &bucket, entry }.text(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let info = ObjectInfo { key: "a\nb".into(), size: 2048, ..ObjectInfo::default() };
        assert_eq!(text(Entry::Object(info)), format!("{:>20}   2.0 KiB  raw/a\\nb\n", "-"));
        assert_eq!(text(Entry::Prefix("a/".into())), format!("{:>20}  {:>8}  raw/a/\n", "", ""));
        let prefix = Line { bucket: &bucket, entry: Entry::Prefix("a/".into()) };
        assert_eq!(prefix.json(), json!({"bucket": "raw", "prefix": "a/"}));
    }
}
