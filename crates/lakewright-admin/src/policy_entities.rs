//! `policy_entities`

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use lakewright_core::Result;
use serde::Deserialize;

use super::Admin;
use super::types::or_empty;

/// The policies that are attached to users and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyEntities {
    /// Policies of users, by access key. A user without policies is not included.
    pub users: BTreeMap<String, BTreeSet<String>>,
    /// Policies of groups, by name, including disabled groups. A group without policies is not
    /// included.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyEntitiesBody {
    #[serde(default, deserialize_with = "or_empty")]
    policy_mappings: Vec<Mapping>,
}

#[derive(Deserialize)]
struct Mapping {
    policy: String,
    #[serde(default, deserialize_with = "or_empty")]
    users: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    groups: Vec<String>,
}

impl Admin {
    /// Returns all attachments of policies in one request.
    ///
    /// # Errors
    /// `Denied` without `admin:ListGroups`, `admin:ListUsers` and `admin:ListUserPolicies`, and any
    /// connection or server error.
    pub async fn policy_entities(&self) -> Result<PolicyEntities> {
        let at = self.client.profile().to_string();
        let call = self.call("policy_entities", at, Method::GET, "idp/builtin/policy-entities");
        let response: PolicyEntitiesBody = call.send().await?.secret_json().await?;
        let mut entities = PolicyEntities::default();
        for Mapping { policy, users, groups } in response.policy_mappings {
            for (all, holders) in [(&mut entities.users, users), (&mut entities.groups, groups)] {
                for holder in holders {
                    all.entry(holder).or_default().insert(policy.clone());
                }
            }
        }
        Ok(entities)
    }
}
