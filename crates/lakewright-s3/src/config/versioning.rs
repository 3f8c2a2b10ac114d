//! `get_versioning`, `set_versioning`

use lakewright_core::Result;
use lakewright_core::bucket_config::{ObservedVersioning, Subresource, Versioning};

use crate::Bucket;

impl Bucket {
    /// Returns whether overwritten and deleted objects are kept; `None` for a bucket that never had
    /// versioning.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; `Unsupported` where MinIO leaves object
    /// keys out of it (`mc version enable --excluded-prefixes`); any connection or server error.
    pub async fn get_versioning(&self) -> Result<Option<Versioning>> {
        let observed: ObservedVersioning = self.get_setting().await?;
        observed
            .into_declared()
            .map_err(|why| self.wrong(why.into_error(), ObservedVersioning::GET))
    }

    /// Sets whether overwritten and deleted objects are kept.
    ///
    /// # Errors
    /// `Conflict` for suspending under object lock, which needs the versions; `NotFound`,
    /// `Denied`, any connection or server error.
    pub async fn set_versioning(&self, versioning: Versioning) -> Result<()> {
        self.set_setting(&ObservedVersioning::from(versioning)).await
    }
}
