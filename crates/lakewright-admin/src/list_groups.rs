//! `list_groups`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Returns the names of all groups, sorted.
    ///
    /// # Errors
    /// `Denied` without `admin:ListGroups`, and any connection or server error.
    pub async fn list_groups(&self) -> Result<Vec<String>> {
        let at = self.client.profile().to_string();
        let response = self.call("list_groups", at, Method::GET, "groups").send().await?;
        let mut groups: Vec<String> = response.json::<Option<_>>()?.unwrap_or_default();
        groups.sort_unstable();
        Ok(groups)
    }
}
