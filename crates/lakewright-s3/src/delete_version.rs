//! `delete_version`

use lakewright_core::{ObjectKey, Result};

use super::Bucket;

impl Bucket {
    /// Ends one version of an object, or a delete marker, after which the version before it is
    /// the newest again. One that is not there is as good as deleted.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `InvalidInput` for what is no version id; `Denied`,
    /// also by an object lock; whatever keeps the server from answering.
    pub async fn delete_version(&self, key: &ObjectKey, version_id: &str) -> Result<()> {
        let request = self.s3().sdk.delete_object().bucket(self.name.as_str()).key(key.as_str());
        let answer = request.version_id(version_id).send().await;
        answer.map(drop).map_err(|error| {
            self.s3().classify(
                error,
                "delete_version",
                format!("{}?versionId={version_id}", self.path(key)),
            )
        })
    }
}
