//! The live system, as far as a declaration asks about it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Owned, Registry};
use crate::identity::{AccessKey, AccountName, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::resource::ResourceId;
use crate::spec::{
    BucketSpec, ByteSize, Columns, Encryption, LifecycleRule, Notification, ObjectLock, Spec, Time,
    Versioning,
};

/// A setting as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading<T> {
    /// Nobody asked: no declaration manages it.
    #[default]
    NotRead,
    /// The server has no such thing (it answers `NotImplemented`).
    Unsupported,
    /// What it is.
    Is(T),
}

impl<T> Reading<T> {
    /// The value, if it was read and is supported.
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::NotRead | Self::Unsupported => None,
        }
    }
}

impl<T> From<T> for Reading<T> {
    fn from(value: T) -> Self {
        Self::Is(value)
    }
}

/// What the server can do, as far as a plan depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `PUT` with `If-None-Match` and `If-Match` is honoured, so that a registry can be kept.
    pub conditional_put: bool,
    /// MinIO's admin API answers: users, groups, policies, service accounts, quotas.
    pub admin: bool,
    /// Settings of buckets that the server is known not to have. For a bucket that exists a
    /// [`Reading::Unsupported`] says the same; this is for those that are yet to be made.
    pub lacks: BTreeSet<BucketSetting>,
}

impl Capabilities {
    /// What MinIO can do.
    pub const MINIO: Self = Self { conditional_put: true, admin: true, lacks: BTreeSet::new() };
    /// What a plain S3 server can do.
    pub const S3: Self = Self { conditional_put: true, admin: false, lacks: BTreeSet::new() };
}

/// What was found on the server. What is not in a map is not there; what nobody asked about need
/// not be in it either, see [`Needs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What the server can do.
    pub capabilities: Capabilities,
    /// Buckets.
    pub buckets: BTreeMap<BucketName, ObservedBucket>,
    /// Tables.
    pub tables: BTreeMap<TableUri, ObservedTable>,
    /// Documents of named policies.
    pub policies: BTreeMap<PolicyName, Value>,
    /// Groups.
    pub groups: BTreeMap<GroupName, ObservedGroup>,
    /// Users.
    pub users: BTreeMap<AccessKey, ObservedUser>,
    /// Service accounts by access key.
    pub service_accounts: BTreeMap<AccessKey, ObservedServiceAccount>,
}

impl Observed {
    /// An empty server.
    #[must_use]
    pub const fn nothing(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            buckets: BTreeMap::new(),
            tables: BTreeMap::new(),
            policies: BTreeMap::new(),
            groups: BTreeMap::new(),
            users: BTreeMap::new(),
            service_accounts: BTreeMap::new(),
        }
    }

    /// Whether a resource is there. A service account is found by its access key, which its name
    /// does not tell: it is looked up in `access_key`.
    #[must_use]
    pub fn has(&self, id: &ResourceId, access_key: Option<&AccessKey>) -> bool {
        match id {
            ResourceId::Bucket(name) => self.buckets.contains_key(name),
            ResourceId::Table(uri) => self.tables.contains_key(uri),
            ResourceId::Policy(name) => self.policies.contains_key(name),
            ResourceId::Group(name) => self.groups.contains_key(name),
            ResourceId::User(name) => self.users.contains_key(name),
            ResourceId::ServiceAccount(_) => {
                access_key.is_some_and(|key| self.service_accounts.contains_key(key))
            }
        }
    }
}

