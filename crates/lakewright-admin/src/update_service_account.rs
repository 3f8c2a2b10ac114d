//! `update_service_account`

use http::Method;
use jiff::Timestamp;
use lakewright_core::{Result, Secret};
use lakewright_macros::Builder;
use serde::Serialize;
use serde_json::Value;

use super::Admin;
use super::types::on_off;

/// The changes to a service account. The policy is always sent, because MinIO removes the policy of
/// an account whose update contains none, and the account then has all permissions of its owner.
#[derive(Clone, Debug, Default, PartialEq, Builder)]
#[non_exhaustive]
pub struct ServiceAccountUpdate {
    /// The new policy, which restricts the account within the permissions of its owner; `None` for
    /// all permissions of the owner.
    pub policy: Option<Value>,
    /// The new secret key.
    pub secret_key: Option<Secret>,
    /// Whether the account is enabled.
    pub enabled: Option<bool>,
    /// The new name for display. It cannot be removed.
    #[builder(into)]
    pub name: Option<String>,
    /// The new description for display. It cannot be removed.
    #[builder(into)]
    pub description: Option<String>,
    /// The new expiry: `Some(None)` for never.
    pub expires: Option<Option<Timestamp>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    new_policy: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_secret_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_expiration: Option<Timestamp>,
}

impl Admin {
    /// Updates a service account: replaces its policy, and sets the other properties that are
    /// given.
    ///
    /// # Errors
    /// `NotFound` if there is none with this access key, `InvalidInput` for a secret key, a policy
    /// or an expiry that MinIO does not accept, `Denied` without `admin:UpdateServiceAccount`, and
    /// any connection or server error.
    pub async fn update_service_account(
        &self,
        access_key: &str,
        update: ServiceAccountUpdate,
    ) -> Result<()> {
        let body = RequestBody {
            new_policy: update.policy.as_ref(),
            new_secret_key: update.secret_key.as_ref().map(Secret::expose),
            new_status: update.enabled.map(on_off),
            new_name: update.name.as_deref(),
            new_description: update.description.as_deref(),
            // MinIO represents never as 1970.
            new_expiration: update.expires.map(|end| end.unwrap_or(Timestamp::UNIX_EPOCH)),
        };
        let operation = "update_service_account";
        let call = self.call(operation, access_key, Method::POST, "update-service-account");
        call.query("accessKey", access_key).secret(&body)?.send().await?;
        Ok(())
    }
}
