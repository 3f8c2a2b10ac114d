//! `set_user`

use http::Method;
use lakewright_core::{Result, Secret};
use serde_json::json;

use super::{AccountStatus, Admin};

impl Admin {
    /// Creates a user, or sets the secret key and the status of an existing one. Policies and
    /// groups stay as they are. The secret key is encrypted in the request.
    ///
    /// # Errors
    /// `InvalidInput` for credentials that MinIO does not accept: an access key must have 3 to 20
    /// characters, a secret key 8 to 40, and the access key must not be that of root; `Denied`
    /// without `admin:CreateUser`; and any connection or server error.
    pub async fn set_user(
        &self,
        access_key: &str,
        secret_key: &Secret,
        status: AccountStatus,
    ) -> Result<()> {
        let call = self.call("set_user", access_key, Method::PUT, "add-user");
        let body = json!({"secretKey": secret_key.expose(), "status": status.as_str()});
        call.query("accessKey", access_key).secret(&body)?.send().await?;
        Ok(())
    }
}
