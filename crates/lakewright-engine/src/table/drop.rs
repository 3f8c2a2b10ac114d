//! `drop_table`

use futures::TryStreamExt;
use lakewright_core::{Error, ErrorKind, ObjectKey, Result, TableUri};

use crate::Lake;
use crate::bucket::ListOptions;

/// Objects are deleted in groups of this many, so that a huge table needs little memory.
const GROUP: usize = 10_000;

impl Lake {
    /// Ends a table: its log and every object below its path. The newest log entries go last,
    /// so that a drop which is cut short leaves something that can be dropped again.
    ///
    /// Returns the number of objects deleted.
    ///
    /// # Errors
    /// `NotFound` when there is no table; `PartialApply` when some objects could not be
    /// deleted; whatever keeps the server from answering.
    pub async fn drop_table(&self, uri: &TableUri) -> Result<u64> {
        let failed = |error: Error| error.during("drop_table").on(uri.to_string());
        if !self.table(uri.clone()).exists().await.map_err(failed)? {
            return Err(failed(Error::new(ErrorKind::NotFound, "there is no Delta table here")));
        }
        let bucket = self.bucket(uri.bucket().clone());
        let log = format!("{}/_delta_log/", uri.path());
        let (mut deleted, mut group, mut last) = (0, Vec::new(), Vec::new());
        let mut objects =
            std::pin::pin!(bucket.list(format!("{}/", uri.path()), ListOptions::default()));
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            let key = ObjectKey::new(object.key).map_err(failed)?;
            if key.as_str().starts_with(&log) {
                last.push(key);
                continue;
            }
            group.push(key);
            if group.len() == GROUP {
                deleted += group.len() as u64;
                bucket.delete_many(std::mem::take(&mut group)).await.map_err(failed)?;
            }
        }
        deleted += (group.len() + last.len()) as u64;
        bucket.delete_many(group).await.map_err(failed)?;
        bucket.delete_many(last).await.map_err(failed)?;
        Ok(deleted)
    }
}
