//! Steps for groups of users, and for the policies attached to groups and users.

use std::collections::BTreeSet;

use super::{Planner, StepBuilder, previous_declarations};
use crate::identity::PolicyName;
use crate::plan::{Action, GroupAction, json_value};
use crate::resource::ResourceId;
use crate::spec::GroupSpec;

/// The policies of a group or user that are attached and declared.
pub(super) struct Attachments<'a> {
    /// The declared policies; `None` if the declaration has no field for them.
    pub(super) declared: Option<&'a [PolicyName]>,
    /// Whether a declaration applied earlier has policies.
    pub(super) previously_declared: bool,
    /// The attached policies; `None` for a group or user that is yet to be created.
    pub(super) attached: Option<&'a BTreeSet<PolicyName>>,
}

impl Planner<'_> {
    pub(super) fn groups(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.groups {
            let id = ResourceId::Group(name.clone());
            let found = observed.groups.get(name);
            let Some(status) = self.status(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.adopt(&id, status);
            let group = |action| Action::Group(name.clone(), action);
            if found.is_none() {
                let action = group(GroupAction::CreateGroup);
                self.push(StepBuilder::new(action, status.creation_reason()));
            }
            let previous: Vec<GroupSpec> = previous_declarations(status.owned());
            self.attachments(
                &Attachments {
                    declared: declared.policies.as_deref(),
                    previously_declared: previous.iter().any(|spec| spec.policies.is_some()),
                    attached: found.map(|found| &found.policies),
                },
                |policies| group(GroupAction::AttachPolicies { policies }),
                |policies| group(GroupAction::DetachPolicies { policies }),
            );
            let enabled = declared.is_enabled();
            let is_enabled = found.is_none_or(|found| found.enabled);
            if enabled != is_enabled {
                let action = group(GroupAction::SetGroupEnabled { enabled });
                let step = StepBuilder::new(action, "it differs from what is declared");
                let (old, new) = (json_value(&is_enabled), json_value(&enabled));
                self.push(step.with_change("enabled", old, new));
            }
            self.record(&id, status, declared);
        }
    }

    /// Plans the attached policies. Detaching comes last, so that no user is without permissions
    /// in between.
    pub(super) fn attachments(
        &mut self,
        attachments: &Attachments<'_>,
        attach: impl FnOnce(BTreeSet<PolicyName>) -> Action,
        detach: impl FnOnce(BTreeSet<PolicyName>) -> Action,
    ) {
        let Attachments { declared, previously_declared, attached } = *attachments;
        if declared.is_none() && !previously_declared {
            return;
        }
        let none = BTreeSet::new();
        let attached = attached.unwrap_or(&none);
        let wanted: BTreeSet<PolicyName> = declared.into_iter().flatten().cloned().collect();
        let missing: BTreeSet<PolicyName> = wanted.difference(attached).cloned().collect();
        if !missing.is_empty() {
            let policies = missing.iter().cloned().map(ResourceId::Policy);
            let created = self.steps_that_create(policies);
            let new = json_value(&missing);
            let reason = "these policies are declared and not attached";
            let step = StepBuilder::new(attach(missing), reason).after(created);
            self.push(step.with_change("policies", None, new));
        }
        let extra: BTreeSet<PolicyName> = attached.difference(&wanted).cloned().collect();
        if !extra.is_empty() {
            let old = json_value(&extra);
            let reason = "these policies are attached and not declared";
            let step = StepBuilder::new(detach(extra), reason);
            self.push(step.with_change("policies", old, None));
        }
    }
}
