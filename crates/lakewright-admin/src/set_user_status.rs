//! `set_user_status`

use http::Method;
use lakewright_core::Result;

use super::{AccountStatus, Admin};

impl Admin {
    /// Enables or disables a user. The user's service accounts continue to work in both cases.
    ///
    /// # Errors
    /// `NotFound` if there is no such user, `Denied` without `admin:EnableUser` or
    /// `admin:DisableUser`, and any connection or server error.
    pub async fn set_user_status(&self, access_key: &str, status: AccountStatus) -> Result<()> {
        let call = self.call("set_user_status", access_key, Method::PUT, "set-user-status");
        call.query("accessKey", access_key).query("status", status.as_str()).send().await?;
        Ok(())
    }
}
