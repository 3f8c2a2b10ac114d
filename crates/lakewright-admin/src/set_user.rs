//! `set_user`

use http::Method;
use lakewright_core::{Result, Secret};
use serde_json::json;

use super::Admin;
use super::types::status;

impl Admin {
    /// Makes a user, or gives one that is there this secret key and status. Policies and groups
    /// stay as they are. The secret key travels encrypted.
    ///
    /// # Errors
    /// `InvalidInput` for keys that MinIO does not take: access keys of 3 to 20 characters,
    /// secret keys of 8 to 40, and not those of root; `Denied` without `admin:CreateUser`; and
    /// whatever keeps the server from answering.
    pub async fn set_user(
        &self,
        access_key: &str,
        secret_key: &Secret,
        enabled: bool,
    ) -> Result<()> {
        let call = self.call("set_user", access_key, Method::PUT, "add-user");
        let body = json!({"secretKey": secret_key.expose(), "status": status(enabled)});
        call.query("accessKey", access_key).secret(&body)?.send().await?;
        Ok(())
    }
}
