//! `delete`

use lakewright_core::{ObjectKey, Result};

use super::Bucket;

impl Bucket {
    /// Ends an object. As on S3, one that is not there is as good as deleted.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, whatever keeps the server from
    /// answering.
    pub async fn delete(&self, key: &ObjectKey) -> Result<()> {
        let request =
            self.s3().sdk.delete_object().bucket(self.name.as_str()).key(key.as_str()).send();
        request.await.map_err(|error| self.s3().classify(error, "delete", self.path(key)))?;
        Ok(())
    }
}
