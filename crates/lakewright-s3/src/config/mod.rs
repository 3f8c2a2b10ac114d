//! The verbs of the settings of a bucket. Their values, and the XML of these, are in
//! `lakewright_core::bucket_config`; `setting.rs` sends them.

mod anonymous_access;
mod encryption;
mod lifecycle;
mod notifications;
mod object_lock;
mod policy;
mod setting;
mod tags;
mod versioning;

use lakewright_core::{Error, ErrorKind, Result};

use super::Bucket;

impl Bucket {
    /// Returns `NotFound` if the bucket is missing. MinIO reports "nothing configured", or even
    /// success, to some of these verbs on a bucket that does not exist.
    async fn must_exist(&self, operation: &'static str) -> Result<()> {
        if self.assume_exists {
            return Ok(());
        }
        match self.s3().head_bucket(&self.name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error.during(operation)),
            // Credentials without access to the bucket may have access to the setting.
            _ => Ok(()),
        }
    }

    /// Returns the error of a wrong argument of `operation`.
    fn wrong(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation).on(self.name.as_str())
    }
}
