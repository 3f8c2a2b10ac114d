//! The connection: what creates, finds and deletes containers.

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
/// Connecting sends nothing. Verbs that create or delete a container are the lake's, verbs that act
/// inside one are the handle's ([`Bucket`](crate::Bucket), `Table`).
#[derive(Clone)]
pub struct Lake {
    s3: S3,
    admin: Admin,
    #[cfg(feature = "tables")]
    delta: Delta,
    /// The server's name in plans, where its endpoint differs from one time to the next.
    display_name: Option<Arc<str>>,
}

impl Lake {
    /// Connects with a profile. Nothing is sent until the first verb.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile that does not hold together.
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

    /// The same connection without the guard, for a handle that must not keep it alive.
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

    /// Names the server `name` in plans instead of by its endpoint: an embedded server listens on
    /// another port each time and is the same server nevertheless.
    #[must_use]
    pub fn with_display_name(self, name: &str) -> Self {
        Self { display_name: Some(name.into()), ..self }
    }

    /// The profile that requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        self.s3.profile()
    }

    /// MinIO's admin API on this connection. Nothing is sent.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.admin.clone()
    }

    fn client(&self) -> &Client {
        self.s3.client()
    }

    /// Makes what is declared true, over this connection.
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
