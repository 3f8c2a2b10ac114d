//! `head_bucket`

use lakewright_core::{BucketName, ErrorKind, Result};

use super::BucketInfo;
use crate::S3;

impl S3 {
    /// Asks whether the bucket is there and may be used.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, whatever keeps the server from answering.
    pub async fn head_bucket(&self, name: &BucketName) -> Result<BucketInfo> {
        let answer = self.sdk.head_bucket().bucket(name.as_str()).send().await;
        let answer = answer.map_err(|error| {
            let error = self.classify(error, "head_bucket", name.as_str());
            match error.kind() {
                ErrorKind::NotFound => error.with_message("the bucket does not exist"),
                _ => error,
            }
        })?;
        let region = answer.bucket_region().map(String::from);
        Ok(BucketInfo { name: name.clone(), created: None, region })
    }
}
