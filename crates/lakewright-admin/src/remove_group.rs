//! `remove_group`

use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes an empty group.
    ///
    /// # Errors
    /// `Conflict` if it has members, `NotFound` if there is none of this name, `Denied` without
    /// `admin:RemoveUserFromGroup`, and any connection or server error.
    pub async fn remove_group(&self, name: &str) -> Result<()> {
        self.update_group_members("remove_group", name, &[], true).await
    }
}
