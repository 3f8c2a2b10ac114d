//! `remove_user`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes a user, including its memberships in groups and its service accounts.
    ///
    /// # Errors
    /// `NotFound` if there is no such user, `Denied` without `admin:DeleteUser`, and any connection
    /// or server error.
    pub async fn remove_user(&self, access_key: &str) -> Result<()> {
        let call = self.call("remove_user", access_key, Method::DELETE, "remove-user");
        call.query("accessKey", access_key).removal().send().await?;
        Ok(())
    }
}
