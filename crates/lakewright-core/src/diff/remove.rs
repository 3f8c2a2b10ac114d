//! Steps for what is ours and not declared any more, in the reverse of the order of making.

use std::collections::BTreeSet;

use super::overlap::lies_in;
use super::{Draft, NewStep};
use crate::ErrorKind;
use crate::identity::{AccessKey, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::plan::{Action, Step, StepId};
use crate::resource::{ResourceId, ResourceKind};
use crate::spec::{BucketSpec, TableSpec};
use crate::state::{DeclaredSpec, Intent, Owned, Reading};

const NOT_DECLARED: &str = "it is ours and not declared any more";

impl Draft<'_> {
    pub(super) fn removals(&mut self) {
        let registry = self.registry;
        let mut gone: Vec<(ResourceId, &Owned)> =
            registry.of_stack(&self.spec.stack).filter(|(id, _)| !self.is_declared(id)).collect();
        // Kinds stand in the order of making, and a table before those in its directory.
        gone.sort_by(|(a, _), (b, _)| b.cmp(a));
        for (id, owned) in gone {
            if id.kind().needs_admin() && !self.observed.capabilities.admin {
                continue;
            }
            if !self.is_there(&id, owned) {
                self.strike_off(&id);
            } else if self.options.prune {
                self.remove(&id, owned);
            } else {
                self.kept.push(id.clone());
                self.note(
                    &id,
                    format!(
                        "it is ours and not declared any more, and is kept: --prune takes it \
                         away, `lakewright forget {} --stack {}` lets go of it",
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

    fn is_there(&self, id: &ResourceId, owned: &Owned) -> bool {
        let mut keys = owned.access_keys();
        match id {
            ResourceId::ServiceAccount(_) => {
                keys.any(|key| self.observed.service_accounts.contains_key(&key))
            }
            id => self.observed.has(id, None),
        }
    }

    fn strike_off(&mut self, id: &ResourceId) {
        let why = "it is not declared any more, and is gone already";
        self.push(id, NewStep::new(Action::Forget, why));
        self.intents.insert(id.clone(), Intent::Forget);
    }

    fn remove(&mut self, id: &ResourceId, owned: &Owned) {
        let (action, after) = match id {
            ResourceId::Bucket(name) => match self.bucket_to_delete(id, name, owned) {
                Some(force) => (Action::DeleteBucket { force }, self.drops_in(name)),
                None => return,
            },
            ResourceId::Table(uri) => {
                let alone = self.stands_alone(uri);
                match self.table_to_drop(id, uri, owned) {
                    Some(force) if alone => (Action::DropTable { force }, self.drops_inside(uri)),
                    _ => return,
                }
            }
            ResourceId::Policy(name) => (Action::DeletePolicy, self.detaching(name)),
            ResourceId::Group(_) => (Action::DeleteGroup, self.leaving(id)),
            ResourceId::User(name) => (Action::DeleteUser, self.accounts_of(name)),
            ResourceId::ServiceAccount(_) => {
                let there = |key: &AccessKey| self.observed.service_accounts.contains_key(key);
                let Some(access_key) = owned.access_keys().find(there) else { return };
                (Action::DeleteServiceAccount { access_key }, Vec::new())
            }
        };
        self.push(id, NewStep::new(action, NOT_DECLARED).after(after));
        self.intents.insert(id.clone(), Intent::Delete);
    }

    /// Whether the bucket is deleted with everything in it; nothing and a problem if it must not
    /// be deleted.
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
                "the {table} of the stack {} is in it: keep it and let go of it: `lakewright \
                 forget {} --stack {}`",
                owner.stack,
                id.address(),
                self.spec.stack
            );
            self.problem(ErrorKind::PreconditionFailed, id, why);
            return None;
        }
        let force = last_applied(owned).is_some_and(|spec: BucketSpec| spec.force_destroy);
        if let Some(what) = self.stays_in(name).filter(|_| !force) {
            self.problem(
                ErrorKind::PreconditionFailed,
                id,
                format!(
                    "{what}, and the declaration last applied does not say \"force_destroy\": \
                     true. Empty it; or declare it once more with \"force_destroy\", apply, and \
                     then leave it out; or keep it and let go of it: `lakewright forget {} --stack \
                     {}`",
                    id.address(),
                    self.spec.stack
                ),
            );
            return None;
        }
        Some(force)
    }

    /// What will be in the bucket when everything is dropped that is to be, if anything. The
    /// server would find it too, but only after the tables are gone.
    fn stays_in(&self, name: &BucketName) -> Option<&'static str> {
        let bucket = self.observed.buckets.get(name)?;
        let contents = bucket.contents.value()?;
        let dropped = |uri: &TableUri| {
            let this = |step: &Step| matches!(&step.resource, ResourceId::Table(of) if of == uri);
            let drops = |step: &Step| matches!(step.action, Action::DropTable { .. });
            self.steps.iter().any(|step| drops(step) && this(step))
        };
        if contents.other || !contents.tables.iter().all(dropped) {
            return Some("it holds objects");
        }
        let versioned = matches!(bucket.versioning, Reading::Is(Some(_)));
        (versioned && !contents.tables.is_empty())
            .then_some("it has versioning, which keeps what its tables leave behind")
    }

    /// Whether the table is dropped with the rows in it; nothing and a problem if it must not be
    /// dropped.
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
                "it has rows, and the declaration last applied does not say \"force_destroy\": \
                 true. Declare it once more with \"force_destroy\", apply, and then leave it out; \
                 or keep it and let go of it: `lakewright forget {} --stack {}`",
                id.address(),
                self.spec.stack
            ),
        );
        None
    }

    fn steps_that(&self, wanted: impl Fn(&ResourceId, &Action) -> bool) -> Vec<StepId> {
        let steps = self.steps.iter().filter(|step| wanted(&step.resource, &step.action));
        steps.map(|step| step.id).collect()
    }

    fn drops_in(&self, bucket: &BucketName) -> Vec<StepId> {
        self.steps_that(|id, action| match (id, action) {
            (ResourceId::Table(uri), Action::DropTable { .. }) => uri.bucket() == bucket,
            _ => false,
        })
    }

    fn drops_inside(&self, outer: &TableUri) -> Vec<StepId> {
        self.steps_that(|id, action| match (id, action) {
            (ResourceId::Table(uri), Action::DropTable { .. }) => lies_in(uri, outer),
            _ => false,
        })
    }

    /// What takes a policy from those who have it.
    fn detaching(&self, policy: &PolicyName) -> Vec<StepId> {
        self.steps_that(|id, action| {
            let attached: Option<&BTreeSet<PolicyName>> = match (id, action) {
                (_, Action::DetachPolicies { policies }) => Some(policies),
                (ResourceId::User(name), Action::DeleteUser) => {
                    self.observed.users.get(name).map(|user| &user.policies)
                }
                (ResourceId::Group(name), Action::DeleteGroup) => {
                    self.observed.groups.get(name).map(|group| &group.policies)
                }
                _ => None,
            };
            attached.is_some_and(|attached| attached.contains(policy))
        })
    }

    /// What takes users out of a group.
    fn leaving(&self, group: &ResourceId) -> Vec<StepId> {
        let ResourceId::Group(name) = group else { return Vec::new() };
        self.steps_that(|id, action| match (id, action) {
            (_, Action::LeaveGroup { group }) => group == name,
            (ResourceId::User(user), Action::DeleteUser) => {
                self.observed.users.get(user).is_some_and(|user| user.groups.contains(name))
            }
            _ => false,
        })
    }

    /// What takes away the service accounts of a user.
    fn accounts_of(&self, user: &AccessKey) -> Vec<StepId> {
        self.steps_that(|_, action| match action {
            Action::DeleteServiceAccount { access_key } => self
                .observed
                .service_accounts
                .get(access_key)
                .is_some_and(|account| account.owner == *user),
            _ => false,
        })
    }
}

/// The declaration that was last applied as a whole: `force_destroy` has no effect before that.
fn last_applied<T: DeclaredSpec>(owned: &Owned) -> Option<T> {
    owned.declared.as_ref().and_then(T::of).cloned()
}

/// Kinds are compared in the order of making.
const _: () = assert!((ResourceKind::Bucket as u8) < (ResourceKind::ServiceAccount as u8));
