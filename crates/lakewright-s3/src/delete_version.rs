//! `delete_version`

use lakewright_core::{ObjectKey, Result};

use super::Bucket;

impl Bucket {
    /// Deletes one version of an object, or a delete marker. If it was the newest, the version
    /// before it becomes the newest. A missing version is no error.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `InvalidInput` for an invalid version id; `Denied`,
    /// also for a locked version; any connection or server error.
    pub async fn delete_version(&self, key: &ObjectKey, version_id: &str) -> Result<()> {
        let request = self.s3().sdk.delete_object().bucket(self.name.as_str()).key(key.as_str());
        let response = request.version_id(version_id).send().await;
        response.map(drop).map_err(|error| {
            self.s3().classify(
                error,
                "delete_version",
                format!("{}?versionId={version_id}", self.path(key)),
            )
        })
    }
}
