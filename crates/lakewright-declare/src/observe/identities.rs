//! Reads policies, groups, users and service accounts.

use std::collections::{BTreeMap, BTreeSet};

use lakewright_core::spec::Time;
use lakewright_core::state::{Needs, ObservedGroup, ObservedServiceAccount, ObservedUser};
use lakewright_core::{AccessKey, ErrorKind, GroupName, PolicyName, ResourceId, Result};
use serde_json::Value;

use super::Lookup;
use crate::Provisioner;
use lakewright_admin::{Admin, Group};

#[derive(Default)]
pub(super) struct Identities {
    pub(super) policies: BTreeMap<PolicyName, Value>,
    pub(super) groups: BTreeMap<GroupName, ObservedGroup>,
    pub(super) users: BTreeMap<AccessKey, ObservedUser>,
    pub(super) service_accounts: BTreeMap<AccessKey, ObservedServiceAccount>,
}

impl Provisioner {
    /// Reads identities: one request for all policies, one for all users, and one for each group
    /// and each service account.
    pub(super) async fn observe_identities(&self, needs: &Needs) -> Result<Identities> {
        let admin = &self.admin;
        let (policies, groups, users, service_accounts) = futures::try_join!(
            policies(admin, needs),
            self.observe_groups(admin, needs),
            observe_users(admin, needs),
            self.observe_service_accounts(admin, needs),
        )?;
        Ok(Identities { policies, groups, users, service_accounts })
    }

    async fn observe_groups(
        &self,
        admin: &Admin,
        needs: &Needs,
    ) -> Result<BTreeMap<GroupName, ObservedGroup>> {
        let mut lookups: Vec<Lookup<'_, Option<(&GroupName, Group)>>> = Vec::new();
        for name in &needs.groups {
            lookups.push(Box::pin(async move {
                match admin.group_info(name.as_str()).await {
                    Ok(group) => Ok(Some((name, group))),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error),
                }
            }));
        }
        let found = self.at_once(lookups).await?;
        let found: Vec<_> = found.into_iter().flatten().collect();
        // MinIO lists the policies of a disabled group only among the policy entities.
        let mut entities = match found.iter().all(|(_, group)| group.enabled) {
            true => BTreeMap::new(),
            false => admin.policy_entities().await?.groups,
        };
        let observed = found.into_iter().map(|(name, group)| {
            let attached = match group.enabled {
                true => group.policies,
                false => entities.remove(name.as_str()).unwrap_or_default(),
            };
            let on = ResourceId::Group(name.clone());
            let group = ObservedGroup {
                enabled: group.enabled,
                members: names(group.members, &on, AccessKey::new),
                policies: names(attached, &on, PolicyName::new),
            };
            (name.clone(), group)
        });
        Ok(observed.collect())
    }

    async fn observe_service_accounts(
        &self,
        admin: &Admin,
        needs: &Needs,
    ) -> Result<BTreeMap<AccessKey, ObservedServiceAccount>> {
        let mut lookups: Vec<Lookup<'_, Option<(AccessKey, ObservedServiceAccount)>>> = Vec::new();
        for key in needs.service_accounts.keys() {
            lookups.push(Box::pin(async move {
                let account = observe_service_account(admin, key).await?;
                Ok(account.map(|account| (key.clone(), account)))
            }));
        }
        Ok(self.at_once(lookups).await?.into_iter().flatten().collect())
    }
}

async fn observe_users(admin: &Admin, needs: &Needs) -> Result<BTreeMap<AccessKey, ObservedUser>> {
    // Service accounts and users share one namespace of access keys.
    if needs.users.is_empty() && needs.service_accounts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut users = BTreeMap::new();
    for user in admin.list_users().await? {
        let Ok(key) = AccessKey::new(user.access_key) else { continue };
        if needs.users.contains(&key) || needs.service_accounts.contains_key(&key) {
            let id = ResourceId::User(key.clone());
            let observed = ObservedUser {
                enabled: user.enabled,
                policies: names(user.policies, &id, PolicyName::new),
                groups: names(user.groups, &id, GroupName::new),
            };
            users.insert(key, observed);
        }
    }
    Ok(users)
}

async fn observe_service_account(
    admin: &Admin,
    key: &AccessKey,
) -> Result<Option<ObservedServiceAccount>> {
    let account = match admin.service_account_info(key.as_str()).await {
        Ok(account) => account,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let owner = AccessKey::new(account.owner)
        .map_err(|error| error.with_kind(ErrorKind::Corrupt).on(key.as_str()))?;
    Ok(Some(ObservedServiceAccount {
        owner,
        policy: account.policy,
        expires: account.expires.map(Time),
        description: account.description,
        enabled: account.enabled,
    }))
}

async fn policies(admin: &Admin, needs: &Needs) -> Result<BTreeMap<PolicyName, Value>> {
    if needs.policies.is_empty() {
        return Ok(BTreeMap::new());
    }
    let all = admin.list_policies().await?.into_iter();
    let named = all.filter_map(|(name, document)| Some((PolicyName::new(name).ok()?, document)));
    Ok(named.filter(|(name, _)| needs.policies.contains(name)).collect())
}

/// Converts the names that the server returned. A name that no declaration can contain is left out,
/// so that the plan does not change it.
fn names<T: Ord>(
    names: BTreeSet<String>,
    of: &ResourceId,
    new: impl Fn(String) -> Result<T>,
) -> BTreeSet<T> {
    let checked = names.into_iter().filter_map(|name| match new(name.clone()) {
        Ok(name) => Some(name),
        Err(_) => {
            tracing::warn!(%of, name, "ignored: no declaration can contain this name");
            None
        }
    });
    checked.collect()
}