/// A bucket as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedBucket {
    /// What lies in it. Asked before it is deleted.
    pub contents: Reading<Contents>,
    /// Its versioning; none for a bucket that never had it.
    pub versioning: Reading<Option<Versioning>>,
    /// The keys that its versioning leaves out, as patterns such as `tmp/*`: MinIO's own
    /// extension, which no declaration asks for.
    pub unversioned: BTreeSet<String>,
    /// Its object lock; none for a bucket that was made without it.
    pub object_lock: Reading<Option<ObjectLock>>,
    /// Its quota; none for no quota.
    pub quota: Reading<Option<ByteSize>>,
    /// Its lifecycle rules.
    pub lifecycle: Reading<Vec<LifecycleRule>>,
    /// Its policy document.
    pub policy: Reading<Option<Value>>,
    /// Its tags.
    pub tags: Reading<BTreeMap<String, String>>,
    /// Its default encryption.
    pub encryption: Reading<Option<Encryption>>,
    /// Its notifications.
    pub notifications: Reading<Vec<Notification>>,
}

/// What lies in a bucket: objects, versions and delete markers alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Those of the tables in [`Needs`] that have something below their paths. Of tables that lie
    /// in each other the outer one.
    pub tables: BTreeSet<TableUri>,
    /// Whether there is anything else.
    pub other: bool,
}

/// A table as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedTable {
    /// Its columns in their order.
    pub schema: Columns,
    /// The columns that its files are divided by.
    pub partition_by: Vec<String>,
    /// Its properties, without `delta.constraints.*`.
    pub properties: BTreeMap<String, String>,
    /// Its constraints by name, as the server keeps their SQL.
    pub constraints: BTreeMap<String, String>,
    /// Whether its newest version has no rows. Asked before it is dropped.
    pub empty: Reading<bool>,
}

/// A group as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedGroup {
    /// Whether its policies count.
    pub enabled: bool,
    /// Who is in it.
    pub members: BTreeSet<AccessKey>,
    /// Policies attached to it.
    pub policies: BTreeSet<PolicyName>,
}

/// A user as she is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedUser {
    /// Whether she may come in.
    pub enabled: bool,
    /// Policies attached to her.
    pub policies: BTreeSet<PolicyName>,
    /// Groups that she is in.
    pub groups: BTreeSet<GroupName>,
    /// Whether the declared secret is hers.
    pub secret: SecretMatch,
}

/// A service account as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedServiceAccount {
    /// The user that it acts for.
    pub owner: AccessKey,
    /// Its own policy; none if it may do all that its owner may.
    pub policy: Option<Value>,
    /// When it ends.
    pub expires: Option<Time>,
    /// The description for people.
    pub description: Option<String>,
    /// Whether it may come in.
    pub enabled: bool,
    /// Whether the declared secret is its own.
    pub secret: SecretMatch,
}

/// Whether a declared secret is the one that the server has. Found out by trying it; neither of
/// the two is ever kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMatch {
    /// A request that was signed with it passed.
    Matches,
    /// The server refused the signature.
    Differs,
    /// Nobody tried: nothing is declared, or a disabled user, whom MinIO refuses before it looks
    /// at the signature.
    NotCompared,
}

/// What has to be read for a plan: everything that is declared or owned by the stack, and of it
/// the settings that some declaration manages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Buckets, each with the settings to read.
    pub buckets: BTreeMap<BucketName, BTreeSet<BucketSetting>>,
    /// Tables.
    pub tables: BTreeSet<TableUri>,
    /// Policies.
    pub policies: BTreeSet<PolicyName>,
    /// Groups.
    pub groups: BTreeSet<GroupName>,
    /// Users.
    pub users: BTreeSet<AccessKey>,
    /// Service accounts by access key.
    pub service_accounts: BTreeMap<AccessKey, AccountName>,
}

