//! `list_policies`

use std::collections::BTreeMap;

use http::Method;
use lakewright_core::Result;
use serde_json::Value;

use super::Admin;

impl Admin {
    /// Every policy with its document, by name: one request. MinIO tells a document in its own
    /// words: lists in no particular order, even where it was given one string.
    ///
    /// # Errors
    /// `Denied` without `admin:ListUserPolicies`, and whatever keeps the server from answering.
    pub async fn list_policies(&self) -> Result<BTreeMap<String, Value>> {
        let at = self.client.profile().to_string();
        let call = self.call("list_policies", at, Method::GET, "list-canned-policies");
        call.send().await?.json()
    }
}
