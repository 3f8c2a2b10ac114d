//! `get_policy`, `set_policy`, `delete_policy`

use lakewright_core::Result;
use serde_json::Value;

use crate::Bucket;

impl Bucket {
    /// Returns the bucket's policy document; `None` if there is none. It may be another document
    /// than the one that was set, with the same meaning.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, `Corrupt` when the policy is not JSON; any
    /// connection or server error.
    pub async fn get_policy(&self) -> Result<Option<Value>> {
        self.get_setting().await
    }

    /// Sets or replaces the bucket's policy.
    ///
    /// # Errors
    /// `InvalidInput` for a document that is no policy or has unknown elements, and for a policy
    /// that the server does not accept; `Unsupported` for elements that the server does not know;
    /// `TooLarge` above 20 KiB; `NotFound`, `Denied`; any connection or server error.
    pub async fn set_policy(&self, document: &Value) -> Result<()> {
        self.set_setting(&Some(document.clone())).await
    }

    /// Removes the bucket's policy. A missing policy is no error.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; any connection or server error.
    pub async fn delete_policy(&self) -> Result<()> {
        self.change_setting(&None::<Value>, "delete_policy").await
    }
}
