//! `delete`

use lakewright_core::{ObjectKey, Result};

use super::Bucket;

impl Bucket {
    /// Deletes an object. As on S3, a missing object is no error.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, any connection or server error.
    pub async fn delete(&self, key: &ObjectKey) -> Result<()> {
        let request =
            self.s3().sdk.delete_object().bucket(self.name.as_str()).key(key.as_str()).send();
        request.await.map_err(|error| self.s3().classify(error, "delete", self.path(key)))?;
        Ok(())
    }
}
