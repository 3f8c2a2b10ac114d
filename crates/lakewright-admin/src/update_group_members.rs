//! `add_group_members`, `remove_group_members`

use http::Method;
use lakewright_core::{Error, Result};
use serde_json::json;

use super::Admin;

impl Admin {
    /// Adds users to a group and creates the group if it does not exist, even with no members.
    /// MinIO enables a new group regardless of the requested status; the status of an existing
    /// group is not changed.
    ///
    /// # Errors
    /// `NotFound` if a user does not exist (no user is added then), `Denied` without
    /// `admin:AddUserToGroup`, and any connection or server error.
    pub async fn add_group_members(&self, group: &str, members: &[&str]) -> Result<()> {
        self.update_group_members("add_group_members", group, members, false).await
    }

    /// Removes users from a group. A user that is not a member causes no error.
    ///
    /// # Errors
    /// `NotFound` if the group or a user does not exist, `Denied` without
    /// `admin:RemoveUserFromGroup`, and any connection or server error.
    pub async fn remove_group_members(&self, group: &str, members: &[&str]) -> Result<()> {
        let operation = "remove_group_members";
        if members.is_empty() {
            // MinIO would remove the group itself.
            let why = "no members are named";
            return Err(Error::invalid_input(why).during(operation).on(group));
        }
        self.update_group_members(operation, group, members, true).await
    }

    pub(super) async fn update_group_members(
        &self,
        operation: &'static str,
        group: &str,
        members: &[&str],
        remove: bool,
    ) -> Result<()> {
        let call = self.call(operation, group, Method::PUT, "update-group-members");
        let body = json!({"group": group, "members": members, "isRemove": remove});
        let call = call.plain(&body)?.mention_users(members);
        let call = if remove && members.is_empty() { call.removal() } else { call };
        call.send().await?;
        Ok(())
    }
}
