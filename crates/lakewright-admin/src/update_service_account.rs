//! `update_service_account`

use http::Method;
use jiff::Timestamp;
use lakewright_core::{Result, Secret};
use lakewright_macros::Builder;
use serde::Serialize;
use serde_json::Value;

use super::Admin;
use super::types::on_off;

/// What a service account becomes. The policy is always said: MinIO takes it away from an
/// account whose update does not repeat it, so that the account may do all that its owner may.
#[derive(Clone, Debug, Default, PartialEq, Builder)]
pub struct ServiceAccountUpdate {
    /// What it may do from now on, within what its owner may; none for all of that.
    pub policy: Option<Value>,
    /// Another secret key.
    pub secret_key: Option<Secret>,
    /// Whether it may come in.
    pub enabled: Option<bool>,
    /// Another name for people. It cannot be taken away.
    pub name: Option<String>,
    /// Another description for people. It cannot be taken away.
    pub description: Option<String>,
    /// Another end: `Some(None)` for never.
    pub expires: Option<Option<Timestamp>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
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
    /// Changes a service account: its policy to what is said, and what else is given.
    ///
    /// # Errors
    /// `NotFound` where there is none with this key, `InvalidInput` for a secret key, a policy
    /// or an end that MinIO does not take, `Denied` without `admin:UpdateServiceAccount`, and
    /// whatever keeps the server from answering.
    pub async fn update_service_account(
        &self,
        access_key: &str,
        update: ServiceAccountUpdate,
    ) -> Result<()> {
        let body = Wire {
            new_policy: update.policy.as_ref(),
            new_secret_key: update.secret_key.as_ref().map(Secret::expose),
            new_status: update.enabled.map(on_off),
            new_name: update.name.as_deref(),
            new_description: update.description.as_deref(),
            // 1970 is how MinIO says never.
            new_expiration: update.expires.map(|end| end.unwrap_or(Timestamp::UNIX_EPOCH)),
        };
        let operation = "update_service_account";
        let call = self.call(operation, access_key, Method::POST, "update-service-account");
        call.query("accessKey", access_key).secret(&body)?.send().await?;
        Ok(())
    }
}
