//! Steps for resources that the stack owns and no longer declares, in the reverse of the order of
//! creation.

use std::collections::BTreeSet;

use super::overlap::lies_in;
use super::{Planner, StepBuilder};
use crate::ErrorKind;
use crate::identity::{AccessKey, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::plan::{
    Action, BucketAction, GroupAction, PolicyAction, RegistryAction, ServiceAccountAction, StepId,
    TableAction, UserAction,
};
use crate::resource::{ResourceId, ResourceKind};
use crate::spec::{BucketSpec, TableSpec};
use crate::state::{DeclaredSpec, Intent, Owned, Reading};

const NOT_DECLARED: &str = "it is ours and not declared any more";

impl Planner<'_> {
    pub(super) fn removals(&mut self) {
        let registry = self.registry;
        let mut undeclared: Vec<(ResourceId, &Owned)> =
            registry.of_stack(&self.spec.stack).filter(|(id, _)| !self.is_declared(id)).collect();
        // Kinds are in the order of creation, and a table comes before the tables in its directory.
        undeclared.sort_by(|(a, _), (b, _)| b.cmp(a));
        for (id, owned) in undeclared {
            if id.kind().needs_admin() && !self.observed.capabilities.admin {
                continue;
            }
            if !self.exists(&id, owned) {
                self.forget(&id);
            } else if self.options.prune {
                self.remove(&id, owned);
            } else {
                self.kept.push(id.clone());
                self.note(
                    &id,
                    format!(
                        "it is ours and not declared any more, and is kept: --prune deletes it, \
                         `lakewright forget {} --stack {}` removes it from the registry",
                        id.address(),
                        self.spec.stack
                    ),
                );
            }
        }
    }

    fn is_declared(&self, id: &ResourceId) -> bool {
        match id {
            ResourceId::Bucket(name) => self.spec.buckets.contains_key(name),
            ResourceId::Table(uri) => self.spec.tables.contains_key(uri),
            ResourceId::Policy(name) => self.spec.policies.contains_key(name),
            ResourceId::Group(name) => self.spec.groups.contains_key(name),
            ResourceId::User(name) => self.spec.users.contains_key(name),
            ResourceId::ServiceAccount(name) => self.spec.service_accounts.contains_key(name),
        }
    }

    fn exists(&self, id: &ResourceId, owned: &Owned) -> bool {
        let mut keys = owned.access_keys();
        match id {
            ResourceId::ServiceAccount(_) => {
                keys.any(|key| self.observed.service_accounts.contains_key(&key))
            }
            id => self.observed.has(id, None),
        }
    }

    fn forget(&mut self, id: &ResourceId) {
        let action = Action::Registry(id.clone(), RegistryAction::Forget);
        self.push(StepBuilder::new(action, "it is not declared any more, and is gone already"));
        self.intents.insert(id.clone(), Intent::Forget);
    }

    fn remove(&mut self, id: &ResourceId, owned: &Owned) {
        let (action, after) = match id {
            ResourceId::Bucket(name) => match self.bucket_to_delete(id, name, owned) {
                Some(force) => {
                    let action = BucketAction::DeleteBucket { force };
                    (Action::Bucket(name.clone(), action), self.table_drops_in_bucket(name))
                }
                None => return,
            },
            ResourceId::Table(uri) => {
                let alone = self.can_drop_alone(uri);
                match self.table_to_drop(id, uri, owned) {
                    Some(force) if alone => {
                        let action = TableAction::DropTable { force };
                        (Action::Table(uri.clone(), action), self.table_drops_inside(uri))
                    }
                    _ => return,
                }
            }
            ResourceId::Policy(name) => {
                let action = PolicyAction::DeletePolicy;
                (Action::Policy(name.clone(), action), self.steps_that_detach(name))
            }
            ResourceId::Group(name) => {
                let action = GroupAction::DeleteGroup;
                (Action::Group(name.clone(), action), self.steps_that_leave(name))
            }
            ResourceId::User(name) => {
                let action = UserAction::DeleteUser;
                (Action::User(name.clone(), action), self.account_deletions_of(name))
            }
            ResourceId::ServiceAccount(name) => {
                let exists = |key: &AccessKey| self.observed.service_accounts.contains_key(key);
                let Some(access_key) = owned.access_keys().find(exists) else { return };
                let action = ServiceAccountAction::DeleteServiceAccount { access_key };
                (Action::ServiceAccount(name.clone(), action), Vec::new())
            }
        };
        self.push(StepBuilder::new(action, NOT_DECLARED).after(after));
        self.intents.insert(id.clone(), Intent::Delete);
    }

    /// Returns whether the bucket is deleted with everything in it. Returns `None` and adds a
    /// problem if the bucket cannot be deleted.
    fn bucket_to_delete(
        &mut self,
        id: &ResourceId,
        name: &BucketName,
        owned: &Owned,
    ) -> Option<bool> {
        let declared_there = self.spec.tables.keys().find(|uri| uri.bucket() == name);
        if let Some(uri) = declared_there {
            let table = ResourceId::Table(uri.clone());
            let why = format!("the {table} is declared in it: declare the bucket too");
            self.problem(ErrorKind::PreconditionFailed, id, why);
            return None;
        }
        if let Some((table, owner)) = self.table_of_another(name) {
            let why = format!(
                "the {table} of the stack {} is in it: keep it and remove it from the registry: \
                 `lakewright forget {} --stack {}`",
                owner.stack,
                id.address(),
                self.spec.stack
            );
            self.problem(ErrorKind::PreconditionFailed, id, why);
            return None;
        }
        let force = last_applied(owned).is_some_and(|spec: BucketSpec| spec.force_destroy);
        if let Some(what) = self.remaining_contents(name).filter(|_| !force) {
            self.problem(
                ErrorKind::PreconditionFailed,
                id,
                format!(
                    "{what}, and the declaration last applied does not have \"force_destroy\": \
                     true. Empty it; or declare it once more with \"force_destroy\", apply, and \
                     then leave it out; or keep it and remove it from the registry: `lakewright \
                     forget {} --stack {}`",
                    id.address(),
                    self.spec.stack
                ),
            );
            return None;
        }
        Some(force)
    }

    /// Returns a description of what the bucket still contains after the plan has dropped tables in
    /// it. The server would refuse to delete such a bucket too, but only after the tables are
    /// dropped.
    fn remaining_contents(&self, name: &BucketName) -> Option<&'static str> {
        let bucket = self.observed.buckets.get(name)?;
        let contents = bucket.contents.value()?;
        let dropped = |uri: &TableUri| {
            let mut actions = self.steps.iter().map(|step| &step.action);
            actions.any(|action| dropped_table(action).is_some_and(|dropped| dropped == uri))
        };
        if contents.other || !contents.tables.iter().all(dropped) {
            return Some("it holds objects");
        }
        let versioned = bucket.versioning.value().is_some_and(|found| found.state.is_some());
        (versioned && !contents.tables.is_empty())
            .then_some("it has versioning, which keeps the files of dropped tables")
    }

    /// Returns whether the table is dropped with the rows in it. Returns `None` and adds a problem
    /// if the table cannot be dropped.
    fn table_to_drop(&mut self, id: &ResourceId, uri: &TableUri, owned: &Owned) -> Option<bool> {
        let force = last_applied(owned).is_some_and(|spec: TableSpec| spec.force_destroy);
        let empty = self.observed.tables.get(uri).map(|table| &table.empty);
        if force || empty == Some(&Reading::Is(true)) {
            return Some(force);
        }
        self.problem(
            ErrorKind::PreconditionFailed,
            id,
            format!(
                "it has rows, and the declaration last applied does not have \"force_destroy\": \
                 true. Declare it once more with \"force_destroy\", apply, and then leave it out; \
                 or keep it and remove it from the registry: `lakewright forget {} --stack {}`",
                id.address(),
                self.spec.stack
            ),
        );
        None
    }

    fn steps_that(&self, wanted: impl Fn(&Action) -> bool) -> Vec<StepId> {
        let steps = self.steps.iter().filter(|step| wanted(&step.action));
        steps.map(|step| step.id).collect()
    }

    fn table_drops_in_bucket(&self, bucket: &BucketName) -> Vec<StepId> {
        self.steps_that(|action| dropped_table(action).is_some_and(|uri| uri.bucket() == bucket))
    }

    fn table_drops_inside(&self, outer: &TableUri) -> Vec<StepId> {
        self.steps_that(|action| dropped_table(action).is_some_and(|uri| lies_in(uri, outer)))
    }

    /// Returns the steps that detach a policy from users and groups, or delete those.
    fn steps_that_detach(&self, policy: &PolicyName) -> Vec<StepId> {
        self.steps_that(|action| {
            let detached: Option<&BTreeSet<PolicyName>> = match action {
                Action::User(_, UserAction::DetachPolicies { policies })
                | Action::Group(_, GroupAction::DetachPolicies { policies }) => Some(policies),
                Action::User(name, UserAction::DeleteUser) => {
                    self.observed.users.get(name).map(|user| &user.policies)
                }
                Action::Group(name, GroupAction::DeleteGroup) => {
                    self.observed.groups.get(name).map(|group| &group.policies)
                }
                _ => None,
            };
            detached.is_some_and(|detached| detached.contains(policy))
        })
    }

    /// Returns the steps that remove users from a group, or delete those users.
    fn steps_that_leave(&self, group: &GroupName) -> Vec<StepId> {
        self.steps_that(|action| match action {
            Action::User(_, UserAction::LeaveGroup { group: left }) => left == group,
            Action::User(user, UserAction::DeleteUser) => {
                self.observed.users.get(user).is_some_and(|user| user.groups.contains(group))
            }
            _ => false,
        })
    }

    /// Returns the steps that delete service accounts of a user.
    fn account_deletions_of(&self, user: &AccessKey) -> Vec<StepId> {
        self.steps_that(|action| match action {
            Action::ServiceAccount(
                _,
                ServiceAccountAction::DeleteServiceAccount { access_key },
            ) => {
                let account = self.observed.service_accounts.get(access_key);
                account.is_some_and(|account| account.owner == *user)
            }
            _ => false,
        })
    }
}

/// Returns the table that an action drops.
fn dropped_table(action: &Action) -> Option<&TableUri> {
    match action {
        Action::Table(uri, TableAction::DropTable { .. }) => Some(uri),
        _ => None,
    }
}

/// Returns the declaration that was last applied as a whole: `force_destroy` has no effect before
/// that.
fn last_applied<T: DeclaredSpec>(owned: &Owned) -> Option<T> {
    owned.declared.as_ref().and_then(T::of).cloned()
}

/// Resources are sorted by their kinds, which are in the order of creation.
const _: () = assert!((ResourceKind::Bucket as u8) < (ResourceKind::ServiceAccount as u8));
