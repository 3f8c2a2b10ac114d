//! `create_bucket`

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use lakewright_core::{BucketName, Creation, ErrorKind, Result};
use lakewright_macros::Builder;

use super::Bucket;
use crate::S3;
use lakewright_client::profile::Profile;

/// The options of [`S3::create_bucket`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct CreateBucketOptions {
    /// Whether a bucket that the same account already has is a success.
    #[builder(default)]
    pub exist_ok: bool,
    /// Whether objects can be locked against deletion. S3 allows this at creation only, and also
    /// enables versioning then.
    #[builder(default)]
    pub object_lock: bool,
}

impl S3 {
    /// Creates a bucket in the region of the profile.
    ///
    /// # Errors
    /// `AlreadyExists` when the bucket exists and `exist_ok` is not set, or when another account
    /// has it; `Denied`; any connection or server error.
    pub async fn create_bucket(
        &self,
        name: &BucketName,
        options: CreateBucketOptions,
    ) -> Result<Bucket> {
        Ok(self.create_bucket_with_status(name, options).await?.0)
    }

    /// As [`Self::create_bucket`], and also returns whether this call created the bucket.
    ///
    /// # Errors
    /// Those of [`Self::create_bucket`].
    pub async fn create_bucket_with_status(
        &self,
        name: &BucketName,
        options: CreateBucketOptions,
    ) -> Result<(Bucket, Creation)> {
        let mut request = self.sdk.create_bucket().bucket(name.as_str());
        if options.object_lock {
            request = request.object_lock_enabled_for_bucket(true);
        }
        // Amazon refuses a constraint for the default region and requires one for every other
        // region; other servers have one region.
        let region = self.profile().region();
        let is_amazon = self.profile().endpoint().is_none();
        if is_amazon && region != Profile::DEFAULT_REGION {
            request = request.create_bucket_configuration(
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from(region))
                    .build(),
            );
        }
        match request.send().await {
            Ok(_) => {
                // Amazon returns 200 in its default region both for a new bucket and for one that the
                // account has already.
                let status = if is_amazon && region == Profile::DEFAULT_REGION {
                    Creation::CreatedOrExists
                } else {
                    Creation::Created
                };
                Ok((self.bucket(name.clone()), status))
            }
            Err(error) => {
                let error = self.classify(error, "create_bucket", name.as_str());
                let ours = error.service_code() == "BucketAlreadyOwnedByYou";
                if error.kind() == ErrorKind::AlreadyExists && ours && options.exist_ok {
                    return Ok((self.bucket(name.clone()), Creation::Exists));
                }
                Err(error)
            }
        }
    }
}
