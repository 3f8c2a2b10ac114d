//! `bucket_quota`, `set_bucket_quota`

use std::num::NonZeroU64;

use http::Method;
use lakewright_core::{BucketName, Result};
use serde::Deserialize;
use serde_json::json;

use super::Admin;

/// A quota as MinIO reports it; 0 means that there is no limit.
#[derive(Deserialize)]
pub(super) struct Quota {
    /// The older name of `size`.
    #[serde(default)]
    quota: u64,
    #[serde(default)]
    size: u64,
}

impl Quota {
    pub(super) fn bytes(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.size).or(NonZeroU64::new(self.quota))
    }
}

impl Admin {
    /// Returns the quota of a bucket in bytes; `None` if no limit is set. MinIO enforces it with
    /// the usage that its scanner counted, so a bucket may exceed it for a while.
    ///
    /// # Errors
    /// `NotFound` if there is no such bucket, `Denied` without `admin:GetBucketQuota`, and any
    /// connection or server error.
    pub async fn bucket_quota(&self, bucket: &BucketName) -> Result<Option<NonZeroU64>> {
        let call = self.call("bucket_quota", bucket.as_str(), Method::GET, "get-bucket-quota");
        let quota: Quota = call.query("bucket", bucket.as_str()).send().await?.json()?;
        Ok(quota.bytes())
    }

    /// Sets the quota of a bucket in bytes; `None` removes the limit.
    ///
    /// # Errors
    /// `NotFound` if there is no such bucket, `Denied` without `admin:SetBucketQuota`, and any
    /// connection or server error.
    pub async fn set_bucket_quota(
        &self,
        bucket: &BucketName,
        bytes: Option<NonZeroU64>,
    ) -> Result<()> {
        let call = self.call("set_bucket_quota", bucket.as_str(), Method::PUT, "set-bucket-quota");
        let bytes = bytes.map_or(0, NonZeroU64::get);
        let body = json!({"quota": bytes, "size": bytes, "quotatype": "hard"});
        call.query("bucket", bucket.as_str()).plain(&body)?.send().await?;
        Ok(())
    }
}
