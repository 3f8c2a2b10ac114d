//! `copy`

use lakewright_core::{Error, ErrorKind, ObjectKey, Result};
use lakewright_macros::Builder;
use percent_encoding::utf8_percent_encode;

use super::types::IN_PATH;
use super::{Bucket, GetOptions, ObjectInfo, PutOptions};

/// The options of [`Bucket::copy`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Writes the copy only if there is no object with its key.
    #[builder(default)]
    pub if_absent: bool,
}

impl Bucket {
    /// Copies an object with its metadata to a key of this or another bucket on the same server.
    /// The server copies up to 5 GiB, and this process does not receive the bytes.
    ///
    /// With `if_absent`, this process reads the object and writes it on the condition that the
    /// target does not exist: MinIO does not check the target of a copy (its CopyObjectHandler
    /// checks conditions on the source only).
    ///
    /// # Errors
    /// `NotFound` for the object or the target bucket, `AlreadyExists` when the target exists and
    /// `if_absent` is set, `InvalidInput` for a copy onto itself or of more than 5 GiB.
    pub async fn copy(
        &self,
        key: &ObjectKey,
        target: &Bucket,
        target_key: &ObjectKey,
        options: CopyOptions,
    ) -> Result<ObjectInfo> {
        if options.if_absent {
            return self.copy_if_absent(key, target, target_key).await;
        }
        let source = utf8_percent_encode(key.as_str(), IN_PATH);
        let request = self
            .s3()
            .sdk
            .copy_object()
            .copy_source(format!("{}/{source}", self.name))
            .bucket(target.name.as_str())
            .key(target_key.as_str())
            .send();
        request.await.map_err(|error| self.s3().classify(error, "copy", self.path(key)))?;
        // The response to a copy contains neither size nor metadata.
        target.head(target_key).await.map_err(|error| error.during("copy"))
    }

    async fn copy_if_absent(
        &self,
        key: &ObjectKey,
        target: &Bucket,
        target_key: &ObjectKey,
    ) -> Result<ObjectInfo> {
        let failed = |error: Error| match error.kind() {
            ErrorKind::AlreadyExists => error.during("copy").on(target.path(target_key)),
            _ => error.during("copy"),
        };
        let object = self.open(key, GetOptions::default(), "copy").await?;
        let options = PutOptions::builder()
            .maybe_content_type(object.info.content_type)
            .maybe_content_encoding(object.info.content_encoding)
            .maybe_cache_control(object.info.cache_control)
            .metadata(object.info.metadata)
            .if_absent(true)
            .build();
        target.put_stream(target_key, object.body.into_stream(), options).await.map_err(failed)?;
        target.head(target_key).await.map_err(failed)
    }
}
