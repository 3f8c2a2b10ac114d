//! `require`

use std::sync::atomic::Ordering;

use http::Method;
use lakewright_core::{Error, Result};

use super::Admin;
use super::classify::{Mentions, classify, no_admin_api};
use lakewright_client::ErrorBody;

impl Admin {
    /// Requires that the server has MinIO's admin API. One request is sent for all clones of a
    /// handle. A denial in the format of the API also proves that the server has it, so these
    /// credentials may still have no permission for any operation.
    ///
    /// # Errors
    /// `Unsupported` if the server has no admin API, and any connection or server error, including
    /// wrong credentials.
    pub async fn require(&self) -> Result<()> {
        if self.has_admin.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.probe().await
    }

    /// Checks with a request that the server has the admin API, even if this is already known.
    ///
    /// # Errors
    /// Those of [`Admin::require`].
    pub async fn probe(&self) -> Result<()> {
        let named = |error: Error| error.during("admin").on(self.client.profile().to_string());
        let call = self.call("admin", "", Method::GET, "groups");
        let (response, _) = call.send_any_status().await.map_err(named)?;
        let denied = response.refused() && {
            let refusal = ErrorBody::of(&response);
            refusal.json && refusal.code == "AccessDenied"
        };
        if !denied {
            if response.status != 200 {
                return Err(named(classify(&response, &Mentions::default())));
            }
            // A server that returns anything but a list of names is not MinIO.
            if serde_json::from_slice::<Option<Vec<String>>>(&response.body).is_err() {
                let (kind, why) = no_admin_api();
                return Err(named(Error::new(kind, why)));
            }
        }
        self.has_admin.store(true, Ordering::Relaxed);
        Ok(())
    }
}
