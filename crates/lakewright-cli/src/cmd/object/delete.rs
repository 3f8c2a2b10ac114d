//! `lakewright object delete`

use std::collections::HashSet;
use std::io::{self, Write};
use std::pin::pin;
use std::str::FromStr;

use clap::Args;
use futures::StreamExt;
use lakewright::{Bucket, Error, ListOptions, ObjectKey};
use serde_json::{Value, json};

use crate::address::{ObjectAddress, PrefixAddress};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::human::printable;
use crate::input::confirm;
use crate::output::Render;
use crate::progress::Meter;

/// The number of keys per delete request: the maximum of S3.
const BATCH: usize = 1000;

/// Delete objects
///
/// As on S3, deleting an object that does not exist succeeds. With --recursive each argument is a
/// folder, and all objects in it are deleted, after a confirmation or with --yes. In a bucket with
/// versioning the old versions are kept; --version-id deletes one of them. Prints the address of
/// each deleted object; with --json one object per line. When some objects could not be deleted,
/// the error is partial_apply and names them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object delete raw/2013/01.csv raw/2013/02.csv
  lakewright object delete raw/2013/01.csv --version-id 6b6c…
  lakewright object delete --recursive raw/tmp/ --yes
  lakewright object delete --recursive raw/                   asks for confirmation, then deletes all objects")]
pub(crate) struct Delete {
    /// The objects; with --recursive the folders: BUCKET/ or BUCKET/FOLDER/
    #[arg(value_name = "BUCKET/KEY", required = true)]
    objects: Vec<String>,
    /// Delete all objects in these folders
    #[arg(short, long)]
    recursive: bool,
    /// Delete one version of the object, or a delete marker; `lakewright object list --versions`
    /// shows their ids
    #[arg(long, value_name = "ID", conflicts_with = "recursive")]
    version_id: Option<String>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        if self.recursive {
            let folders = parse_all(&self.objects, PrefixAddress::from_str)?;
            return delete_folders(context, folders, self.yes).await;
        }
        let objects = parse_all(&self.objects, ObjectAddress::from_str)?;
        if let Some(id) = self.version_id {
            let [ObjectAddress { bucket, key }] = &objects[..] else {
                let why = "--version-id takes exactly one object";
                return Err(Error::invalid_input(why).during("delete_version").into());
            };
            context.lake().await?.bucket(bucket.clone()).delete_version(key, &id).await?;
            return context.out.show(&Deleted(objects[0].clone()));
        }
        let lake = context.lake().await?;
        let mut rest = objects.into_iter().peekable();
        while let Some(ObjectAddress { bucket, key }) = rest.next() {
            let mut keys = vec![key];
            while let Some(next) = rest.next_if(|next| next.bucket == bucket) {
                keys.push(next.key);
            }
            delete_batch(context, &lake.bucket(bucket), keys).await?;
        }
        Ok(())
    }
}

/// Parses all arguments, so that an invalid one fails before the first object is deleted.
fn parse_all<T>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| parse(text).map_err(|error| error.on(text))).collect()
}

async fn delete_folders(
    context: &mut Context,
    folders: Vec<PrefixAddress>,
    yes: bool,
) -> CommandResult {
    let folders: Vec<PrefixAddress> = folders.into_iter().map(as_folder).collect();
    if !yes {
        let names: Vec<String> = folders.iter().map(ToString::to_string).collect();
        confirm(&format!("deletes all objects in {}", printable(&names.join(", ")))).await?;
    }
    let lake = context.lake().await?;
    for PrefixAddress { bucket, prefix } in folders {
        let bucket = lake.bucket(bucket);
        let mut keys = pin!(
            bucket
                .list(prefix, ListOptions::default())
                .map(|info| info.and_then(|info| ObjectKey::new(info.key)))
                .chunks(BATCH)
        );
        let meter: Meter = context.item_meter("deleting");
        while let Some(chunk) = keys.next().await {
            let chunk = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
            let n = chunk.len() as u64;
            delete_batch(context, &bucket, chunk).await?;
            meter.add(n);
        }
    }
    Ok(())
}

/// Appends a slash to a prefix without one: the folder `raw/tmp` is `raw/tmp/`, and must not match
/// `raw/tmp-precious`.
fn as_folder(mut address: PrefixAddress) -> PrefixAddress {
    if !address.prefix.is_empty() && !address.prefix.ends_with('/') {
        address.prefix.push('/');
    }
    address
}

/// Deletes objects and prints those that were deleted, even if others could not be.
async fn delete_batch(
    context: &mut Context,
    bucket: &Bucket,
    keys: Vec<ObjectKey>,
) -> CommandResult {
    let result = match &keys[..] {
        [key] => bucket.delete(key).await,
        _ => bucket.delete_many(keys.iter().cloned()).await,
    };
    // An error without failures of single objects does not tell which objects were deleted.
    let names_objects = |error: &Error| !error.failures().is_empty();
    if result.as_ref().err().is_none_or(names_objects) {
        let failures = result.as_ref().err().map(Error::failures).unwrap_or_default();
        let failed: HashSet<&str> = failures.iter().filter_map(Error::resource).collect();
        for key in keys {
            let object = ObjectAddress { bucket: bucket.name().clone(), key };
            if !failed.contains(&*object.to_string()) {
                context.out.show(&Deleted(object))?;
            }
        }
        context.out.flush()?;
    }
    result.map_err(Failure::from)
}

struct Deleted(ObjectAddress);

impl Render for Deleted {
    fn json(&self) -> Value {
        json!({ "bucket": self.0.bucket, "key": self.0.key })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", printable(&self.0.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_does_not_match_longer_names() {
        let folder = |text: &str| as_folder(text.parse().unwrap()).to_string();
        assert_eq!(folder("raw"), "raw/");
        assert_eq!(folder("raw/"), "raw/");
        assert_eq!(folder("raw/tmp"), "raw/tmp/");
        assert_eq!(folder("raw/tmp/"), "raw/tmp/");
    }
}
