//! `list_tables`

use futures::{StreamExt, TryStreamExt};
use lakewright_core::{BucketName, Error, Result, TableUri};

use crate::Delta;
use crate::store::{BucketStore, Witness};

/// Folders deeper than this below the prefix are not looked into.
const DEEPEST: usize = 16;

impl Delta {
    /// The tables below `prefix`, which is a bucket (`raw/`) or a folder in one (`raw/2013/`),
    /// in the order of their paths. Folders are walked level by level; what lies inside a table
    /// is not.
    ///
    /// # Errors
    /// `InvalidInput` for a prefix that names no bucket; `NotFound` when the bucket is missing;
    /// whatever keeps the server from answering.
    pub async fn list_tables(&self, prefix: &str) -> Result<Vec<TableUri>> {
        let failed = |error: Error| error.during("list_tables").on(prefix);
        let plain = prefix.strip_prefix("s3://").unwrap_or(prefix);
        let (bucket, folder) = plain.split_once('/').unwrap_or((plain, ""));
        let bucket = &BucketName::new(bucket).map_err(failed)?;
        let store = &BucketStore::new(&self.s3, bucket, Witness::default());
        let start = match folder.trim_end_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let mut level = vec![start];
        let mut tables = Vec::new();
        for _ in 0..DEEPEST {
            let looks = futures::stream::iter(level)
                .map(|folder| look(store, bucket, folder))
                .buffer_unordered(self.s3.profile().concurrency());
            let found: Vec<Found> = looks.try_collect().await.map_err(failed)?;
            level = Vec::new();
            for found in found {
                match found {
                    Found::Table(uri) => tables.push(uri),
                    Found::Folders(mut below) => level.append(&mut below),
                }
            }
            if level.is_empty() {
                break;
            }
        }
        tables.sort();
        Ok(tables)
    }
}

enum Found {
    Table(TableUri),
    Folders(Vec<String>),
}

async fn look(store: &BucketStore, bucket: &BucketName, folder: String) -> Result<Found> {
    let below = store.folders(&folder).await?;
    if below.iter().any(|prefix| prefix == &format!("{folder}_delta_log/"))
        && let Ok(uri) = TableUri::new(format!("{bucket}/{folder}"))
    {
        return Ok(Found::Table(uri));
    }
    Ok(Found::Folders(below))
}
