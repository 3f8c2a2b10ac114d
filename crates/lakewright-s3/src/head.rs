//! `head`

use lakewright_core::{ErrorKind, ObjectKey, Result};

use super::types::{timestamp, unquoted};
use super::{Bucket, ObjectInfo};

impl Bucket {
    /// Returns the description of an object without reading it.
    ///
    /// # Errors
    /// `NotFound` (the response to HEAD is the same for a missing bucket and a missing object),
    /// `Denied`, any connection or server error.
    pub async fn head(&self, key: &ObjectKey) -> Result<ObjectInfo> {
        let request =
            self.s3().sdk.head_object().bucket(self.name.as_str()).key(key.as_str()).send();
        let response = request.await.map_err(|error| {
            let error = self.s3().classify(error, "head", self.path(key));
            let no_code = error.service().is_none_or(|service| service.code.is_none());
            match error.kind() {
                ErrorKind::NotFound if no_code => {
                    error.with_message("there is no such object or bucket")
                }
                _ => error,
            }
        })?;
        Ok(ObjectInfo {
            key: key.to_string(),
            size: response.content_length().and_then(|size| size.try_into().ok()).unwrap_or(0),
            etag: unquoted(response.e_tag()),
            last_modified: timestamp(response.last_modified()),
            version_id: response.version_id().map(String::from),
            content_type: response.content_type().map(String::from),
            content_encoding: response.content_encoding().map(String::from),
            cache_control: response.cache_control().map(String::from),
            metadata: response.metadata().cloned().unwrap_or_default().into_iter().collect(),
        })
    }
}
