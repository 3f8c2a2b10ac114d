//! Steps for policies, groups, users and service accounts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Draft, NewStep, Standing, earlier, shown};
use crate::ErrorKind;
use crate::identity::{AccessKey, GroupName, PolicyName};
use crate::plan::{Action, Set};
use crate::policy;
use crate::resource::ResourceId;
use crate::spec::{GroupSpec, PolicySpec, ServiceAccountSpec, UserSpec};
use crate::state::{ObservedServiceAccount, ObservedUser, SecretMatch};

impl PolicySpec {
    /// The document that is declared, in the form that the server takes.
    #[must_use]
    pub fn to_document(&self) -> Value {
        match (&self.document, &self.grants) {
            (Some(document), _) => policy::for_server(&document.0),
            (None, grants) => policy::of_grants(grants.as_deref().unwrap_or_default()),
        }
    }
}

impl ServiceAccountSpec {
    /// The account's own policy, in the form that the server takes; none for all that its owner
    /// may.
    #[must_use]
    pub fn to_document(&self) -> Option<Value> {
        match (&self.policy, &self.grants) {
            (Some(document), _) => Some(policy::for_server(&document.0)),
            (None, Some(grants)) => Some(policy::of_grants(grants)),
            (None, None) => None,
        }
    }
}

impl Draft<'_> {
    pub(super) fn policies(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.policies {
            let id = ResourceId::Policy(name.clone());
            let found = observed.policies.get(name);
            let Some(standing) = self.standing(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            let document = declared.to_document();
            let empty = document["Statement"].as_array().is_none_or(Vec::is_empty);
            if empty {
                self.problem(
                    ErrorKind::Unsupported,
                    &id,
                    "its document has no statement, and MinIO refuses such policies: say what it \
                     allows, or leave it and what it is attached to out",
                );
                continue;
            }
            self.begin(&id, standing);
            match found {
                Some(found) if policy::same(found, &document) => {}
                found => {
                    let reason = match (found, standing) {
                        (Some(_), _) => "it means something else than what is declared",
                        (None, Standing::Missing(Some(_))) => "it is ours and is gone",
                        (None, _) => "it does not exist",
                    };
                    let (old, new) = (found.cloned(), Some(document.clone()));
                    let step = NewStep::new(Action::PutPolicy { document }, reason);
                    self.push(&id, step.changing("document", old, new));
                }
            }
            self.end(&id, standing, declared);
        }
    }

    pub(super) fn groups(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.groups {
            let id = ResourceId::Group(name.clone());
            let found = observed.groups.get(name);
            let Some(standing) = self.standing(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.begin(&id, standing);
            if found.is_none() {
                let reason = match standing {
                    Standing::Missing(Some(_)) => "it is ours and is gone",
                    _ => "it does not exist",
                };
                self.push(&id, NewStep::new(Action::CreateGroup, reason));
            }
            let before: Vec<GroupSpec> = earlier(standing.owned());
            let had = before.iter().any(|spec| spec.policies.is_some());
            let none = BTreeSet::new();
            let attached = found.map_or(&none, |found| &found.policies);
            self.attachments(&id, declared.policies.as_deref(), had, attached);
            let enabled = declared.is_enabled();
            let is_enabled = found.is_none_or(|found| found.enabled);
            if enabled != is_enabled {
                let step = NewStep::new(
                    Action::SetGroupEnabled { enabled },
                    "it differs from what is declared",
                );
                self.push(&id, step.changing("enabled", shown(&is_enabled), shown(&enabled)));
            }
            self.end(&id, standing, declared);
        }
    }

    /// Makes the attached policies those that are declared. Detaching comes last: a user is not
    /// to be without rights in between.
    fn attachments(
        &mut self,
        id: &ResourceId,
        declared: Option<&[PolicyName]>,
        had: bool,
        attached: &BTreeSet<PolicyName>,
    ) {
        if declared.is_none() && !had {
            return;
        }
        let wanted: BTreeSet<PolicyName> = declared.into_iter().flatten().cloned().collect();
        let missing: BTreeSet<PolicyName> = wanted.difference(attached).cloned().collect();
        if !missing.is_empty() {
            let makers = self.makers(missing.iter().cloned().map(ResourceId::Policy));
            let new = shown(&missing);
            let step = NewStep::new(
                Action::AttachPolicies { policies: missing },
                "these policies are declared and not attached",
            );
            self.push(id, step.after(makers).changing("policies", None, new));
        }
        let extra: BTreeSet<PolicyName> = attached.difference(&wanted).cloned().collect();
        if !extra.is_empty() {
            let old = shown(&extra);
            let step = NewStep::new(
                Action::DetachPolicies { policies: extra },
                "these policies are attached and not declared",
            );
            self.push(id, step.changing("policies", old, None));
        }
    }

    pub(super) fn users(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.users {
            let id = ResourceId::User(name.clone());
            let found = observed.users.get(name);
            if observed.service_accounts.contains_key(name) && found.is_none() {
                let why = "a service account has this access key already: choose another name";
                self.problem(ErrorKind::AlreadyExists, &id, why);
                continue;
            }
            let Some(standing) = self.standing(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.begin(&id, standing);
            let secret = self.comparisons.secrets.get(name);
            self.user(&id, declared, standing, found, secret);
            let before: Vec<UserSpec> = earlier(standing.owned());
            let had = before.iter().any(|spec| spec.policies.is_some());
            let none = BTreeSet::new();
            let attached = found.map_or(&none, |found| &found.policies);
            self.attachments(&id, declared.policies.as_deref(), had, attached);
            let had = before.iter().any(|spec| spec.groups.is_some());
            let none = BTreeSet::new();
            let joined = found.map_or(&none, |found| &found.groups);
            self.memberships(&id, declared.groups.as_deref(), had, joined);
            self.end(&id, standing, declared);
        }
    }

    fn user(
        &mut self,
        id: &ResourceId,
        declared: &UserSpec,
        standing: Standing<'_>,
        found: Option<&ObservedUser>,
        secret: SecretMatch,
    ) {
        let enabled = declared.is_enabled();
        let put = |reason: &str| {
            let secret = declared.secret.clone();
            let new = shown(&secret);
            NewStep::new(Action::PutUser { secret, enabled }, reason).changing("secret", None, new)
        };
        let step = match found {
            None => match standing {
                Standing::Missing(Some(_)) => put("it is ours and is gone"),
                _ => put("it does not exist"),
            },
            // A disabled user's secret cannot be tried, so the step that enables her sets it.
            Some(found) if enabled && !found.enabled => put(
                "she is disabled and declared as enabled; her secret is set with it",
            )
            .changing("enabled", shown(&false), shown(&true)),
            Some(found) if !enabled && found.enabled => match secret {
                SecretMatch::Differs => put("her secret and whether she may come in differ")
                    .changing("enabled", shown(&true), shown(&false)),
                SecretMatch::Matches | SecretMatch::NotCompared => NewStep::new(
                    Action::SetUserEnabled { enabled },
                    "she is enabled and declared as disabled",
                )
                .changing("enabled", shown(&true), shown(&false)),
            },
            Some(found) if found.enabled && secret == SecretMatch::Differs => {
                put("her secret is another than the declared one")
            }
            Some(found) => {
                if found.enabled && secret == SecretMatch::NotCompared {
                    self.note(id, "whether her secret is the declared one could not be tried");
                }
                return;
            }
        };
        self.push(id, step);
    }

    fn memberships(
        &mut self,
        id: &ResourceId,
        declared: Option<&[GroupName]>,
        had: bool,
        joined: &BTreeSet<GroupName>,
    ) {
        if declared.is_none() && !had {
            return;
        }
        let wanted: BTreeSet<GroupName> = declared.into_iter().flatten().cloned().collect();
        for group in wanted.difference(joined) {
            let maker = self.makers([ResourceId::Group(group.clone())]);
            let step = NewStep::new(
                Action::JoinGroup { group: group.clone() },
                "she is declared to be in it and is not",
            );
            self.push(id, step.after(maker).changing("groups", None, shown(group)));
        }
        for group in joined.difference(&wanted) {
            let step = NewStep::new(
                Action::LeaveGroup { group: group.clone() },
                "she is in it and not declared to be",
            );
            self.push(id, step.changing("groups", shown(group), None));
        }
    }

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
                        "its access key {key} belongs to the {other}: take that one away first \
                         (leave it out and apply with --prune), or choose another access key"
                    ),
                );
                continue;
            }
            let found = observed.service_accounts.get(key);
            // The entry is found by its name, the account by its access key.
            let moved = self.registry.resources.get(&id).and_then(|owned| {
                owned.access_keys().find(|old| {
                    old != key
                        && owned.stack == spec.stack
                        && observed.service_accounts.contains_key(old)
                })
            });
            if let Some(old) = moved {
                self.cannot_change(&id, &format!("its access key is {old}, not {key}"));
                continue;
            }
            if found.is_none() && observed.users.contains_key(key) {
                let why = format!("a user has the access key {key} already: choose another");
                self.problem(ErrorKind::AlreadyExists, &id, why);
                continue;
            }
            let Some(standing) = self.standing(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.begin(&id, standing);
            match found {
                None => self.create_service_account(&id, declared, standing),
                Some(found) => self.update_service_account(&id, declared, standing, found),
            }
            self.end(&id, standing, declared);
        }
    }

    /// Another entry of the registry with the same access key.
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
                 name with an access key of its own, and take the old one away with --prune once \
                 nobody uses it"
            ),
        );
    }

    fn create_service_account(
        &mut self,
        id: &ResourceId,
        declared: &ServiceAccountSpec,
        standing: Standing<'_>,
    ) {
        let reason = match standing {
            Standing::Missing(Some(_)) => "it is ours and is gone",
            _ => "it does not exist",
        };
        let action = Action::CreateServiceAccount {
            owner: declared.owner.clone(),
            access_key: declared.access_key.clone(),
            secret: declared.secret.clone(),
            policy: declared.to_document(),
            expires: declared.expires,
            description: declared.description.clone().filter(|text| !text.is_empty()),
        };
        // The owner's last step: what she may do when it is made is what she may do at all.
        let owner = declared.owner.clone().map(ResourceId::User);
        let after: Vec<_> =
            owner.and_then(|owner| self.last.get(&owner).copied()).into_iter().collect();
        self.push(id, NewStep::new(action, reason).after(after));
    }

    fn update_service_account(
        &mut self,
        id: &ResourceId,
        declared: &ServiceAccountSpec,
        standing: Standing<'_>,
        found: &ObservedServiceAccount,
    ) {
        if let Some(owner) = &declared.owner
            && *owner != found.owner
        {
            return self
                .cannot_change(id, &format!("it acts for {}, not for {owner}", found.owner));
        }
        let before: Vec<ServiceAccountSpec> = earlier(standing.owned());
        let had = |field: fn(&ServiceAccountSpec) -> bool| before.iter().any(field);
        let mut changes = Vec::new();

        let checked = self.comparisons.secrets.get(&declared.access_key);
        let secret = (checked == SecretMatch::Differs).then(|| declared.secret.clone());
        if secret.is_some() {
            changes.push(("secret", None, shown(&declared.secret)));
        } else if checked == SecretMatch::NotCompared && found.enabled {
            self.note(id, "whether its secret is the declared one could not be tried");
        }
        let policy = match (declared.to_document(), &found.policy) {
            (Some(wanted), Some(now)) if policy::same(now, &wanted) => Set::Keep,
            (Some(wanted), now) => {
                changes.push(("policy", now.clone(), Some(wanted.clone())));
                Set::To(wanted)
            }
            (None, Some(now)) if had(|spec| spec.policy.is_some() || spec.grants.is_some()) => {
                changes.push(("policy", Some(now.clone()), None));
                Set::Clear
            }
            (None, _) => Set::Keep,
        };
        let expires = match (declared.expires, found.expires) {
            (Some(wanted), now) if now != Some(wanted) => {
                changes.push(("expires", now.as_ref().and_then(shown), shown(&wanted)));
                Set::To(wanted)
            }
            (None, Some(now)) if had(|spec| spec.expires.is_some()) => {
                changes.push(("expires", shown(&now), None));
                Set::Clear
            }
            _ => Set::Keep,
        };
        let now = found.description.as_deref().unwrap_or_default();
        let description = match declared.description.as_deref() {
            Some(wanted) if wanted != now => {
                changes.push(("description", shown(&now), shown(&wanted)));
                if wanted.is_empty() { Set::Clear } else { Set::To(wanted.to_owned()) }
            }
            None if !now.is_empty() && had(|spec| spec.description.is_some()) => {
                changes.push(("description", shown(&now), None));
                Set::Clear
            }
            _ => Set::Keep,
        };
        let enable = !found.enabled;
        if enable {
            changes.push(("enabled", shown(&false), shown(&true)));
        }
        if changes.is_empty() {
            return;
        }
        let access_key = declared.access_key.clone();
        let action = Action::UpdateServiceAccount {
            access_key,
            secret,
            policy,
            expires,
            description,
            enable,
        };
        let mut step = NewStep::new(action, "it differs from what is declared");
        for (field, old, new) in changes {
            step = step.changing(field, old, new);
        }
        self.push(id, step);
    }
}
