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
use crate::failure::{Failure, Outcome};
use crate::human::printable;
use crate::input::confirm;
use crate::output::Answer;
use crate::progress::Meter;

/// How many keys are gathered before they are deleted: what one request takes.
const BATCH: usize = 1000;

/// End objects
///
/// As on S3, an object that is not there is as good as deleted. With --recursive each argument is
/// a folder: everything below it goes, after a question or with --yes. In a bucket with
/// versioning older versions stay; --version-id ends one of them. Prints the address of each object that is gone; with --json
/// one object a line. When some could not be deleted the error is partial_apply and names them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright object delete raw/2013/01.csv raw/2013/02.csv
  lakewright object delete raw/2013/01.csv --version-id 6b6c…
  lakewright object delete --recursive raw/tmp/ --yes
  lakewright object delete --recursive raw/                   asks, then empties the bucket")]
pub(crate) struct Delete {
    /// The objects; with --recursive the folders: BUCKET/ or BUCKET/FOLDER/
    #[arg(value_name = "BUCKET/KEY", required = true)]
    objects: Vec<String>,
    /// Everything below these folders
    #[arg(short, long)]
    recursive: bool,
    /// One version of the one object, or its delete marker; `lakewright object list --versions`
    /// shows them
    #[arg(long, value_name = "ID", conflicts_with = "recursive")]
    version_id: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        if self.recursive {
            let folders = all(&self.objects, PrefixAddress::from_str)?;
            return recursive(context, folders, self.yes).await;
        }
        let objects = all(&self.objects, ObjectAddress::from_str)?;
        if let Some(id) = self.version_id {
            let [ObjectAddress { bucket, key }] = &objects[..] else {
                let why = "a version id is of one object: name one";
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
            batch(context, &lake.bucket(bucket), keys).await?;
        }
        Ok(())
    }
}

/// Every argument is understood before the first object goes.
fn all<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| parse(text).map_err(|error| error.on(text))).collect()
}

async fn recursive(context: &mut Context, folders: Vec<PrefixAddress>, yes: bool) -> Outcome {
    let folders: Vec<PrefixAddress> = folders.into_iter().map(as_folder).collect();
    if !yes {
        let names: Vec<String> = folders.iter().map(ToString::to_string).collect();
        confirm(&format!("deletes everything below {}", printable(&names.join(", ")))).await?;
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
        let meter: Meter = context.items("deleting");
        while let Some(chunk) = keys.next().await {
            let chunk = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
            let n = chunk.len() as u64;
            batch(context, &bucket, chunk).await?;
            meter.add(n);
        }
    }
    Ok(())
}

/// `raw/tmp` is the folder `raw/tmp/`: who deletes a folder does not mean `raw/tmp-precious`.
fn as_folder(mut address: PrefixAddress) -> PrefixAddress {
    if !address.prefix.is_empty() && !address.prefix.ends_with('/') {
        address.prefix.push('/');
    }
    address
}

/// Deletes and prints what is gone, also when something else of the batch is not.
async fn batch(context: &mut Context, bucket: &Bucket, keys: Vec<ObjectKey>) -> Outcome {
    let outcome = match &keys[..] {
        [key] => bucket.delete(key).await,
        _ => bucket.delete_many(keys.iter().cloned()).await,
    };
    // An error that names no single object may have come before or after any of them.
    let told = |error: &Error| !error.failures().is_empty();
    if outcome.as_ref().err().is_none_or(told) {
        let failures = outcome.as_ref().err().map(Error::failures).unwrap_or_default();
        let left: HashSet<&str> = failures.iter().filter_map(Error::resource).collect();
        for key in keys {
            let object = ObjectAddress { bucket: bucket.name().clone(), key };
            if !left.contains(&*object.to_string()) {
                context.out.show(&Deleted(object))?;
            }
        }
        context.out.flush()?;
    }
    outcome.map_err(Failure::from)
}

struct Deleted(ObjectAddress);

impl Answer for Deleted {
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
    fn a_folder_does_not_reach_its_neighbours() {
        let folder = |text: &str| as_folder(text.parse().unwrap()).to_string();
        assert_eq!(folder("raw"), "raw/");
        assert_eq!(folder("raw/"), "raw/");
        assert_eq!(folder("raw/tmp"), "raw/tmp/");
        assert_eq!(folder("raw/tmp/"), "raw/tmp/");
    }
}
