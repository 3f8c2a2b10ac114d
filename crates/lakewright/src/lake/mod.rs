//! The connection, with the operations that create, find and delete buckets and tables.

mod bucket_setting;
mod buckets;
mod declared;
mod storage_options;
#[cfg(feature = "tables")]
mod tables;
mod wait;

use std::fmt;
use std::sync::Arc;

use lakewright_admin::Admin;
use lakewright_client::{Client, Guard, Profile};
use lakewright_core::Result;
use lakewright_declare::Provisioner;
#[cfg(feature = "tables")]
use lakewright_delta::Delta;
use lakewright_s3::S3;

/// A connection to one endpoint. Cheap to clone; clones share the client and its connections.
///
/// Connecting sends no request. A lake has the operations that create or delete buckets and tables;
/// the operations inside one are on its handle ([`Bucket`](crate::Bucket), `Table`).
#[derive(Clone)]
pub struct Lake {
    s3: S3,
    admin: Admin,
    #[cfg(feature = "tables")]
    delta: Delta,
    /// The name of the server in plans, for a server whose endpoint changes with each start.
    display_name: Option<Arc<str>>,
}

impl Lake {
    /// Creates a connection with a profile. No request is sent before the first operation.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile whose settings contradict each other.
    pub fn new(profile: Profile) -> Result<Self> {
        let client = Client::new(profile).map_err(|error| error.during("connect"))?;
        Ok(Self::with_client(&client, None))
    }

    fn with_client(client: &Client, display_name: Option<Arc<str>>) -> Self {
        let s3 = S3::new(client);
        Self {
            admin: Admin::new(client),
            #[cfg(feature = "tables")]
            delta: Delta::new(&s3),
            s3,
            display_name,
        }
    }

    /// Keeps `guard` alive for as long as any clone of the returned lake or any of its handles.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        let client = self.client().clone().with_guard(guard);
        Self::with_client(&client, self.display_name)
    }

    /// Returns the same connection without the guard, for a handle that must not keep it alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self {
            s3: self.s3.without_guard(),
            admin: self.admin.without_guard(),
            #[cfg(feature = "tables")]
            delta: self.delta.without_guard(),
            display_name: self.display_name.clone(),
        }
    }

    /// Sets the name of the server in plans, in place of its endpoint: an embedded server listens
    /// on another port after each start.
    #[must_use]
    pub fn with_display_name(self, name: &str) -> Self {
        Self { display_name: Some(name.into()), ..self }
    }

    /// Returns the profile that requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        self.s3.profile()
    }

    /// Returns MinIO's admin API on this connection. No request is sent.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.admin.clone()
    }

    fn client(&self) -> &Client {
        self.s3.client()
    }

    /// Returns the provisioner of declared state on this connection.
    fn provisioner(&self) -> Provisioner {
        let provisioner = Provisioner::new(&self.s3, &self.admin);
        match &self.display_name {
            Some(name) => provisioner.with_display_name(&**name),
            None => provisioner,
        }
    }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("profile", self.profile()).finish_non_exhaustive()
    }
}
