//! `user_info`

use http::Method;
use lakewright_core::Result;

use super::types::UserBody;
use super::{Admin, User};

impl Admin {
    /// Returns one user.
    ///
    /// # Errors
    /// `NotFound` if there is none of this name, `Denied` without `admin:GetUser`, and any
    /// connection or server error.
    pub async fn user_info(&self, access_key: &str) -> Result<User> {
        let call = self.call("user_info", access_key, Method::GET, "user-info");
        let response = call.query("accessKey", access_key).send().await?;
        Ok(response.json::<UserBody>()?.into_user(access_key.to_owned()))
    }
}
