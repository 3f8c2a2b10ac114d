//! `set_group_status`

use http::Method;
use lakewright_core::Result;

use super::{AccountStatus, Admin};

impl Admin {
    /// Enables or disables a group. The policies of a disabled group do not apply to its members.
    ///
    /// # Errors
    /// `NotFound` if there is no such group, `Denied` without `admin:EnableGroup` or
    /// `admin:DisableGroup`, and any connection or server error.
    pub async fn set_group_status(&self, name: &str, status: AccountStatus) -> Result<()> {
        let call = self.call("set_group_status", name, Method::PUT, "set-group-status");
        call.query("group", name).query("status", status.as_str()).send().await?;
        Ok(())
    }
}
