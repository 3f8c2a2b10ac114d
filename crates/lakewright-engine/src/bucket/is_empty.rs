//! `is_empty`

use lakewright_core::{ErrorKind, Result};

use super::Bucket;

impl Bucket {
    /// Whether there is no object, no version and no delete marker: one request.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; whatever keeps the server from answering.
    pub(crate) async fn is_empty(&self) -> Result<bool> {
        const OPERATION: &str = "is_empty";
        let name = self.name.as_str();
        let request = self.s3().sdk.list_object_versions().bucket(name).max_keys(1).send();
        match request.await.map_err(|error| self.s3().classify(error, OPERATION, name)) {
            Ok(page) => Ok(page.versions().is_empty() && page.delete_markers().is_empty()),
            // A server without versions has objects.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let request = self.s3().sdk.list_objects_v2().bucket(name).max_keys(1).send();
                let page =
                    request.await.map_err(|error| self.s3().classify(error, OPERATION, name))?;
                Ok(page.contents().is_empty())
            }
            Err(error) => Err(error),
        }
    }
}
