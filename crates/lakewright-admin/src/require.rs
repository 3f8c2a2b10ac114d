//! `require`

use std::sync::atomic::Ordering;

use http::Method;
use lakewright_core::{Error, Result};

use super::Admin;
use super::classify::{classify, no_admin};
use lakewright_client::ErrorBody;

impl Admin {
    /// Whether the server has MinIO's admin API. Asked once for all clones of a connection; a
    /// server that refuses in the API's own words has it, so these credentials may still be
    /// allowed nothing of it.
    ///
    /// # Errors
    /// `Unsupported` where the server has none, and whatever keeps it from answering, wrong
    /// keys included.
    pub async fn require(&self) -> Result<()> {
        if self.has_admin.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.probe().await
    }

    /// Asks the server even where the result is known already.
    ///
    /// # Errors
    /// Those of [`Admin::require`].
    pub async fn probe(&self) -> Result<()> {
        let named = |error: Error| error.during("admin").on(self.client.profile().to_string());
        let call = self.call("admin", "", Method::GET, "groups");
        let (response, _) = call.sent().await.map_err(named)?;
        let denied = response.refused() && {
            let refusal = ErrorBody::of(&response);
            refusal.json && refusal.code == "AccessDenied"
        };
        if !denied {
            if response.status != 200 {
                return Err(named(classify(&response)));
            }
            // Whoever answers with anything but a list of names is another kind of server.
            if serde_json::from_slice::<Option<Vec<String>>>(&response.body).is_err() {
                let (kind, why) = no_admin();
                return Err(named(Error::new(kind, why.unwrap_or_default())));
            }
        }
        self.has_admin.store(true, Ordering::Relaxed);
        Ok(())
    }
}
