//! A server in memory that is as strict as MinIO, for judging plans.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::identity::AccessKey;
use crate::plan::{Action, Outcome, Plan, Report, Set, Step, StepId};
use crate::resource::ResourceId;
use crate::secret::SecretRef;
use crate::spec::{Columns, ObjectLock, Spec, Versioning};
use crate::state::{
    Alive, Capabilities, Contents, Holder, Observed, ObservedBucket, ObservedGroup,
    ObservedServiceAccount, ObservedTable, ObservedUser, Reading, Registry, SecretChecks,
    SecretMatch,
};
use crate::{Error, ErrorKind};

/// What a server has, with what it never tells.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) has: Observed,
    pub(super) secrets: BTreeMap<AccessKey, SecretRef>,
    pub(super) registry: Registry,
}

fn refused<T>(why: impl Into<String>) -> Result<T, String> {
    Err(why.into())
}

impl Server {
    pub(super) fn new() -> Self {
        Self {
            has: Observed::nothing(Capabilities::MINIO),
            secrets: BTreeMap::new(),
            registry: Registry::default(),
        }
    }

    /// The result of observing it.
    pub(super) fn observe(&self) -> Observed {
        let mut observed = self.has.clone();
        for (name, bucket) in &mut observed.buckets {
            if let Reading::Is(contents) = &mut bucket.contents {
                let tables = self.has.tables.keys();
                contents.tables = tables.filter(|uri| uri.bucket() == name).cloned().collect();
            }
        }
        for (key, user) in &mut observed.users {
            user.groups = self
                .has
                .groups
                .iter()
                .filter(|(_, group)| group.members.contains(key))
                .map(|(name, _)| name.clone())
                .collect();
        }
        observed
    }

    /// The results of trying the declared secrets.
    pub(super) fn check_secrets(&self, spec: &Spec) -> SecretChecks {
        let check = |key: &AccessKey, declared: &SecretRef, enabled: bool| {
            let result = match enabled {
                true if self.secrets.get(key) == Some(declared) => SecretMatch::Matches,
                true => SecretMatch::Differs,
                false => SecretMatch::NotCompared,
            };
            (key.clone(), result)
        };
        let users = spec.users.iter().filter_map(|(key, declared)| {
            let user = self.has.users.get(key)?;
            Some(check(key, &declared.secret, user.enabled))
        });
        let accounts = spec.service_accounts.values().filter_map(|declared| {
            let account = self.has.service_accounts.get(&declared.access_key)?;
            Some(check(&declared.access_key, &declared.secret, account.enabled))
        });
        users.chain(accounts).collect()
    }

    /// Begins to apply: the lease is taken.
    pub(super) fn begin(&mut self, plan: &Plan) -> crate::Result<()> {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        self.registry =
            self.registry.take_lease(plan, Holder::default(), "token", now, Alive::Unknown)?;
        Ok(())
    }

    /// Applies a plan in an order that its steps allow and `choose` decides, and stops after
    /// `budget` steps as if the process were killed.
    pub(super) fn run(
        &mut self,
        plan: &Plan,
        mut choose: impl FnMut(usize) -> usize,
        mut fails: impl FnMut(&Step) -> bool,
        budget: usize,
    ) -> Report {
        let mut report = Report::default();
        for _ in 0..budget {
            let ready: Vec<&Step> = plan
                .steps
                .iter()
                .filter(|step| !report.outcomes.contains_key(&step.id))
                .filter(|step| step.after.iter().all(|id| report.outcomes.contains_key(id)))
                .collect();
            if ready.is_empty() {
                break;
            }
            let step = ready[choose(ready.len())];
            let outcome = if let Some(because_of) = report.blocked(step) {
                Outcome::Skipped { because_of }
            } else if fails(step) {
                Outcome::from(&Error::new(ErrorKind::Denied, "not today"))
            } else {
                self.act(step).unwrap_or_else(|why| panic!("{step:#?}\n{why}"));
                Outcome::Done
            };
            report.outcomes.insert(step.id, outcome);
        }
        report
    }

