//! MinIO's admin API: users, groups, policies, service accounts and quotas. One verb, one file.
//!
//! Requests go to `/minio/admin/v3/`, signed like any other; payloads with secrets in them are
//! encrypted besides (`payload.rs`). What MinIO does not say of itself was learnt by asking a
//! server, and is held to that by the end-to-end tests.

mod add_service_account;
mod attach_policy;
mod bucket_quota;
mod call;
mod classify;
mod export_bucket_metadata;
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
pub use types::{Group, Principal, ServiceAccountKeys, ServiceAccountName, User};
pub use update_service_account::{ServiceAccountUpdate, ServiceAccountUpdateBuilder};
pub use verify_secret::SecretCheck;

/// Policies that every MinIO has. They can be attached, and are not for anybody to change.
pub const BUILT_IN_POLICIES: [&str; 5] =
    ["consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"];

/// MinIO's admin API on one connection: a handle, made without a request. Clones share what is
/// known of the server.
///
/// Every verb fails with `Unsupported` on a server without MinIO's admin API, and with
/// `Unauthenticated` where requests are not signed. None changes anything on a server before it
/// has shown that it has the API: an S3 server would take such a request for a `PutObject`.
#[derive(Clone)]
pub struct Admin {
    client: Client,
    /// Whether the server has shown that it has the admin API.
    has_admin: Arc<AtomicBool>,
}

impl Admin {
    /// The admin API of the server that `client` connects to. Nothing is sent.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), has_admin: Arc::default() }
    }

    /// Whether the server has shown that it has the admin API, to any clone of this handle.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.has_admin.load(Ordering::Relaxed)
    }

    /// The client below it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The same connection without what the client keeps alive, for a handle that must not.
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
