//! `get_notifications`, `set_notifications`

use lakewright_core::Result;
use lakewright_core::bucket_config::Notification;

use crate::Bucket;

impl Bucket {
    /// Returns the notifications of the bucket. Other clients may have set some without an id.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for notifications to `EventBridge` and
    /// for filters other than prefix and suffix; `Denied`, any connection or server error.
    pub async fn get_notifications(&self) -> Result<Vec<Notification>> {
        self.get_setting().await
    }

    /// Replaces the notifications of the bucket; an empty slice removes all.
    ///
    /// # Errors
    /// `InvalidInput` for a fault of the value, with its path, for a target or an event that the
    /// server does not know, and for notifications that overlap; `Unsupported` for kinds of
    /// targets that it does not have; `NotFound`, `Denied`, any connection or server error.
    pub async fn set_notifications(&self, notifications: &[Notification]) -> Result<()> {
        self.set_setting(&notifications.to_vec()).await
    }
}
