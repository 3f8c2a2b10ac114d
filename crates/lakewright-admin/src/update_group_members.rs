//! `add_group_members`, `remove_group_members`

use http::Method;
use lakewright_core::{Error, Result};
use serde_json::json;

use super::Admin;

impl Admin {
    /// Adds users to a group, which is made where it is not there: with no members, an empty
    /// group. A new group is enabled, whatever MinIO is told; one that is there stays as it is.
    ///
    /// # Errors
    /// `NotFound` where a user does not exist (nobody is added then), `Denied` without
    /// `admin:AddUserToGroup`, and whatever keeps the server from answering.
    pub async fn add_group_members(&self, group: &str, members: &[&str]) -> Result<()> {
        self.update_group_members("add_group_members", group, members, false).await
    }

    /// Takes users out of a group. Who is not in it is none the less.
    ///
    /// # Errors
    /// `NotFound` where the group or a user does not exist, `Denied` without
    /// `admin:RemoveUserFromGroup`, and whatever keeps the server from answering.
    pub async fn remove_group_members(&self, group: &str, members: &[&str]) -> Result<()> {
        let operation = "remove_group_members";
        if members.is_empty() {
            // MinIO would remove the group.
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
        let call = call.plain(&body)?;
        let call = if remove && members.is_empty() { call.removal() } else { call };
        call.send().await?;
        Ok(())
    }
}
