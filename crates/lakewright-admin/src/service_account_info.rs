//! `service_account_info`

use http::Method;
use jiff::Timestamp;
use lakewright_core::Result;
use serde::Deserialize;
use serde_json::Value;

use super::Admin;
use super::types::{end, on_off, text};

/// A service account.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceAccount {
    /// The access key.
    pub access_key: String,
    /// The user on whose behalf the account acts.
    pub owner: String,
    /// Whether the account is enabled.
    pub enabled: bool,
    /// The policy, which restricts the account within the permissions of its owner; `None` for all
    /// permissions of the owner.
    pub policy: Option<Value>,
    /// The name for display.
    pub name: Option<String>,
    /// The description for display.
    pub description: Option<String>,
    /// The time at which the account expires; `None` for never.
    pub expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceAccountBody {
    parent_user: String,
    account_status: String,
    implied_policy: bool,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    expiration: Option<Timestamp>,
}

impl Admin {
    /// Returns one service account, with its policy.
    ///
    /// # Errors
    /// `NotFound` if there is none with this access key, `Denied` without
    /// `admin:ListServiceAccounts` for an account of another user, and any connection or server
    /// error.
    pub async fn service_account_info(&self, access_key: &str) -> Result<ServiceAccount> {
        let operation = "service_account_info";
        let call = self.call(operation, access_key, Method::GET, "info-service-account");
        let response = call.query("accessKey", access_key).send().await?;
        let account: ServiceAccountBody = response.secret_json().await?;
        // For an account without a policy of its own, MinIO returns an empty policy or that of the
        // owner.
        let policy = match account.implied_policy {
            true => None,
            false => Some(
                serde_json::from_str(&account.policy)
                    .map_err(|_| response.corrupt_error("the account's policy is no JSON"))?,
            ),
        };
        Ok(ServiceAccount {
            access_key: access_key.to_owned(),
            owner: account.parent_user,
            enabled: account.account_status == on_off(true),
            policy,
            name: text(account.name),
            description: text(account.description),
            expires: end(account.expiration),
        })
    }
}
