//! `list_policies`

use std::collections::BTreeMap;

use http::Method;
use lakewright_core::Result;
use serde_json::Value;

use super::Admin;

impl Admin {
    /// Returns every policy with its document, by name, in one request. MinIO normalises documents:
    /// it returns lists, in no particular order, even where a single string was given.
    ///
    /// # Errors
    /// `Denied` without `admin:ListUserPolicies`, and any connection or server error.
    pub async fn list_policies(&self) -> Result<BTreeMap<String, Value>> {
        let at = self.client.profile().to_string();
        let call = self.call("list_policies", at, Method::GET, "list-canned-policies");
        call.send().await?.json()
    }
}
