//! A model of a server, as strict as MinIO, that plans are applied to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bucket_config::ObservedVersioning;
use crate::identity::{AccessKey, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::plan::*;
use crate::secret::SecretRef;
use crate::spec::{Columns, ObjectLock, Spec, Versioning};
use crate::state::{
    Alive, Capabilities, Contents, Holder, Observed, ObservedBucket, ObservedGroup,
    ObservedServiceAccount, ObservedTable, ObservedUser, Reading, Registry, SecretChecks,
    SecretMatch,
};
use crate::{Error, ErrorKind};

/// The state of a server, including secrets, which no server returns.
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

    /// Returns the result of observing the server.
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

    /// Returns the results of trying the declared secrets.
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

    /// Takes the lease for a plan.
    pub(super) fn begin(&mut self, plan: &Plan) -> crate::Result<()> {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        self.registry =
            self.registry.take_lease(plan, Holder::default(), "token", now, Alive::Unknown)?;
        Ok(())
    }

    /// Applies a plan and stops after `budget` steps, as if the process were killed. Among the
    /// steps that are ready `choose` selects the next one.
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
                StepStatus::Skipped { because_of }
            } else if fails(step) {
                StepStatus::from(&Error::new(ErrorKind::Denied, "not today"))
            } else {
                self.act(step).unwrap_or_else(|why| panic!("{step:#?}\n{why}"));
                StepStatus::Done
            };
            report.outcomes.insert(step.id, outcome);
        }
        report
    }

    /// Applies a whole plan under its lease.
    pub(super) fn apply(&mut self, plan: &Plan) {
        self.begin(plan).unwrap();
        let report = self.run(plan, |_| 0, |_| false, usize::MAX >> 1);
        assert!(report.is_complete(plan));
        self.end(plan, &report);
    }

    pub(super) fn end(&mut self, plan: &Plan, report: &Report) {
        let now = "2026-11-21T00:00:10Z".parse().unwrap();
        self.registry = self.registry.return_lease("token", plan, report, now).unwrap();
        // The registry can be read back without a difference.
        let written = self.registry.to_json().unwrap();
        assert_eq!(Registry::from_json(&written).unwrap(), self.registry);
    }

    fn bucket(&mut self, name: &BucketName) -> Result<&mut ObservedBucket, String> {
        self.has.buckets.get_mut(name).ok_or_else(|| "NoSuchBucket".into())
    }

    fn table(&mut self, uri: &TableUri) -> Result<&mut ObservedTable, String> {
        self.has.tables.get_mut(uri).ok_or_else(|| "no such table".into())
    }

    fn group(&mut self, name: &GroupName) -> Result<&mut ObservedGroup, String> {
        self.has.groups.get_mut(name).ok_or_else(|| "no such group".into())
    }

    fn user(&mut self, name: &AccessKey) -> Result<&mut ObservedUser, String> {
        self.has.users.get_mut(name).ok_or_else(|| "no such user".into())
    }

    fn check_policy(document: &Value) -> Result<(), String> {
        match document["Statement"].as_array() {
            Some(statements) if !statements.is_empty() => Ok(()),
            _ => refused("MalformedPolicy"),
        }
    }

    fn act(&mut self, step: &Step) -> Result<(), String> {
        match step.action.clone() {
            Action::Bucket(name, action) => self.act_on_bucket(&name, action),
            Action::Table(uri, action) => self.act_on_table(&uri, action),
            Action::Policy(name, action) => self.act_on_policy(&name, action),
            Action::Group(name, action) => self.act_on_group(&name, action),
            Action::User(name, action) => self.act_on_user(&name, action),
            Action::ServiceAccount(_, action) => self.act_on_service_account(action),
            Action::Registry(..) => Ok(()),
        }
    }

    fn act_on_bucket(&mut self, name: &BucketName, action: BucketAction) -> Result<(), String> {
        match action {
            BucketAction::CreateBucket { object_lock } => {
                let fresh = ObservedBucket {
                    contents: Contents::default().into(),
                    versioning: Reading::Is(ObservedVersioning {
                        state: object_lock.then_some(Versioning::Enabled),
                        ..ObservedVersioning::default()
                    }),
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
            BucketAction::SetVersioning(SetVersioning { versioning }) => {
                let bucket = self.bucket(name)?;
                let locked = matches!(bucket.object_lock, Reading::Is(Some(_)));
                if versioning == Versioning::Suspended && locked {
                    return refused("InvalidBucketState");
                }
                bucket.versioning = ObservedVersioning::from(versioning).into();
            }
            BucketAction::SetObjectLock(SetObjectLock { object_lock }) => {
                let bucket = self.bucket(name)?;
                if bucket.object_lock == Reading::Is(None) {
                    return refused("InvalidBucketState");
                }
                bucket.object_lock = Some(object_lock).into();
            }
            BucketAction::SetQuota(SetQuota { quota }) => self.bucket(name)?.quota = quota.into(),
            BucketAction::SetLifecycle(SetLifecycle { mut rules }) => {
                // The server returns them in another order and with all default values.
                rules.reverse();
                let rules: Vec<_> = rules.iter().map(|rule| rule.normalised()).collect();
                self.bucket(name)?.lifecycle = rules.into();
            }
            BucketAction::SetBucketPolicy(SetBucketPolicy { document }) => {
                document.as_ref().map_or(Ok(()), Self::check_policy)?;
                self.bucket(name)?.policy = document.into();
            }
            BucketAction::SetTags(SetTags { tags }) => self.bucket(name)?.tags = tags.into(),
            BucketAction::SetEncryption(SetEncryption { encryption }) => {
                self.bucket(name)?.encryption = encryption.into()
            }
            BucketAction::SetNotifications(SetNotifications { notifications }) => {
                self.bucket(name)?.notifications = notifications.into();
            }
            BucketAction::DeleteBucket { force } => {
                let full = self.has.tables.keys().any(|uri| uri.bucket() == name);
                let bucket = self.has.buckets.remove(name).ok_or("NoSuchBucket")?;
                if !force && (full || bucket.contents != Contents::default().into()) {
                    return refused("BucketNotEmpty");
                }
                self.has.tables.retain(|uri, _| uri.bucket() != name);
            }
        }
        Ok(())
    }

    fn act_on_table(&mut self, uri: &TableUri, action: TableAction) -> Result<(), String> {
        match action {
            TableAction::CreateTable { schema, partition_by, properties } => {
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
            TableAction::AddColumns { columns } => {
                let table = self.table(uri)?;
                for column in columns {
                    if !column.nullable || table.schema.get(&column.name).is_some() {
                        return refused("no such change");
                    }
                    table.schema.0.push(column);
                }
            }
            TableAction::SetTableProperties { set, unset } => {
                let table = self.table(uri)?;
                table.properties.extend(set);
                for name in unset {
                    table.properties.remove(&name).ok_or("no such property")?;
                }
            }
            TableAction::AddConstraint { name, condition } => {
                let condition = format!("({})", condition.to_uppercase());
                if self.table(uri)?.constraints.insert(name, condition).is_some() {
                    return refused("the constraint exists");
                }
            }
            TableAction::DropConstraint { name } => {
                self.table(uri)?.constraints.remove(&name).ok_or("no such constraint")?;
            }
            TableAction::DropTable { force } => {
                if !force && self.table(uri)?.empty == Reading::Is(false) {
                    return refused("it has rows");
                }
                self.has.tables.remove(uri).ok_or("no such table")?;
                // The old versions of its files stay.
                let bucket = self.has.buckets.get_mut(uri.bucket()).ok_or("NoSuchBucket")?;
                if bucket.versioning != Reading::Is(ObservedVersioning::default()) {
                    bucket.contents = Contents { other: true, ..Contents::default() }.into();
                }
            }
        }
        Ok(())
    }

    fn act_on_policy(&mut self, name: &PolicyName, action: PolicyAction) -> Result<(), String> {
        match action {
            PolicyAction::PutPolicy { document } => {
                Self::check_policy(&document)?;
                self.has.policies.insert(name.clone(), document);
            }
            PolicyAction::DeletePolicy => {
                let in_use = self.has.users.values().any(|user| user.policies.contains(name))
                    || self.has.groups.values().any(|group| group.policies.contains(name));
                if in_use {
                    return refused("PolicyInUse");
                }
                self.has.policies.remove(name).ok_or("NoSuchPolicy")?;
            }
        }
        Ok(())
    }

    fn act_on_group(&mut self, name: &GroupName, action: GroupAction) -> Result<(), String> {
        match action {
            GroupAction::CreateGroup => {
                let fresh = ObservedGroup { enabled: true, ..ObservedGroup::default() };
                if self.has.groups.insert(name.clone(), fresh).is_some() {
                    return refused("the group exists");
                }
            }
            GroupAction::SetGroupEnabled { enabled } => {
                self.group(name)?.enabled = enabled;
            }
            GroupAction::DeleteGroup => {
                self.has.groups.remove(name).ok_or("no such group")?;
            }
            GroupAction::AttachPolicies { policies } => {
                self.check_attachable(&policies)?;
                self.group(name)?.policies.extend(policies);
            }
            GroupAction::DetachPolicies { policies } => {
                self.group(name)?.policies.retain(|name| !policies.contains(name));
            }
        }
        Ok(())
    }

    fn act_on_user(&mut self, name: &AccessKey, action: UserAction) -> Result<(), String> {
        match action {
            UserAction::PutUser { secret, enabled } => {
                if self.has.service_accounts.contains_key(name) {
                    return refused("the access key is taken");
                }
                let fresh =
                    ObservedUser { enabled, policies: BTreeSet::new(), groups: BTreeSet::new() };
                self.has.users.entry(name.clone()).or_insert(fresh).enabled = enabled;
                self.secrets.insert(name.clone(), secret);
            }
            UserAction::SetUserEnabled { enabled } => self.user(name)?.enabled = enabled,
            UserAction::DeleteUser => {
                self.has.users.remove(name).ok_or("no such user")?;
                self.has.service_accounts.retain(|_, account| account.owner != *name);
                for group in self.has.groups.values_mut() {
                    group.members.remove(name);
                }
            }
            UserAction::JoinGroup { group } => {
                self.user(name)?;
                self.group(&group)?.members.insert(name.clone());
            }
            UserAction::LeaveGroup { group } => {
                self.user(name)?;
                self.group(&group)?.members.remove(name);
            }
            UserAction::AttachPolicies { policies } => {
                self.check_attachable(&policies)?;
                self.user(name)?.policies.extend(policies);
            }
            UserAction::DetachPolicies { policies } => {
                self.user(name)?.policies.retain(|name| !policies.contains(name));
            }
        }
        Ok(())
    }

    fn act_on_service_account(&mut self, action: ServiceAccountAction) -> Result<(), String> {
        match action {
            ServiceAccountAction::CreateServiceAccount {
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
            ServiceAccountAction::UpdateServiceAccount {
                access_key,
                secret,
                policy,
                expires,
                description,
                enable,
            } => {
                fn set<T>(value: &mut Option<T>, to: FieldUpdate<T>) {
                    match to {
                        FieldUpdate::Keep => {}
                        FieldUpdate::Clear => *value = None,
                        FieldUpdate::To(new) => *value = Some(new),
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
            ServiceAccountAction::DeleteServiceAccount { access_key } => {
                self.has.service_accounts.remove(&access_key).ok_or("no such service account")?;
            }
        }
        Ok(())
    }

    fn check_attachable(&self, policies: &BTreeSet<PolicyName>) -> Result<(), String> {
        let known = |name: &PolicyName| name.is_built_in() || self.has.policies.contains_key(name);
        if policies.iter().all(known) { Ok(()) } else { refused("NoSuchPolicy") }
    }
}

/// Reads columns from a map of Delta's type names.
pub(super) fn columns(columns: &Value) -> Columns {
    serde_json::from_value(columns.clone()).unwrap()
}

/// Returns a set of step numbers.
pub(super) fn ids(numbers: &[u32]) -> BTreeSet<StepId> {
    numbers.iter().copied().map(StepId).collect()
}
