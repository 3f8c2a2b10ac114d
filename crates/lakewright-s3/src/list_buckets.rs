//! `list_buckets`

use lakewright_core::{BucketName, Result};

use super::BucketInfo;
use super::types::timestamp;
use crate::S3;

impl S3 {
    /// Returns every bucket that these credentials may see, sorted by name.
    ///
    /// # Errors
    /// Any connection or server error.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        let mut pages = self.sdk.list_buckets().into_paginator().send();
        let mut buckets = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                self.classify(error, "list_buckets", self.profile().to_string())
            })?;
            for bucket in page.buckets() {
                // No other verb could use a bucket whose name `BucketName` refuses, such as an
                // old one of Amazon.
                let Some(name) = bucket.name().and_then(|name| BucketName::new(name).ok()) else {
                    tracing::warn!(name = bucket.name(), "left out a bucket with an old name");
                    continue;
                };
                buckets.push(BucketInfo {
                    name,
                    created: timestamp(bucket.creation_date()),
                    region: bucket.bucket_region().map(String::from),
                });
            }
        }
        buckets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(buckets)
    }
}
