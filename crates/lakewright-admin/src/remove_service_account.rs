//! `remove_service_account`

use http::Method;
use lakewright_core::Result;

use super::Admin;

impl Admin {
    /// Removes a service account.
    ///
    /// # Errors
    /// `NotFound` where there is none with this key, `Denied` without
    /// `admin:RemoveServiceAccount` for another's, and whatever keeps the server from answering.
    pub async fn remove_service_account(&self, access_key: &str) -> Result<()> {
        let operation = "remove_service_account";
        let call = self.call(operation, access_key, Method::DELETE, "delete-service-account");
        call.query("accessKey", access_key).removal().send().await?;
        Ok(())
    }
}
