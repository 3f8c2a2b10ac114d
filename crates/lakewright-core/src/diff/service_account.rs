//! Steps for service accounts.

use serde_json::Value;

use super::{Planner, ResourceStatus, StepBuilder, previous_declarations};
use crate::ErrorKind;
use crate::identity::{AccessKey, AccountName};
use crate::plan::{Action, FieldUpdate, Risk, ServiceAccountAction, json_value};
use crate::policy;
use crate::resource::ResourceId;
use crate::spec::ServiceAccountSpec;
use crate::state::{ObservedServiceAccount, SecretMatch};

impl ServiceAccountSpec {
    /// Returns the account's own policy in the form that the server accepts; `None` if the account
    /// has all permissions of its owner. `registry` is the bucket of the registry.
    #[must_use]
    pub fn to_document(&self, registry: &str) -> Option<Value> {
        match (&self.policy, &self.grants) {
            (Some(document), _) => Some(policy::for_server(&document.0)),
            (None, Some(grants)) => Some(policy::of_grants(grants, registry)),
            (None, None) => None,
        }
    }
}

impl Planner<'_> {
    pub(super) fn service_accounts(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.service_accounts {
            let id = ResourceId::ServiceAccount(name.clone());
            let key = &declared.access_key;
            if let Some(other) = self.other_account_with(&id, key) {
                self.problem(
                    ErrorKind::Conflict,
                    &id,
                    format!(
                        "its access key {key} belongs to the {other}: delete that one first \
                         (leave it out and apply with --prune), or choose another access key"
                    ),
                );
                continue;
            }
            let found = observed.service_accounts.get(key);
            // The registry identifies an account by its name, the server by its access key.
            let old_key = self.registry.resources.get(&id).and_then(|owned| {
                owned.access_keys().find(|old| {
                    old != key
                        && owned.stack == spec.stack
                        && observed.service_accounts.contains_key(old)
                })
            });
            if let Some(old) = old_key {
                self.cannot_change(&id, &format!("its access key is {old}, not {key}"));
                continue;
            }
            if found.is_none() && observed.users.contains_key(key) {
                let why = format!("a user has the access key {key} already: choose another");
                self.problem(ErrorKind::AlreadyExists, &id, why);
                continue;
            }
            let Some(status) = self.status(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.adopt(&id, status);
            match found {
                None => self.create_service_account(name, declared, status),
                Some(found) => self.update_service_account(name, declared, status, found),
            }
            self.record(&id, status, declared);
        }
    }

    /// Returns another account of the registry with the same access key, if it exists.
    fn other_account_with(&self, id: &ResourceId, key: &AccessKey) -> Option<ResourceId> {
        let there = self.observed.service_accounts.contains_key(key);
        let mut others = self.registry.resources.iter().filter(|(other, _)| {
            *other != id && matches!(other, ResourceId::ServiceAccount(_)) && there
        });
        let (other, _) =
            others.find(|(_, owned)| owned.access_keys().any(|known| known == *key))?;
        Some(other.clone())
    }

    fn cannot_change(&mut self, id: &ResourceId, what: &str) {
        self.problem(
            ErrorKind::PreconditionFailed,
            id,
            format!(
                "{what}, and that cannot be changed afterwards: declare the new one under another \
                 name with an access key of its own, and delete the old one with --prune when it \
                 is not used any more"
            ),
        );
    }

    fn create_service_account(
        &mut self,
        name: &AccountName,
        declared: &ServiceAccountSpec,
        status: ResourceStatus<'_>,
    ) {
        let action = ServiceAccountAction::CreateServiceAccount {
            owner: declared.owner.clone(),
            access_key: declared.access_key.clone(),
            secret: declared.secret.clone(),
            policy: declared.to_document(self.spec.registry_name()),
            expires: declared.expires,
            description: declared.description.clone().filter(|text| !text.is_empty()),
        };
        // The server checks the account against the permissions of its owner, so that all steps
        // of the owner come first.
        let owner = declared.owner.clone().map(ResourceId::User);
        let owner = owner.and_then(|owner| self.last_step.get(&owner).copied());
        let action = Action::ServiceAccount(name.clone(), action);
        self.push(StepBuilder::new(action, status.creation_reason()).after(owner));
    }

    fn update_service_account(
        &mut self,
        name: &AccountName,
        declared: &ServiceAccountSpec,
        status: ResourceStatus<'_>,
        found: &ObservedServiceAccount,
    ) {
        let id = &ResourceId::ServiceAccount(name.clone());
        if let Some(owner) = &declared.owner
            && *owner != found.owner
        {
            return self
                .cannot_change(id, &format!("it acts for {}, not for {owner}", found.owner));
        }
        let previous: Vec<ServiceAccountSpec> = previous_declarations(status.owned());
        let had = |field: fn(&ServiceAccountSpec) -> bool| previous.iter().any(field);
        let mut changes = Vec::new();

        let checked = self.comparisons.secrets.get(&declared.access_key);
        let secret = (checked == SecretMatch::Differs).then(|| declared.secret.clone());
        if secret.is_some() {
            changes.push(("secret", None, json_value(&declared.secret)));
        } else if checked == SecretMatch::NotCompared && found.enabled {
            self.note(id, "the account's secret could not be compared with the declared one");
        }
        let document = declared.to_document(self.spec.registry_name());
        let policy = match (document, &found.policy) {
            (Some(wanted), Some(now)) if policy::same(now, &wanted) => FieldUpdate::Keep,
            (Some(wanted), now) => {
                changes.push(("policy", now.clone(), Some(wanted.clone())));
                FieldUpdate::To(wanted)
            }
            (None, Some(now)) if had(|spec| spec.policy.is_some() || spec.grants.is_some()) => {
                changes.push(("policy", Some(now.clone()), None));
                FieldUpdate::Clear
            }
            (None, _) => FieldUpdate::Keep,
        };
        let expires = match (declared.expires, found.expires) {
            (Some(wanted), now) if now != Some(wanted) => {
                changes.push(("expires", now.as_ref().and_then(json_value), json_value(&wanted)));
                FieldUpdate::To(wanted)
            }
            (None, Some(now)) if had(|spec| spec.expires.is_some()) => {
                changes.push(("expires", json_value(&now), None));
                FieldUpdate::Clear
            }
            _ => FieldUpdate::Keep,
        };
        let now = found.description.as_deref().unwrap_or_default();
        let description = match declared.description.as_deref() {
            Some(wanted) if wanted != now => {
                changes.push(("description", json_value(&now), json_value(&wanted)));
                if wanted.is_empty() {
                    FieldUpdate::Clear
                } else {
                    FieldUpdate::To(wanted.to_owned())
                }
            }
            None if !now.is_empty() && had(|spec| spec.description.is_some()) => {
                changes.push(("description", json_value(&now), None));
                FieldUpdate::Clear
            }
            _ => FieldUpdate::Keep,
        };
        let enable = !found.enabled;
        if enable {
            changes.push(("enabled", json_value(&false), json_value(&true)));
        }
        if changes.is_empty() {
            return;
        }
        let risk = match secret {
            Some(_) => status.risk_of_replaced_secret(),
            None => Risk::Safe,
        };
        let action = ServiceAccountAction::UpdateServiceAccount {
            access_key: declared.access_key.clone(),
            secret,
            policy,
            expires,
            description,
            enable,
        };
        let action = Action::ServiceAccount(name.clone(), action);
        let mut step = StepBuilder::new(action, "it differs from what is declared").with_risk(risk);
        for (field, old, new) in changes {
            step = step.with_change(field, old, new);
        }
        self.push(step);
    }
}
