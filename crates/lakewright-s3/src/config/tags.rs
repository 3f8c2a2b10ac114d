//! `get_tags`, `set_tags`, `delete_tags`

use std::collections::BTreeMap;

use aws_sdk_s3::types::{Tag, Tagging};
use lakewright_core::Result;
use lakewright_core::bucket_config::check_tags;

use super::{code, incomplete};
use crate::Bucket;

impl Bucket {
    /// Returns the bucket's tags.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, and failures of the request.
    pub async fn get_tags(&self) -> Result<BTreeMap<String, String>> {
        let request = self.s3().sdk.get_bucket_tagging().bucket(self.name.as_str()).send();
        match request.await.map_err(|error| self.refusal(error, "get_tags")) {
            Ok(answer) => Ok(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()),
            Err(error) if code(&error) == "NoSuchTagSet" => {
                self.must_exist("get_tags").await?;
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces the bucket's tags; an empty map removes all.
    ///
    /// # Errors
    /// `InvalidInput`, with its path, for more than 50 tags, keys above 128 and values above 256
    /// characters, and for characters that S3 or the server does not allow; `NotFound`, `Denied`,
    /// and failures of the request.
    pub async fn set_tags(&self, tags: &BTreeMap<String, String>) -> Result<()> {
        if tags.is_empty() {
            return self.remove_tags("set_tags").await;
        }
        check_tags(tags).map_err(|error| self.wrong(error, "set_tags"))?;
        let tag_set = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>();
        let tagging = tag_set
            .and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build())
            .map_err(|error| self.wrong(incomplete(error), "set_tags"))?;
        let request =
            self.s3().sdk.put_bucket_tagging().bucket(self.name.as_str()).tagging(tagging).send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, "set_tags");
            // MinIO returns `MalformedXML` for a tag that it refuses.
            match code(&error) {
                "MalformedXML" | "InvalidTag" => {
                    let message = format!(
                        "the server does not accept the tags: {}; letters of ASCII, digits, \
                         spaces and + - = . _ : / @ are safe",
                        error.message()
                    );
                    error.with_message(message)
                }
                _ => error,
            }
        })
    }

    /// Removes the bucket's tags.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, and failures of the request.
    pub async fn delete_tags(&self) -> Result<()> {
        self.remove_tags("delete_tags").await
    }

    async fn remove_tags(&self, operation: &'static str) -> Result<()> {
        self.must_exist(operation).await?;
        let request = self.s3().sdk.delete_bucket_tagging().bucket(self.name.as_str()).send();
        request.await.map(drop).map_err(|error| self.refusal(error, operation))
    }
}
