//! The connection: what makes, finds and ends containers.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lakewright_core::{BucketName, Result};

use crate::bucket::{Bucket, S3};
use crate::profile::{Addressing, Profile};
use crate::wire::Wire;

/// A connection to one endpoint. Cheap to clone; clones share the client and its connections.
///
/// Making one sends nothing. What makes or ends a container is a verb of the lake, what happens
/// inside it a verb of the handle ([`Bucket`], `Table`).
#[derive(Clone)]
pub struct Lake {
    pub(crate) s3: S3,
    pub(crate) wire: Wire,
    /// Whether the server has shown that it has MinIO's admin API.
    pub(crate) has_admin: Arc<AtomicBool>,
    /// What plans call the server, where its endpoint is another one each time.
    pub(crate) called: Option<Arc<str>>,
    /// What must live as long as the connection: the embedded server behind it.
    behind: Option<Arc<dyn Any + Send + Sync>>,
}

impl Lake {
    /// Connects with a profile. Nothing is sent until the first verb.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile that does not hold together.
    pub fn new(profile: Profile) -> Result<Self> {
        let wire = Wire::new(Arc::new(profile)).map_err(|error| error.during("connect"))?;
        let has_admin = Arc::default();
        Ok(Self { s3: S3::new(&wire), wire, has_admin, called: None, behind: None })
    }

    /// Keeps `guard` alive as long as any clone of this lake.
    #[must_use]
    pub fn keeping(mut self, guard: Arc<dyn Any + Send + Sync>) -> Self {
        self.behind = Some(guard);
        self
    }

    /// Calls the server `name` in plans instead of by its endpoint: an embedded server has
    /// another port each time, and is the same one none the less.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.called = Some(name.into());
        self
    }

    /// What a plan calls the server that it is for.
    pub(crate) fn name(&self) -> String {
        self.called.as_deref().map_or_else(|| self.profile().to_string(), String::from)
    }

    /// The same connection without what it keeps alive, for a handle that must not.
    #[must_use]
    pub fn loose(&self) -> Self {
        Self { behind: None, ..self.clone() }
    }

    /// What requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.s3.profile
    }

    /// The same endpoint and keys in the words of `object_store`, which polars, deltalake and
    /// others understand. The values are secrets: this is the one place that shows them.
    ///
    /// # Errors
    /// `InvalidConfig` or `Unauthenticated` where the keys cannot be had.
    pub async fn storage_options(&self) -> Result<BTreeMap<&'static str, String>> {
        let profile = self.profile();
        let virtual_host = profile.addressing() == Addressing::VirtualHost;
        let mut options = BTreeMap::from([
            ("aws_region", profile.region().to_owned()),
            ("aws_virtual_hosted_style_request", virtual_host.to_string()),
            // Commits are conditional PUTs; some libraries have to be told that they may.
            ("aws_conditional_put", "etag".into()),
        ]);
        if let Some(endpoint) = profile.endpoint() {
            options.insert("aws_endpoint_url", endpoint.to_owned());
            options.insert("aws_allow_http", endpoint.starts_with("http:").to_string());
        }
        let failed = |error: lakewright_core::Error| error.during("storage_options");
        match self.wire.keys().await.map_err(failed)? {
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

    /// A handle on a bucket. Nothing is sent; the bucket need not exist.
    #[must_use]
    pub fn bucket(&self, name: BucketName) -> Bucket {
        Bucket::new(self.clone(), name)
    }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("profile", &self.s3.profile).finish_non_exhaustive()
    }
}
