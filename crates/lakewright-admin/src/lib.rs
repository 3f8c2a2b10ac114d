//! MinIO's admin API: users, groups, policies, service accounts and quotas. Each operation has its
//! own file.
//!
//! Requests go to `/minio/admin/v3/` and are signed like S3 requests; payloads that contain secrets
//! are also encrypted (`payload.rs`). Behaviour that MinIO does not document was determined by
//! experiments with a server, and the end-to-end tests check it.

mod add_service_account;
mod attach_policy;
mod bucket_quota;
mod call;
mod classify;
mod export_bucket_metadata;
#[doc(hidden)]
pub mod fuzz;
mod group_info;
mod list_groups;
mod list_policies;
mod list_service_accounts;
mod list_users;
mod payload;
mod policy_entities;
mod put_policy;
mod remove_group;
mod remove_policy;
mod remove_service_account;
mod remove_user;
mod require;
mod server_info;
mod service_account_info;
mod set_group_status;
mod set_policies;
mod set_user;
mod set_user_status;
mod types;
mod update_group_members;
mod update_service_account;
mod user_info;
mod verify_secret;

use std::fmt;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lakewright_client::Client;

pub use add_service_account::{NewServiceAccount, NewServiceAccountBuilder};
pub use export_bucket_metadata::BucketMetadata;
pub use policy_entities::PolicyEntities;
pub use server_info::{ServerInfo, ServerNode};
pub use service_account_info::ServiceAccount;
pub use types::{
    AccountStatus, Group, Principal, ServiceAccountCredentials, ServiceAccountName, User,
};
pub use update_service_account::{ServiceAccountUpdate, ServiceAccountUpdateBuilder};
pub use verify_secret::SecretCheck;

/// The policies that exist on every MinIO server. They can be attached but must not be changed.
pub const BUILT_IN_POLICIES: [&str; 5] =
    ["consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"];

/// MinIO's admin API on one connection. Creating the handle sends no request. Clones share the
/// knowledge whether the server has the API.
///
/// Every operation fails with `Unsupported` on a server without MinIO's admin API, and with
/// `Unauthenticated` if requests are not signed. No operation sends a change to a server before the
/// server has shown that it has the API, because an S3 server would treat such a request as a
/// `PutObject`.
#[derive(Clone)]
pub struct Admin {
    client: Client,
    /// Whether the server has shown that it has the admin API.
    has_admin: Arc<AtomicBool>,
}

impl Admin {
    /// Creates a handle on the admin API of the server that `client` connects to. Nothing is sent.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), has_admin: Arc::default() }
    }

    /// Returns whether the server has shown, to any clone of this handle, that it has the admin
    /// API.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.has_admin.load(Ordering::Relaxed)
    }

    /// Returns the client that sends the requests.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns a handle on the same connection without the guard of its client, for use where the
    /// handle must not keep the guarded value alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self { client: self.client.without_guard(), ..self.clone() }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("profile", self.client.profile()).finish_non_exhaustive()
    }
}
