//! `remove_service_account`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes a service account.
    ///
    /// # Errors
    /// `NotFound` if there is none with this access key, `Denied` without
    /// `admin:RemoveServiceAccount` for an account of another user, and any connection or server
    /// error.
    pub async fn remove_service_account(&self, access_key: &str) -> Result<()> {
        let operation = "remove_service_account";
        let call = self.call(operation, access_key, Method::DELETE, "delete-service-account");
        call.query("accessKey", access_key).removal().send().await?;
        Ok(())
    }
}
