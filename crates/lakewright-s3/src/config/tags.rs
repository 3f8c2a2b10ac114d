//! `get_tags`, `set_tags`, `delete_tags`

use std::collections::BTreeMap;

use lakewright_core::Result;

use crate::Bucket;

impl Bucket {
    /// Returns the bucket's tags.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, any connection or server error.
    pub async fn get_tags(&self) -> Result<BTreeMap<String, String>> {
        self.get_setting().await
    }

    /// Replaces the bucket's tags; an empty map removes all.
    ///
    /// # Errors
    /// `InvalidInput`, with its path, for more than 50 tags, keys above 128 and values above 256
    /// characters, and for characters that S3 or the server does not allow; `NotFound`, `Denied`,
    /// any connection or server error.
    pub async fn set_tags(&self, tags: &BTreeMap<String, String>) -> Result<()> {
        self.set_setting(tags).await
    }

    /// Removes the bucket's tags.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, any connection or server error.
    pub async fn delete_tags(&self) -> Result<()> {
        self.change_setting(&BTreeMap::new(), "delete_tags").await
    }
}
