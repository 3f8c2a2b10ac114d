//! `list_users`

use std::collections::BTreeMap;

use http::Method;
use lakewright_core::Result;

use super::types::UserBody;
use super::{Admin, User};

impl Admin {
    /// Returns every user with policies and groups, sorted by access key, in one request. Neither
    /// root nor service accounts are users.
    ///
    /// # Errors
    /// `Denied` without `admin:ListUsers`, and any connection or server error.
    pub async fn list_users(&self) -> Result<Vec<User>> {
        let at = self.client.profile().to_string();
        let response = self.call("list_users", at, Method::GET, "list-users").send().await?;
        let users: BTreeMap<String, UserBody> = response.secret_json().await?;
        Ok(users.into_iter().map(|(access_key, user)| user.into_user(access_key)).collect())
    }
}
