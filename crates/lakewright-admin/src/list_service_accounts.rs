//! `list_service_accounts`

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use lakewright_core::Result;
use serde::Deserialize;

use super::types::{end, or_empty, text};
use super::{Admin, ServiceAccountName};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnerBody {
    #[serde(default, deserialize_with = "or_empty")]
    service_accounts: Vec<ListedAccountBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAccountBody {
    access_key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    expiration: Option<Timestamp>,
}

impl Admin {
    /// Returns every service account of every user, including root, sorted by access key, in one
    /// request. Policies and statuses are not included; [`Self::service_account_info`] returns
    /// them.
    ///
    /// # Errors
    /// `Denied` without `admin:ListUsers` and `admin:ListServiceAccounts`, and any connection or
    /// server error; `Unsupported` on a MinIO from before December 2024.
    pub async fn list_service_accounts(&self) -> Result<Vec<ServiceAccountName>> {
        let at = self.client.profile().to_string();
        let call = self.call("list_service_accounts", at, Method::GET, "list-access-keys-bulk");
        let call = call.query("listType", "svcacc-only").query("all", "true");
        let owners: BTreeMap<String, OwnerBody> = call.send().await?.secret_json().await?;
        let mut accounts: Vec<_> = owners
            .into_iter()
            .flat_map(|(owner, owner_body)| {
                owner_body.service_accounts.into_iter().map(move |account| ServiceAccountName {
                    access_key: account.access_key,
                    owner: owner.clone(),
                    name: text(account.name),
                    description: text(account.description),
                    expires: end(account.expiration),
                })
            })
            .collect();
        accounts.sort_by(|a, b| a.access_key.cmp(&b.access_key));
        Ok(accounts)
    }
}
