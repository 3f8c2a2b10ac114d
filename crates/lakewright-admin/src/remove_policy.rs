//! `remove_policy`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes a policy. MinIO reports success if there is none of this name.
    ///
    /// # Errors
    /// `Conflict` if it is attached to a user or a group, `Denied` without `admin:DeletePolicy`,
    /// and any connection or server error.
    pub async fn remove_policy(&self, name: &str) -> Result<()> {
        let call = self.call("remove_policy", name, Method::DELETE, "remove-canned-policy");
        call.query("name", name).removal().send().await?;
        Ok(())
    }
}
