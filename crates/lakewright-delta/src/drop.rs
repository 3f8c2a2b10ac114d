//! `drop_table`

use lakewright_core::{Error, ErrorKind, Result, TableUri};

use crate::Delta;
use crate::store::{BucketStore, FirstError};

impl Delta {
    /// Drops a table: deletes every object below its path, the log last, so that an interrupted
    /// drop can be run again.
    ///
    /// Returns the number of objects deleted.
    ///
    /// # Errors
    /// `NotFound` when there is no table; `Conflict` when another table lies inside its path;
    /// `PartialApply` when some objects could not be deleted; any connection or server error.
    pub async fn drop_table(&self, uri: &TableUri) -> Result<u64> {
        let failed = |error: Error| error.during("drop_table").on(uri.to_string());
        let store = BucketStore::new(&self.s3, uri.bucket(), FirstError::default());
        let (below, log) = (format!("{}/", uri.path()), format!("{}/_delta_log/", uri.path()));
        // The log need not be readable: the rest of an interrupted drop can be dropped.
        if !store.has_any(&log).await.map_err(failed)? {
            return Err(failed(Error::new(ErrorKind::NotFound, "there is no Delta table here")));
        }
        for folder in store.folders(&below).await.map_err(failed)? {
            if folder == log {
                continue;
            }
            let inside = self.list_tables(&format!("{}/{folder}", uri.bucket())).await;
            if let Some(inner) = inside.map_err(failed)?.first() {
                let why = format!("another table lies inside its path: {inner}; drop that first");
                return Err(failed(Error::new(ErrorKind::Conflict, why)));
            }
        }
        store.delete_below(&below, &log).await.map_err(failed)
    }
}
