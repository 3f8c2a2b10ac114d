//! `get_object_lock`, `set_object_lock`

use lakewright_core::Result;
use lakewright_core::bucket_config::ObjectLock;

use crate::Bucket;

impl Bucket {
    /// Returns the bucket's object lock; `None` if the bucket was created without it.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Unsupported` for retentions that [`ObjectLock`]
    /// cannot express, `Denied`, any connection or server error.
    pub async fn get_object_lock(&self) -> Result<Option<ObjectLock>> {
        self.get_setting().await
    }

    /// Sets the default retention of new objects; [`ObjectLock::default`] removes it. The locks of
    /// existing objects stay.
    ///
    /// # Errors
    /// `Conflict` on a bucket that was created without object lock; `InvalidInput`, with its path,
    /// for a period out of range; `NotFound`, `Denied`, any connection or server error.
    pub async fn set_object_lock(&self, lock: &ObjectLock) -> Result<()> {
        self.set_setting(&Some(*lock)).await
    }
}
