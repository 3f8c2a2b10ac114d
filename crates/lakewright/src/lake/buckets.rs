//! The buckets of a connection. The operations are those of [`lakewright_s3::S3`].

use lakewright_core::{BucketName, Creation, Result};
use lakewright_s3::{Bucket, BucketInfo, CreateBucketOptions};

use crate::Lake;

impl Lake {
    /// Returns a handle on a bucket. No request is sent; the bucket need not exist.
    #[must_use]
    pub fn bucket(&self, name: BucketName) -> Bucket {
        self.s3.bucket(name)
    }

    /// Returns the buckets that these credentials may list, sorted by name.
    ///
    /// # Errors
    /// Those of [`S3::list_buckets`](lakewright_s3::S3::list_buckets).
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        self.s3.list_buckets().await
    }

    /// Creates a bucket in the profile's region.
    ///
    /// # Errors
    /// Those of [`S3::create_bucket`](lakewright_s3::S3::create_bucket).
    pub async fn create_bucket(
        &self,
        name: &BucketName,
        options: CreateBucketOptions,
    ) -> Result<Bucket> {
        self.s3.create_bucket(name, options).await
    }

    /// As [`Self::create_bucket`], and also returns whether this call created the bucket.
    ///
    /// # Errors
    /// Those of [`S3::create_bucket`](lakewright_s3::S3::create_bucket).
    pub async fn create_bucket_with_status(
        &self,
        name: &BucketName,
        options: CreateBucketOptions,
    ) -> Result<(Bucket, Creation)> {
        self.s3.create_bucket_with_status(name, options).await
    }

    /// Checks that a bucket exists and may be used.
    ///
    /// # Errors
    /// Those of [`S3::head_bucket`](lakewright_s3::S3::head_bucket).
    pub async fn head_bucket(&self, name: &BucketName) -> Result<BucketInfo> {
        self.s3.head_bucket(name).await
    }

    /// Deletes an empty bucket.
    ///
    /// # Errors
    /// Those of [`S3::delete_bucket`](lakewright_s3::S3::delete_bucket).
    pub async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        self.s3.delete_bucket(name).await
    }
}
