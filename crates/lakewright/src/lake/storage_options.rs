//! `storage_options`

use std::collections::BTreeMap;

use lakewright_client::profile::UrlStyle;
use lakewright_core::Result;

use crate::Lake;

impl Lake {
    /// Returns the endpoint and the credentials under the option names of `object_store`, which
    /// polars, deltalake and others accept. The values contain the secret access key in clear text.
    ///
    /// # Errors
    /// `InvalidConfig` or `Unauthenticated` when the credentials cannot be obtained.
    pub async fn storage_options(&self) -> Result<BTreeMap<&'static str, String>> {
        let profile = self.profile();
        let virtual_host = profile.url_style() == UrlStyle::VirtualHost;
        let mut options = BTreeMap::from([
            ("aws_region", profile.region().to_owned()),
            ("aws_virtual_hosted_style_request", virtual_host.to_string()),
            // Commits are conditional PUTs, which some libraries use only if this option is set.
            ("aws_conditional_put", "etag".into()),
        ]);
        if let Some(endpoint) = profile.endpoint() {
            options.insert("aws_endpoint_url", endpoint.to_owned());
            options.insert("aws_allow_http", endpoint.starts_with("http:").to_string());
        }
        let failed = |error: lakewright_core::Error| error.during("storage_options");
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
}