impl Needs {
    /// What a plan of this document has to know. Without a document: of what `destroy` has to
    /// know about the stack.
    #[must_use]
    pub fn of(spec: &Spec, registry: &Registry) -> Self {
        let mut needs = Self::default();
        for (name, bucket) in &spec.buckets {
            needs.bucket(name, bucket);
        }
        for uri in spec.tables.keys() {
            needs.tables.insert(uri.clone());
            // Whether its bucket is there.
            needs.buckets.entry(uri.bucket().clone()).or_default();
        }
        needs.policies.extend(spec.policies.keys().cloned());
        needs.groups.extend(spec.groups.keys().cloned());
        needs.users.extend(spec.users.keys().cloned());
        for (name, account) in &spec.service_accounts {
            needs.service_accounts.insert(account.access_key.clone(), name.clone());
        }
        for (id, owned) in registry.of_stack(&spec.stack) {
            needs.also(&id, Some(owned));
            if let ResourceId::Bucket(name) = &id {
                for declared in owned.declarations() {
                    if let Ok(bucket) = serde_json::from_value::<BucketSpec>(declared.clone()) {
                        needs.bucket(name, &bucket);
                    }
                }
                let settings = needs.buckets.entry(name.clone()).or_default();
                settings.insert(BucketSetting::Contents);
                // Of tables that are dropped in it versions may stay.
                if registry
                    .of_stack(&spec.stack)
                    .any(|(id, _)| matches!(&id, ResourceId::Table(uri) if uri.bucket() == name))
                {
                    settings.insert(BucketSetting::Versioning);
                }
            }
        }
        needs
    }

    /// Whether a resource is there is to be known too. A service account is found by the access
    /// keys that its declarations name.
    pub fn also(&mut self, id: &ResourceId, owned: Option<&Owned>) {
        match id {
            ResourceId::Bucket(name) => {
                self.buckets.entry(name.clone()).or_default();
            }
            ResourceId::Table(uri) => {
                self.tables.insert(uri.clone());
            }
            ResourceId::Policy(name) => {
                self.policies.insert(name.clone());
            }
            ResourceId::Group(name) => {
                self.groups.insert(name.clone());
            }
            ResourceId::User(name) => {
                self.users.insert(name.clone());
            }
            ResourceId::ServiceAccount(name) => {
                for key in owned.into_iter().flat_map(Owned::access_keys) {
                    self.service_accounts.entry(key).or_insert_with(|| name.clone());
                }
            }
        }
    }

    fn bucket(&mut self, name: &BucketName, spec: &BucketSpec) {
        let settings = self.buckets.entry(name.clone()).or_default();
        settings.extend(managed(spec));
        // Whether versioning may be suspended depends on the lock.
        if spec.versioning.is_some() || spec.object_lock.is_some() {
            settings.extend([BucketSetting::Versioning, BucketSetting::ObjectLock]);
        }
    }

    /// Whether anything has to be asked of the admin API.
    #[must_use]
    pub fn admin(&self) -> bool {
        !self.policies.is_empty()
            || !self.groups.is_empty()
            || !self.users.is_empty()
            || !self.service_accounts.is_empty()
            || self.buckets.values().any(|settings| settings.contains(&BucketSetting::Quota))
    }
}

/// What can be read of a bucket: the fields of [`ObservedBucket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketSetting {
    /// What lies in it.
    Contents,
    /// Its versioning.
    Versioning,
    /// Its object lock.
    ObjectLock,
    /// Its quota.
    Quota,
    /// Its lifecycle.
    Lifecycle,
    /// Its policy.
    Policy,
    /// Its tags.
    Tags,
    /// Its default encryption.
    Encryption,
    /// Its notifications.
    Notifications,
}

/// The settings that a declaration manages.
pub(crate) fn managed(spec: &BucketSpec) -> impl Iterator<Item = BucketSetting> {
    let BucketSpec {
        versioning,
        object_lock,
        quota,
        lifecycle,
        policy,
        anonymous,
        tags,
        encryption,
        notifications,
        force_destroy: _,
        adopt: _,
    } = spec;
    [
        (BucketSetting::Versioning, versioning.is_some()),
        (BucketSetting::ObjectLock, object_lock.is_some()),
        (BucketSetting::Quota, quota.is_some()),
        (BucketSetting::Lifecycle, lifecycle.is_some()),
        (BucketSetting::Policy, policy.is_some() || anonymous.is_some()),
        (BucketSetting::Tags, tags.is_some()),
        (BucketSetting::Encryption, encryption.is_some()),
        (BucketSetting::Notifications, notifications.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, managed)| managed.then_some(name))
}
