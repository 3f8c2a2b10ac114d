//! `remove_policy`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes a policy. MinIO calls it a success where there is none of this name.
    ///
    /// # Errors
    /// `Conflict` while it is attached to anybody, `Denied` without `admin:DeletePolicy`, and
    /// whatever keeps the server from answering.
    pub async fn remove_policy(&self, name: &str) -> Result<()> {
        let call = self.call("remove_policy", name, Method::DELETE, "remove-canned-policy");
        call.query("name", name).removal().send().await?;
        Ok(())
    }
}
