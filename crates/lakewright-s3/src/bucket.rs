//! The handle on a bucket.

use std::fmt;

use lakewright_core::{BucketName, ObjectKey};

use crate::S3;

/// A handle on a bucket, with the verbs that act inside it. It holds no state of the bucket, and
/// creating it sends no request.
#[derive(Clone)]
pub struct Bucket {
    s3: S3,
    pub(crate) name: BucketName,
    /// Set when this process has just created or listed the bucket, so that no verb needs to check
    /// that it exists.
    pub(crate) assume_exists: bool,
}

impl Bucket {
    pub(crate) fn new(s3: S3, name: BucketName) -> Self {
        Self { s3, name, assume_exists: false }
    }

    /// Returns a handle whose verbs do not check that the bucket exists, for a caller that has just
    /// created or listed it.
    #[must_use]
    pub fn assume_exists(self) -> Self {
        Self { assume_exists: true, ..self }
    }

    /// Returns the name of the bucket.
    #[must_use]
    pub fn name(&self) -> &BucketName {
        &self.name
    }

    /// Returns the server of the bucket.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// Returns the name of an object in errors: `bucket/key`.
    pub(crate) fn path(&self, key: &ObjectKey) -> String {
        format!("{}/{key}", self.name)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}
