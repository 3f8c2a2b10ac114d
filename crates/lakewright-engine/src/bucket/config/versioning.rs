//! `get_versioning`, `set_versioning`

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use lakewright_core::bucket_config::Versioning;
use lakewright_core::{ErrorKind, Result};

use super::code;
use crate::bucket::Bucket;

impl Bucket {
    /// Whether overwritten and deleted objects are kept; `None` where that was never said.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, whatever keeps the server from answering.
    pub async fn get_versioning(&self) -> Result<Option<Versioning>> {
        let request = self.s3().sdk.get_bucket_versioning().bucket(self.name.as_str()).send();
        let answer = request.await.map_err(|error| self.refusal(error, "get_versioning"))?;
        match answer.status() {
            Some(BucketVersioningStatus::Enabled) => Ok(Some(Versioning::Enabled)),
            Some(BucketVersioningStatus::Suspended) => Ok(Some(Versioning::Suspended)),
            None => Ok(None),
            Some(other) => Err(self.inexpressible(
                &format!("the versioning is {:?}", other.as_str()),
                "get_versioning",
            )),
        }
    }

    /// Says whether overwritten and deleted objects are kept.
    ///
    /// # Errors
    /// `Conflict` for suspending under object lock, which needs the versions; `NotFound`,
    /// `Denied`, whatever keeps the server from answering.
    pub async fn set_versioning(&self, versioning: Versioning) -> Result<()> {
        self.must_exist("set_versioning").await?;
        let status = match versioning {
            Versioning::Enabled => BucketVersioningStatus::Enabled,
            Versioning::Suspended => BucketVersioningStatus::Suspended,
        };
        let configuration = VersioningConfiguration::builder().status(status).build();
        let request = self
            .s3()
            .sdk
            .put_bucket_versioning()
            .bucket(self.name.as_str())
            .versioning_configuration(configuration)
            .send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, "set_versioning");
            match code(&error) {
                "InvalidBucketState" if versioning == Versioning::Suspended => {
                    error.of_kind(ErrorKind::Conflict).saying(
                        "the bucket has object lock, which keeps every version: versioning \
                         cannot be suspended",
                    )
                }
                _ => error,
            }
        })
    }
}
