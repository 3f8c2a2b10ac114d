//! `get_policy`, `set_policy`, `delete_policy`

use lakewright_core::bucket_config::check_policy;
use lakewright_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::code;
use crate::Bucket;
use lakewright_core::bucket_config::server_text::has_unknown_policy_element;

impl Bucket {
    /// Returns the bucket's policy document; `None` if there is none. It may be another document
    /// than the one that was set, with the same meaning.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, `Corrupt` when the policy is not JSON; any
    /// connection or server error.
    pub async fn get_policy(&self) -> Result<Option<Value>> {
        self.policy("get_policy").await
    }

    pub(super) async fn policy(&self, operation: &'static str) -> Result<Option<Value>> {
        let request = self.s3().sdk.get_bucket_policy().bucket(self.name.as_str()).send();
        let text = match request.await.map_err(|error| self.refusal(error, operation)) {
            Ok(answer) => answer.policy.unwrap_or_default(),
            Err(error) if code(&error) == "NoSuchBucketPolicy" => return Ok(None),
            Err(error) => return Err(error),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let corrupt = Error::new(ErrorKind::Corrupt, "the server's policy is no JSON");
            self.wrong(corrupt.caused_by(error), operation)
        })
    }

    /// Sets or replaces the bucket's policy.
    ///
    /// # Errors
    /// `InvalidInput` for a document that is no policy or has unknown elements, and for a policy
    /// that the server does not accept; `Unsupported` for elements that the server does not know;
    /// `TooLarge` above 20 KiB; `NotFound`, `Denied`; any connection or server error.
    pub async fn set_policy(&self, document: &Value) -> Result<()> {
        check_policy(document).map_err(|error| self.wrong(error, "set_policy"))?;
        self.put_policy(document, "set_policy").await
    }

    pub(super) async fn put_policy(&self, document: &Value, operation: &'static str) -> Result<()> {
        let request = self
            .s3()
            .sdk
            .put_bucket_policy()
            .bucket(self.name.as_str())
            .policy(document.to_string())
            .send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, operation);
            if has_unknown_policy_element(&error) {
                return error.with_kind(ErrorKind::Unsupported).with_message(
                    "the server does not know an element of the policy (NotAction?)",
                );
            }
            match code(&error) {
                "MalformedPolicy" => {
                    let message =
                        format!("the server does not accept the policy: {}", error.message());
                    error.with_message(message)
                }
                _ => error,
            }
        })
    }

    /// Removes the bucket's policy. A missing policy is no error.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; any connection or server error.
    pub async fn delete_policy(&self) -> Result<()> {
        self.remove_policy("delete_policy").await
    }

    pub(super) async fn remove_policy(&self, operation: &'static str) -> Result<()> {
        let request = self.s3().sdk.delete_bucket_policy().bucket(self.name.as_str()).send();
        request.await.map(drop).map_err(|error| self.refusal(error, operation))
    }
}
