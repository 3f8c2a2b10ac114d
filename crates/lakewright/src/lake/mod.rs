//! The connection, with the operations that create, find and delete buckets and tables.

mod bucket_setting;
mod buckets;
mod declared;
mod storage_options;
#[cfg(feature = "tables")]
mod tables;
mod wait;

use std::fmt;
#[cfg(feature = "embedded")]
use std::sync::Arc;

use lakewright_admin::Admin;
#[cfg(feature = "embedded")]
use lakewright_client::Dial;
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
}

impl Lake {
    /// Creates a connection with a profile. No request is sent before the first operation.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile whose settings contradict each other.
    pub fn new(profile: Profile) -> Result<Self> {
        let client = Client::new(profile).map_err(|error| error.during("connect"))?;
        Ok(Self::with_client(&client))
    }

    /// Creates a connection to the server that `dial` connects to.
    #[cfg(feature = "embedded")]
    pub(crate) fn dialed(profile: Profile, dial: Arc<dyn Dial>) -> Result<Self> {
        let client = Client::dialed(profile, dial).map_err(|error| error.during("connect"))?;
        Ok(Self::with_client(&client))
    }

    fn with_client(client: &Client) -> Self {
        let s3 = S3::new(client);
        Self {
            admin: Admin::new(client),
            #[cfg(feature = "tables")]
            delta: Delta::new(&s3),
            s3,
        }
    }

    /// Keeps `guard` alive for as long as any clone of the returned lake or any of its handles.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        let client = self.client().clone().with_guard(guard);
        Self::with_client(&client)
    }

    /// Returns the same connection without the guard, for a handle that must not keep it alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self {
            s3: self.s3.without_guard(),
            admin: self.admin.without_guard(),
            #[cfg(feature = "tables")]
            delta: self.delta.without_guard(),
        }
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
        Provisioner::new(&self.s3, &self.admin)
    }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("profile", self.profile()).finish_non_exhaustive()
    }
}
