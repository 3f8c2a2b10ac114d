//! `list_buckets`

use lakewright_core::{BucketName, Result};

use super::BucketInfo;
use super::types::timestamp;
use crate::S3;

impl S3 {
    /// Every bucket these credentials may see, by name.
    ///
    /// # Errors
    /// Whatever keeps the server from answering.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        let mut pages = self.sdk.list_buckets().into_paginator().send();
        let mut buckets = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                self.classify(error, "list_buckets", self.profile().to_string())
            })?;
            for bucket in page.buckets() {
                // A name that our rules refuse (Amazon's oldest buckets) could not be used by
                // any other verb.
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
