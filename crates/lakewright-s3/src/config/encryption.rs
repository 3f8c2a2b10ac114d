//! `get_encryption`, `set_encryption`, `delete_encryption`

use lakewright_core::Result;
use lakewright_core::bucket_config::Encryption;

use crate::Bucket;

impl Bucket {
    /// Returns the default encryption of new objects; `None` if none is configured.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for an encryption that [`Encryption`]
    /// cannot express; `Denied`, any connection or server error.
    pub async fn get_encryption(&self) -> Result<Option<Encryption>> {
        self.get_setting().await
    }

    /// Sets the default encryption of new objects. Existing objects stay as they are.
    ///
    /// # Errors
    /// `Unsupported` if the server has no KMS; `InvalidInput` for a key that its KMS does not have;
    /// `NotFound`, `Denied`, any connection or server error.
    pub async fn set_encryption(&self, encryption: &Encryption) -> Result<()> {
        self.set_setting(&Some(encryption.clone())).await
    }

    /// Removes the default encryption. Amazon S3 then returns to SSE-S3.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, any connection or server error.
    pub async fn delete_encryption(&self) -> Result<()> {
        self.change_setting(&None::<Encryption>, "delete_encryption").await
    }
}
