//! `list_groups`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// The names of all groups.
    ///
    /// # Errors
    /// `Denied` without `admin:ListGroups`, and whatever keeps the server from answering.
    pub async fn list_groups(&self) -> Result<Vec<String>> {
        let at = self.client.profile().to_string();
        let answer = self.call("list_groups", at, Method::GET, "groups").send().await?;
        let mut groups: Vec<String> = answer.json::<Option<_>>()?.unwrap_or_default();
        groups.sort_unstable();
        Ok(groups)
    }
}
