//! `remove_user`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes a user, out of her groups too, with her service accounts.
    ///
    /// # Errors
    /// `NotFound` where there is no such user, `Denied` without `admin:DeleteUser`, and whatever
    /// keeps the server from answering.
    pub async fn remove_user(&self, access_key: &str) -> Result<()> {
        let call = self.call("remove_user", access_key, Method::DELETE, "remove-user");
        call.query("accessKey", access_key).removal().send().await?;
        Ok(())
    }
}
