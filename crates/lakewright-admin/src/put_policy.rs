//! `put_policy`

use http::Method;
use lakewright_core::Result;
use serde_json::Value;

use super::Admin;

impl Admin {
    /// Makes a policy, or gives one that is there this document. It counts at once for whom it
    /// is attached to.
    ///
    /// # Errors
    /// `InvalidInput` for a name with a comma or space in it, or for a document that MinIO does
    /// not understand; `Denied` without `admin:CreatePolicy`; and whatever keeps the server from
    /// answering.
    pub async fn put_policy(&self, name: &str, document: &Value) -> Result<()> {
        let call = self.call("put_policy", name, Method::PUT, "add-canned-policy");
        call.query("name", name).plain(document)?.send().await?;
        Ok(())
    }
}
