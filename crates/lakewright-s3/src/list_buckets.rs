//! `list_buckets`

use lakewright_core::{BucketName, Error, ErrorKind, Result};

use super::BucketInfo;
use super::continuation::{Continuation, Keys};
use super::list::MAX_ENTRIES;
use super::types::timestamp;
use crate::S3;

const OPERATION: &str = "list_buckets";

impl S3 {
    /// Returns every bucket that these credentials may see, sorted by name.
    ///
    /// # Errors
    /// `TooLarge` for more than a million; any connection or server error.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        let at = || self.profile().to_string();
        let failed = |error: Error| error.during(OPERATION).on(at());
        let (mut buckets, mut token, mut left_out) = (Vec::new(), None, 0_u64);
        let mut continuation = Continuation::of(Keys::Unique);
        loop {
            let request = self.sdk.list_buckets().set_continuation_token(token);
            let page = request.send().await;
            let page = page.map_err(|error| self.classify(error, OPERATION, at()))?;
            let names = page.buckets().iter().filter_map(|bucket| bucket.name());
            token = page.continuation_token().filter(|token| !token.is_empty()).map(String::from);
            continuation.check(names, token.as_deref()).map_err(failed)?;
            for bucket in page.buckets() {
                // No other verb could use a bucket whose name `BucketName` refuses, such as an
                // old one of Amazon.
                let Some(name) = bucket.name().and_then(|name| BucketName::new(name).ok()) else {
                    left_out += 1;
                    continue;
                };
                buckets.push(BucketInfo {
                    name,
                    created: timestamp(bucket.creation_date()),
                    region: bucket.bucket_region().map(String::from),
                });
            }
            if buckets.len() > MAX_ENTRIES {
                let why = format!("there are more than {MAX_ENTRIES} buckets");
                return Err(failed(Error::new(ErrorKind::TooLarge, why)));
            }
            if token.is_none() {
                break;
            }
        }
        if left_out > 0 {
            // One line: a server may list any number of them.
            tracing::warn!(buckets = left_out, "left out buckets with names that S3 forbids today");
        }
        buckets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(buckets)
    }
}
