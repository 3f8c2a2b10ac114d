//! Policies, groups, users and service accounts as they are.

use std::collections::{BTreeMap, BTreeSet};

use lakewright_core::spec::Time;
use lakewright_core::state::{
    Needs, ObservedGroup, ObservedServiceAccount, ObservedUser, SecretMatch,
};
use lakewright_core::{
    AccessKey, Error, ErrorKind, GroupName, PolicyName, ResourceId, Result, Secret,
};
use serde_json::Value;

use super::super::plan::Secrets;
use super::Lookup;
use crate::Provisioner;
use lakewright_admin::{Admin, Group, SecretCheck};

#[derive(Default)]
pub(super) struct Identities {
    pub(super) policies: BTreeMap<PolicyName, Value>,
    pub(super) groups: BTreeMap<GroupName, ObservedGroup>,
    pub(super) users: BTreeMap<AccessKey, ObservedUser>,
    pub(super) service_accounts: BTreeMap<AccessKey, ObservedServiceAccount>,
}

impl Provisioner {
    /// One request for all policies and one for all users; one for each group, each service
    /// account and each secret that can be tried.
    pub(super) async fn observe_identities(
        &self,
        needs: &Needs,
        secrets: &Secrets,
    ) -> Result<Identities> {
        let admin = &self.admin;
        let (policies, groups, users, service_accounts) = futures::try_join!(
            policies(admin, needs),
            self.observe_groups(admin, needs),
            self.observe_users(admin, needs, secrets),
            self.observe_service_accounts(admin, needs, secrets),
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
        // Of a group that is disabled MinIO shows the policies only there.
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

    async fn observe_users(
        &self,
        admin: &Admin,
        needs: &Needs,
        secrets: &Secrets,
    ) -> Result<BTreeMap<AccessKey, ObservedUser>> {
        // Service accounts and users share their names.
        if needs.users.is_empty() && needs.service_accounts.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut lookups: Vec<Lookup<'_, (AccessKey, ObservedUser)>> = Vec::new();
        for user in admin.list_users().await? {
            let Ok(key) = AccessKey::new(user.access_key.clone()) else { continue };
            if !needs.users.contains(&key) && !needs.service_accounts.contains_key(&key) {
                continue;
            }
            let declared = needs.users.contains(&key) && user.enabled;
            lookups.push(Box::pin(async move {
                let secret = match secrets.get(&key).filter(|_| declared) {
                    Some(secret) => tried(admin, &key, secret).await?,
                    None => SecretMatch::NotCompared,
                };
                let on = ResourceId::User(key.clone());
                let observed = ObservedUser {
                    enabled: user.enabled,
                    policies: names(user.policies, &on, PolicyName::new),
                    groups: names(user.groups, &on, GroupName::new),
                    secret,
                };
                Ok((key, observed))
            }));
        }
        Ok(self.at_once(lookups).await?.into_iter().collect())
    }

    async fn observe_service_accounts(
        &self,
        admin: &Admin,
        needs: &Needs,
        secrets: &Secrets,
    ) -> Result<BTreeMap<AccessKey, ObservedServiceAccount>> {
        let mut lookups: Vec<Lookup<'_, Option<(AccessKey, ObservedServiceAccount)>>> = Vec::new();
        for key in needs.service_accounts.keys() {
            lookups.push(Box::pin(async move {
                let account = observe_service_account(admin, key, secrets).await?;
                Ok(account.map(|account| (key.clone(), account)))
            }));
        }
        Ok(self.at_once(lookups).await?.into_iter().flatten().collect())
    }
}

async fn observe_service_account(
    admin: &Admin,
    key: &AccessKey,
    secrets: &Secrets,
) -> Result<Option<ObservedServiceAccount>> {
    let account = match admin.service_account_info(key.as_str()).await {
        Ok(account) => account,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let secret = match secrets.get(key) {
        Some(secret) if account.enabled => tried(admin, key, secret).await?,
        _ => SecretMatch::NotCompared,
    };
    let owner = AccessKey::new(account.owner)
        .map_err(|error| Error::new(ErrorKind::Corrupt, error.message()).on(key.as_str()))?;
    Ok(Some(ObservedServiceAccount {
        owner,
        policy: account.policy,
        expires: account.expires.map(Time),
        description: account.description,
        enabled: account.enabled,
        secret,
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

/// Whether a declared secret lets its owner in.
async fn tried(admin: &Admin, key: &AccessKey, secret: &Secret) -> Result<SecretMatch> {
    Ok(match admin.verify_secret(key.as_str(), secret).await? {
        SecretCheck::Matches => SecretMatch::Matches,
        SecretCheck::Differs => SecretMatch::Differs,
        // A service account that has ended is unknown too.
        SecretCheck::Disabled | SecretCheck::Unknown => SecretMatch::NotCompared,
    })
}

/// Names as the server has them. One that no declaration could say is left out, and so left
/// alone.
fn names<T: Ord>(
    names: BTreeSet<String>,
    of: &ResourceId,
    new: impl Fn(String) -> Result<T>,
) -> BTreeSet<T> {
    let checked = names.into_iter().filter_map(|name| match new(name.clone()) {
        Ok(name) => Some(name),
        Err(_) => {
            tracing::warn!(%of, name, "left alone: no declaration could name it");
            None
        }
    });
    checked.collect()
}
