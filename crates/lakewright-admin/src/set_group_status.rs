//! `set_group_status`

use http::Method;
use lakewright_core::Result;

use super::Admin;
use super::types::status;

impl Admin {
    /// Lets a group's policies count for its members, or not.
    ///
    /// # Errors
    /// `NotFound` where there is no such group, `Denied` without `admin:EnableGroup` or
    /// `admin:DisableGroup`, and whatever keeps the server from answering.
    pub async fn set_group_status(&self, name: &str, enabled: bool) -> Result<()> {
        let call = self.call("set_group_status", name, Method::PUT, "set-group-status");
        call.query("group", name).query("status", status(enabled)).send().await?;
        Ok(())
    }
}
