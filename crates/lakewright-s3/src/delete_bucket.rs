//! `delete_bucket`

use lakewright_core::{BucketName, Result};

use crate::S3;

impl S3 {
    /// Deletes an empty bucket.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the bucket has objects; any connection or server error.
    pub async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        let response = self.sdk.delete_bucket().bucket(name.as_str()).send().await;
        response.map_err(|error| self.classify(error, "delete_bucket", name.as_str()))?;
        Ok(())
    }
}
