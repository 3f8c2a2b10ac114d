//! `delete_bucket`

use lakewright_core::{BucketName, Result};

use crate::S3;

impl S3 {
    /// Ends an empty bucket.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while it holds objects; whatever keeps the server from answering.
    pub async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        let answer = self.sdk.delete_bucket().bucket(name.as_str()).send().await;
        answer.map_err(|error| self.classify(error, "delete_bucket", name.as_str()))?;
        Ok(())
    }
}
