//! Steps for users.

use std::collections::BTreeSet;

use super::group::Attachments;
use super::{Planner, ResourceStatus, StepBuilder, previous_declarations};
use crate::ErrorKind;
use crate::identity::{AccessKey, GroupName};
use crate::plan::{Action, Risk, UserAction, json_value};
use crate::resource::ResourceId;
use crate::spec::UserSpec;
use crate::state::{ObservedUser, SecretMatch};

impl Planner<'_> {
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
            let Some(status) = self.status(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.adopt(&id, status);
            let secret = self.comparisons.secrets.get(name);
            self.user(name, declared, status, found, secret);
            let user = |action| Action::User(name.clone(), action);
            let previous: Vec<UserSpec> = previous_declarations(status.owned());
            self.attachments(
                &Attachments {
                    declared: declared.policies.as_deref(),
                    previously_declared: previous.iter().any(|spec| spec.policies.is_some()),
                    attached: found.map(|found| &found.policies),
                },
                |policies| user(UserAction::AttachPolicies { policies }),
                |policies| user(UserAction::DetachPolicies { policies }),
            );
            let previously_declared = previous.iter().any(|spec| spec.groups.is_some());
            if declared.groups.is_some() || previously_declared {
                let wanted = declared.groups.iter().flatten().cloned().collect();
                let none = BTreeSet::new();
                self.memberships(name, &wanted, found.map_or(&none, |found| &found.groups));
            }
            self.record(&id, status, declared);
        }
    }

    fn user(
        &mut self,
        name: &AccessKey,
        declared: &UserSpec,
        status: ResourceStatus<'_>,
        found: Option<&ObservedUser>,
        secret: SecretMatch,
    ) {
        let enabled = declared.is_enabled();
        let user = |action| Action::User(name.clone(), action);
        let put = |reason: &str, risk: Risk| {
            let secret = declared.secret.clone();
            let new = json_value(&secret);
            StepBuilder::new(user(UserAction::PutUser { secret, enabled }), reason)
                .with_risk(risk)
                .with_change("secret", None, new)
        };
        let replaced = status.risk_of_replaced_secret();
        let enabled_change = |step: StepBuilder| {
            step.with_change("enabled", json_value(&!enabled), json_value(&enabled))
        };
        let step = match found {
            None => put(status.creation_reason(), Risk::Safe),
            // A disabled user cannot sign a request, so the secret cannot be compared and is set
            // together with the flag.
            Some(found) if enabled && !found.enabled => enabled_change(put(
                "the user is disabled and declared as enabled; the secret is set with it",
                replaced,
            )),
            Some(found) if !enabled && found.enabled => match secret {
                SecretMatch::Differs => enabled_change(put(
                    "the user is enabled and declared as disabled, and the secret differs",
                    replaced,
                )),
                SecretMatch::Matches | SecretMatch::NotCompared => {
                    enabled_change(StepBuilder::new(
                        user(UserAction::SetUserEnabled { enabled }),
                        "the user is enabled and declared as disabled",
                    ))
                }
            },
            Some(found) if found.enabled && secret == SecretMatch::Differs => {
                put("the user's secret differs from the declared one", replaced)
            }
            Some(found) => {
                if found.enabled && secret == SecretMatch::NotCompared {
                    let id = ResourceId::User(name.clone());
                    self.note(&id, "the user's secret could not be compared with the declared one");
                }
                return;
            }
        };
        self.push(step);
    }

    fn memberships(
        &mut self,
        name: &AccessKey,
        wanted: &BTreeSet<GroupName>,
        joined: &BTreeSet<GroupName>,
    ) {
        for group in wanted.difference(joined) {
            let created = self.steps_that_create([ResourceId::Group(group.clone())]);
            let action = UserAction::JoinGroup { group: group.clone() };
            let reason = "the user is declared as a member and is none";
            let step = StepBuilder::new(Action::User(name.clone(), action), reason).after(created);
            self.push(step.with_change("groups", None, json_value(group)));
        }
        for group in joined.difference(wanted) {
            let action = UserAction::LeaveGroup { group: group.clone() };
            let reason = "the user is a member and not declared as one";
            let step = StepBuilder::new(Action::User(name.clone(), action), reason);
            self.push(step.with_change("groups", json_value(group), None));
        }
    }
}
