//! `create_bucket`

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use lakewright_core::{BucketName, ErrorKind, Result};
use lakewright_macros::Builder;

use super::Bucket;
use crate::S3;
use lakewright_client::profile::Profile;

/// How [`S3::create_bucket`] makes a bucket.
#[derive(Clone, Debug, Default, Builder)]
pub struct CreateBucketOptions {
    /// A bucket that is ours already is as good as a new one.
    #[builder(default)]
    pub exist_ok: bool,
    /// Objects may be locked against deletion. S3 grants this at creation only, and with it
    /// switches versioning on.
    #[builder(default)]
    pub object_lock: bool,
}

impl S3 {
    /// Makes a bucket in the profile's region.
    ///
    /// # Errors
    /// `AlreadyExists` when it is there and `exist_ok` was not said, or when it belongs to
    /// somebody else; `Denied`; whatever keeps the server from answering.
    pub async fn create_bucket(
        &self,
        name: &BucketName,
        options: CreateBucketOptions,
    ) -> Result<Bucket> {
        let mut request = self.sdk.create_bucket().bucket(name.as_str());
        if options.object_lock {
            request = request.object_lock_enabled_for_bucket(true);
        }
        // Amazon refuses the default region as a constraint and wants every other one; other
        // servers have the region they have.
        let region = self.profile().region();
        if self.profile().endpoint().is_none() && region != Profile::DEFAULT_REGION {
            request = request.create_bucket_configuration(
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from(region))
                    .build(),
            );
        }
        match request.send().await {
            Ok(_) => Ok(self.bucket(name.clone())),
            Err(error) => {
                let error = self.classify(error, "create_bucket", name.as_str());
                let ours = error
                    .service()
                    .is_some_and(|said| said.code.as_deref() == Some("BucketAlreadyOwnedByYou"));
                if error.kind() == ErrorKind::AlreadyExists && ours && options.exist_ok {
                    return Ok(self.bucket(name.clone()));
                }
                Err(error)
            }
        }
    }
}