    /// Plans, applies and gives the lease back.
    pub(super) fn apply(&mut self, plan: &Plan) {
        self.begin(plan).unwrap();
        let report = self.run(plan, |_| 0, |_| false, usize::MAX >> 1);
        assert!(report.is_complete(plan));
        self.end(plan, &report);
    }

    pub(super) fn end(&mut self, plan: &Plan, report: &Report) {
        let now = "2026-11-21T00:00:10Z".parse().unwrap();
        self.registry = self.registry.return_lease("token", plan, report, now).unwrap();
        // What is written is what is read.
        let written = self.registry.to_json().unwrap();
        assert_eq!(Registry::from_json(&written).unwrap(), self.registry);
    }

    fn bucket(&mut self, id: &ResourceId) -> Result<&mut ObservedBucket, String> {
        let ResourceId::Bucket(name) = id else { return refused("not a bucket") };
        self.has.buckets.get_mut(name).ok_or_else(|| "NoSuchBucket".into())
    }

    fn table(&mut self, id: &ResourceId) -> Result<&mut ObservedTable, String> {
        let ResourceId::Table(uri) = id else { return refused("not a table") };
        self.has.tables.get_mut(uri).ok_or_else(|| "no such table".into())
    }

    fn user(&mut self, id: &ResourceId) -> Result<(&AccessKey, &mut ObservedUser), String> {
        let ResourceId::User(name) = id else { return refused("not a user") };
        let known = self.has.users.range_mut(name.clone()..=name.clone()).next();
        known.ok_or_else(|| "no such user".into())
    }

