//! `head`

use lakewright_core::{ErrorKind, ObjectKey, Result};

use super::types::{timestamp, unquoted};
use super::{Bucket, ObjectInfo};

impl Bucket {
    /// Describes an object without reading it.
    ///
    /// # Errors
    /// `NotFound` (HEAD does not tell a missing bucket from a missing object), `Denied`,
    /// whatever keeps the server from answering.
    pub async fn head(&self, key: &ObjectKey) -> Result<ObjectInfo> {
        let request =
            self.s3().sdk.head_object().bucket(self.name.as_str()).key(key.as_str()).send();
        let answer = request.await.map_err(|error| {
            let error = self.s3().classify(error, "head", self.path(key));
            let no_code = error.service().is_none_or(|said| said.code.is_none());
            match error.kind() {
                ErrorKind::NotFound if no_code => {
                    error.with_message("there is no such object or bucket")
                }
                _ => error,
            }
        })?;
        Ok(ObjectInfo {
            key: key.to_string(),
            size: answer.content_length().and_then(|size| size.try_into().ok()).unwrap_or(0),
            etag: unquoted(answer.e_tag()),
            last_modified: timestamp(answer.last_modified()),
            version_id: answer.version_id().map(String::from),
            content_type: answer.content_type().map(String::from),
            content_encoding: answer.content_encoding().map(String::from),
            cache_control: answer.cache_control().map(String::from),
            metadata: answer.metadata().cloned().unwrap_or_default().into_iter().collect(),
        })
    }
}
