//! `storage_options`

use std::collections::BTreeMap;

use lakewright_client::profile::UrlStyle;
use lakewright_core::Result;
#[cfg(feature = "embedded")]
use lakewright_core::{Error, ErrorKind};

use crate::Lake;

impl Lake {
    /// Returns the endpoint and the credentials under the option names of `object_store`, which
    /// polars, deltalake and others accept. The values contain the secret access key in clear text.
    ///
    /// An embedded server listens on a TCP port of loopback from then on. A client that uses these
    /// options after that server has ended may reach another program, which any user can start.
    ///
    /// # Errors
    /// `InvalidConfig` or `Unauthenticated` when the credentials cannot be obtained; `Unavailable` when
    /// an embedded server has ended.
    pub async fn storage_options(&self) -> Result<BTreeMap<&'static str, String>> {
        let profile = self.profile();
        let virtual_host = profile.url_style() == UrlStyle::VirtualHost;
        let mut options = BTreeMap::from([
            ("aws_region", profile.region().to_owned()),
            ("aws_virtual_hosted_style_request", virtual_host.to_string()),
            // Commits are conditional PUTs, which some libraries use only if this option is set.
            ("aws_conditional_put", "etag".into()),
        ]);
        let failed = |error: lakewright_core::Error| error.during("storage_options");
        if let Some(endpoint) = self.url().await.map_err(failed)? {
            options.insert("aws_allow_http", endpoint.starts_with("http:").to_string());
            options.insert("aws_endpoint_url", endpoint);
        }
        match self.client().keys().await.map_err(failed)? {
            None => {
                options.insert("aws_skip_signature", "true".into());
            }
            Some(keys) => {
                options.insert("aws_access_key_id", keys.access_key_id().to_owned());
                options.insert("aws_secret_access_key", keys.secret_access_key().to_owned());
                if let Some(token) = keys.session_token() {
                    options.insert("aws_session_token", token.to_owned());
                }
            }
        }
        Ok(options)
    }
    /// Returns the URL of the server; `None` for Amazon S3.
    async fn url(&self) -> Result<Option<String>> {
        #[cfg(feature = "embedded")]
        if let Some(directory) = self.profile().embedded_directory() {
            let directory = std::path::PathBuf::from(directory);
            let listening = tokio::task::spawn_blocking(|| lakewright_embedded::listen(directory));
            let attachment = listening.await.map_err(|error| {
                Error::new(ErrorKind::Internal, "the task ended unexpectedly").caused_by(error)
            })??;
            return Ok(Some(attachment.endpoint));
        }
        Ok(self.profile().endpoint().map(str::to_owned))
    }
}
