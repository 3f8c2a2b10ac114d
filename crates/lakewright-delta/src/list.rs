//! `list_tables`

use futures::{StreamExt, TryStreamExt};
use lakewright_core::{BucketName, Error, Result, TableUri};

use crate::Delta;
use crate::store::{BucketStore, FirstError};

/// The number of levels of folders that are searched, counting the prefix itself.
const DEEPEST: usize = 16;

impl Delta {
    /// Returns the tables below `prefix`, which is a bucket (`raw/`) or a folder in one
    /// (`raw/2013/`), sorted by path. Folders are searched level by level; the folders inside a
    /// table are not searched.
    ///
    /// # Errors
    /// `InvalidInput` for a prefix that names no bucket; `NotFound` when the bucket is missing; any
    /// connection or server error.
    pub async fn list_tables(&self, prefix: &str) -> Result<Vec<TableUri>> {
        let failed = |error: Error| error.during("list_tables").on(prefix);
        let plain = prefix.strip_prefix("s3://").unwrap_or(prefix);
        let (bucket, folder) = plain.split_once('/').unwrap_or((plain, ""));
        let bucket = &BucketName::new(bucket).map_err(failed)?;
        let store = &BucketStore::new(&self.s3, bucket, FirstError::default());
        let start = match folder.trim_end_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let mut level = vec![start];
        let mut tables = Vec::new();
        for _ in 0..DEEPEST {
            let listings = futures::stream::iter(level)
                .map(|folder| list_level(store, bucket, folder))
                .buffer_unordered(self.s3.profile().concurrency());
            let found: Vec<Found> = listings.try_collect().await.map_err(failed)?;
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

/// The content of a folder: a table, or the folders directly below it.
enum Found {
    Table(TableUri),
    Folders(Vec<String>),
}

/// Lists one folder and reports whether it is a table.
async fn list_level(store: &BucketStore, bucket: &BucketName, folder: String) -> Result<Found> {
    let below = store.folders(&folder).await?;
    if below.iter().any(|prefix| prefix == &format!("{folder}_delta_log/"))
        && let Ok(uri) = TableUri::new(format!("{bucket}/{folder}"))
    {
        return Ok(Found::Table(uri));
    }
    Ok(Found::Folders(below))
}
