//! `copy`

use lakewright_core::{ErrorKind, ObjectKey, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::retry::once;
use super::types::{timestamp, unquoted};
use super::{Bucket, ObjectInfo};

/// What need not be encoded in `x-amz-copy-source`.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl Bucket {
    /// Copies an object, metadata included, to a key of this or another bucket on the same
    /// server. The bytes do not travel through this process. S3 copies up to 5 GiB.
    ///
    /// # Errors
    /// `NotFound` for the object or the target bucket, `AlreadyExists` when `if_absent` was said
    /// and the target is there, `InvalidInput` for a copy onto itself, `TooLarge`.
    pub async fn copy(
        &self,
        key: &ObjectKey,
        target: &Bucket,
        target_key: &ObjectKey,
        if_absent: bool,
    ) -> Result<ObjectInfo> {
        let source = utf8_percent_encode(key.as_str(), PLAIN);
        let request = self
            .s3()
            .sdk
            .copy_object()
            .copy_source(format!("{}/{source}", self.name))
            .bucket(target.name.as_str())
            .key(target_key.as_str())
            .set_if_none_match(if_absent.then(|| "*".into()))
            .customize();
        let request = if if_absent { request.config_override(once()) } else { request };
        let answer = request.send().await.map_err(|error| {
            let error = self.s3().classify(error, "copy", self.path(key));
            match error.kind() {
                ErrorKind::PreconditionFailed if if_absent => error
                    .of_kind(ErrorKind::AlreadyExists)
                    .saying(format!("{} exists already", target.path(target_key))),
                _ => error,
            }
        })?;
        let result = answer.copy_object_result();
        Ok(ObjectInfo {
            key: target_key.to_string(),
            etag: unquoted(result.and_then(|result| result.e_tag())),
            last_modified: timestamp(result.and_then(|result| result.last_modified())),
            version_id: answer.version_id().map(String::from),
            ..ObjectInfo::default()
        })
    }
}