    fn check_policy(document: &Value) -> Result<(), String> {
        match document["Statement"].as_array() {
            Some(statements) if !statements.is_empty() => Ok(()),
            _ => refused("MalformedPolicy"),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each action")]
    fn act(&mut self, step: &Step) -> Result<(), String> {
        let id = &step.resource;
        match step.action.clone() {
            Action::CreateBucket { object_lock } => {
                let ResourceId::Bucket(name) = id else { return refused("not a bucket") };
                let fresh = ObservedBucket {
                    contents: Contents::default().into(),
                    versioning: Reading::Is(object_lock.then_some(Versioning::Enabled)),
                    unversioned: BTreeSet::new(),
                    object_lock: Reading::Is(object_lock.then(ObjectLock::default)),
                    quota: Reading::Is(None),
                    lifecycle: Reading::Is(vec![]),
                    policy: Reading::Is(None),
                    tags: Reading::Is(BTreeMap::new()),
                    encryption: Reading::Is(None),
                    notifications: Reading::Is(vec![]),
                };
                if self.has.buckets.insert(name.clone(), fresh).is_some() {
                    return refused("BucketAlreadyOwnedByYou");
                }
            }
            Action::SetVersioning { versioning } => {
                let bucket = self.bucket(id)?;
                let locked = matches!(bucket.object_lock, Reading::Is(Some(_)));
                if versioning == Versioning::Suspended && locked {
                    return refused("InvalidBucketState");
                }
                bucket.versioning = Some(versioning).into();
                bucket.unversioned.clear();
            }
            Action::SetObjectLock { object_lock } => {
                let bucket = self.bucket(id)?;
                if bucket.object_lock == Reading::Is(None) {
                    return refused("InvalidBucketState");
                }
                bucket.object_lock = Some(object_lock).into();
            }
            Action::SetQuota { quota } => self.bucket(id)?.quota = quota.into(),
            Action::SetLifecycle { mut rules } => {
                // The server tells them in its own order and leaves nothing out.
                rules.reverse();
                let rules: Vec<_> = rules.iter().map(|rule| rule.normalised()).collect();
                self.bucket(id)?.lifecycle = rules.into();
            }
            Action::SetBucketPolicy { document } => {
                document.as_ref().map_or(Ok(()), Self::check_policy)?;
                self.bucket(id)?.policy = document.into();
            }
            Action::SetTags { tags } => self.bucket(id)?.tags = tags.into(),
            Action::SetEncryption { encryption } => self.bucket(id)?.encryption = encryption.into(),
            Action::SetNotifications { notifications } => {
                self.bucket(id)?.notifications = notifications.into();
            }
            Action::DeleteBucket { force } => {
                let ResourceId::Bucket(name) = id else { return refused("not a bucket") };
                let full = self.has.tables.keys().any(|uri| uri.bucket() == name);
                let bucket = self.has.buckets.remove(name).ok_or("NoSuchBucket")?;
                if !force && (full || bucket.contents != Contents::default().into()) {
                    return refused("BucketNotEmpty");
                }
                self.has.tables.retain(|uri, _| uri.bucket() != name);
            }

            Action::CreateTable { schema, partition_by, properties } => {
                let ResourceId::Table(uri) = id else { return refused("not a table") };
                if !self.has.buckets.contains_key(uri.bucket()) {
                    return refused("NoSuchBucket");
                }
                let fresh = ObservedTable {
                    schema,
                    partition_by,
                    properties,
                    constraints: BTreeMap::new(),
                    empty: true.into(),
                };
                if self.has.tables.insert(uri.clone(), fresh).is_some() {
                    return refused("the table exists");
                }
            }
            Action::AddColumns { columns } => {
                let table = self.table(id)?;
                for column in columns {
                    if !column.nullable || table.schema.get(&column.name).is_some() {
                        return refused("no such change");
                    }
                    table.schema.0.push(column);
                }
            }
            Action::SetTableProperties { set, unset } => {
                let table = self.table(id)?;
                table.properties.extend(set);
                for name in unset {
                    table.properties.remove(&name).ok_or("no such property")?;
                }
            }
            Action::AddConstraint { name, condition } => {
                let condition = format!("({})", condition.to_uppercase());
                if self.table(id)?.constraints.insert(name, condition).is_some() {
                    return refused("the constraint exists");
                }
            }
            Action::DropConstraint { name } => {
                self.table(id)?.constraints.remove(&name).ok_or("no such constraint")?;
            }
            Action::DropTable { force } => {
                let ResourceId::Table(uri) = id else { return refused("not a table") };
                if !force && self.table(id)?.empty == Reading::Is(false) {
                    return refused("it has rows");
                }
                self.has.tables.remove(uri).ok_or("no such table")?;
                // What it was stays as old versions.
                let bucket = self.has.buckets.get_mut(uri.bucket()).ok_or("NoSuchBucket")?;
                if bucket.versioning != Reading::Is(None) {
                    bucket.contents = Contents { other: true, ..Contents::default() }.into();
                }
            }

            Action::PutPolicy { document } => {
                let ResourceId::Policy(name) = id else { return refused("not a policy") };
                Self::check_policy(&document)?;
                self.has.policies.insert(name.clone(), document);
            }
            Action::DeletePolicy => {
                let ResourceId::Policy(name) = id else { return refused("not a policy") };
                let in_use = self.has.users.values().any(|user| user.policies.contains(name))
                    || self.has.groups.values().any(|group| group.policies.contains(name));
                if in_use {
                    return refused("PolicyInUse");
                }
                self.has.policies.remove(name).ok_or("NoSuchPolicy")?;
            }
            Action::CreateGroup => {
                let ResourceId::Group(name) = id else { return refused("not a group") };
                let fresh = ObservedGroup { enabled: true, ..ObservedGroup::default() };
                if self.has.groups.insert(name.clone(), fresh).is_some() {
                    return refused("the group exists");
                }
            }
            Action::SetGroupEnabled { enabled } => {
                let ResourceId::Group(name) = id else { return refused("not a group") };
                self.has.groups.get_mut(name).ok_or("no such group")?.enabled = enabled;
            }
            Action::DeleteGroup => {
                let ResourceId::Group(name) = id else { return refused("not a group") };
                self.has.groups.remove(name).ok_or("no such group")?;
            }
            Action::PutUser { secret, enabled } => {
                let ResourceId::User(name) = id else { return refused("not a user") };
                if self.has.service_accounts.contains_key(name) {
                    return refused("the access key is taken");
                }
                let fresh =
                    ObservedUser { enabled, policies: BTreeSet::new(), groups: BTreeSet::new() };
                self.has.users.entry(name.clone()).or_insert(fresh).enabled = enabled;
                self.secrets.insert(name.clone(), secret);
            }
            Action::SetUserEnabled { enabled } => self.user(id)?.1.enabled = enabled,
            Action::DeleteUser => {
                let ResourceId::User(name) = id else { return refused("not a user") };
                self.has.users.remove(name).ok_or("no such user")?;
                self.has.service_accounts.retain(|_, account| account.owner != *name);
                for group in self.has.groups.values_mut() {
                    group.members.remove(name);
                }
            }
            Action::JoinGroup { group } => {
                let name = self.user(id)?.0.clone();
                let group = self.has.groups.get_mut(&group).ok_or("no such group")?;
                group.members.insert(name);
            }
            Action::LeaveGroup { group } => {
                let name = self.user(id)?.0.clone();
                let group = self.has.groups.get_mut(&group).ok_or("no such group")?;
                group.members.remove(&name);
            }
            Action::AttachPolicies { policies } => {
                for name in &policies {
                    if !name.is_built_in() && !self.has.policies.contains_key(name) {
                        return refused("NoSuchPolicy");
                    }
                }
                self.attached(id)?.extend(policies);
            }
            Action::DetachPolicies { policies } => {
                self.attached(id)?.retain(|name| !policies.contains(name));
            }
            Action::CreateServiceAccount {
                owner,
                access_key,
                secret,
                policy,
                expires,
                description,
            } => {
                let owner = match owner {
                    Some(owner) if !self.has.users.contains_key(&owner) => {
                        return refused("no such user");
                    }
                    owner => owner.unwrap_or_else(|| AccessKey::new("root").unwrap()),
                };
                let taken = self.has.users.contains_key(&access_key);
                let fresh =
                    ObservedServiceAccount { owner, policy, expires, description, enabled: true };
                if taken || self.has.service_accounts.insert(access_key.clone(), fresh).is_some() {
                    return refused("the access key is taken");
                }
                self.secrets.insert(access_key, secret);
            }
            Action::UpdateServiceAccount {
                access_key,
                secret,
                policy,
                expires,
                description,
                enable,
            } => {
                fn set<T>(value: &mut Option<T>, to: Set<T>) {
                    match to {
                        Set::Keep => {}
                        Set::Clear => *value = None,
                        Set::To(new) => *value = Some(new),
                    }
                }
                let account = self.has.service_accounts.get_mut(&access_key);
                let account = account.ok_or("no such service account")?;
                account.enabled |= enable;
                set(&mut account.policy, policy);
                set(&mut account.expires, expires);
                set(&mut account.description, description);
                if let Some(secret) = secret {
                    self.secrets.insert(access_key, secret);
                }
            }
            Action::DeleteServiceAccount { access_key } => {
                self.has.service_accounts.remove(&access_key).ok_or("no such service account")?;
            }
            Action::Adopt | Action::Record | Action::Forget => {}
        }
        Ok(())
    }

    fn attached(&mut self, id: &ResourceId) -> Result<&mut BTreeSet<crate::PolicyName>, String> {
        match id {
            ResourceId::Group(name) => {
                let group = self.has.groups.get_mut(name).ok_or("no such group")?;
                Ok(&mut group.policies)
            }
            id => Ok(&mut self.user(id)?.1.policies),
        }
    }
}

/// Columns from Delta's names.
pub(super) fn columns(columns: &Value) -> Columns {
    serde_json::from_value(columns.clone()).unwrap()
}

/// Numbers of steps.
pub(super) fn ids(numbers: &[u32]) -> BTreeSet<StepId> {
    numbers.iter().copied().map(StepId).collect()
}
