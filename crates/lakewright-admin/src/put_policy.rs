//! `put_policy`

use http::Method;
use lakewright_core::Result;
use serde_json::Value;

use super::Admin;

impl Admin {
    /// Creates a policy, or replaces the document of an existing one. The change takes effect at
    /// once for the users and groups to which the policy is attached.
    ///
    /// # Errors
    /// `InvalidInput` for a name with a comma or space in it, or for a document that MinIO rejects;
    /// `Denied` without `admin:CreatePolicy`; and any connection or server error.
    pub async fn put_policy(&self, name: &str, document: &Value) -> Result<()> {
        let call = self.call("put_policy", name, Method::PUT, "add-canned-policy");
        call.query("name", name).plain(document)?.send().await?;
        Ok(())
    }
}
