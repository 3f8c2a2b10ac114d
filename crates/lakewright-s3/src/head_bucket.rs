//! `head_bucket`

use lakewright_core::{BucketName, ErrorKind, Result};

use super::BucketInfo;
use crate::S3;

impl S3 {
    /// Checks that a bucket exists and may be used, and returns its description.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, any connection or server error.
    pub async fn head_bucket(&self, name: &BucketName) -> Result<BucketInfo> {
        let response = self.sdk.head_bucket().bucket(name.as_str()).send().await;
        let response = response.map_err(|error| {
            let error = self.classify(error, "head_bucket", name.as_str());
            match error.kind() {
                ErrorKind::NotFound => error.with_message("the bucket does not exist"),
                _ => error,
            }
        })?;
        let region = response.bucket_region().map(String::from);
        Ok(BucketInfo { name: name.clone(), created: None, region })
    }
}
