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
    /// Its access key.
    pub access_key: String,
    /// The user that it acts for.
    pub owner: String,
    /// Whether it may come in.
    pub enabled: bool,
    /// What it may do, within what its owner may; none for all of that.
    pub policy: Option<Value>,
    /// The name for people.
    pub name: Option<String>,
    /// The description for people.
    pub description: Option<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
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
    /// One service account, with its policy.
    ///
    /// # Errors
    /// `NotFound` where there is none with this key, `Denied` without
    /// `admin:ListServiceAccounts` for another's, and whatever keeps the server from answering.
    pub async fn service_account_info(&self, access_key: &str) -> Result<ServiceAccount> {
        let operation = "service_account_info";
        let call = self.call(operation, access_key, Method::GET, "info-service-account");
        let answer = call.query("accessKey", access_key).send().await?;
        let account: Wire = answer.secret_json().await?;
        // Without a policy of its own, MinIO shows an empty one or its owner's.
        let policy = match account.implied_policy {
            true => None,
            false => Some(
                serde_json::from_str(&account.policy)
                    .map_err(|_| answer.corrupt("the account's policy is no JSON"))?,
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
