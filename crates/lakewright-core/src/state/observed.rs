//! The live system, as far as a spec and the registry need it, and which parts have to be read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DeclaredSpec, Owned, Registry};
use crate::bucket_setting::declared_settings;
pub use crate::bucket_setting::{BucketSetting, ObservedBucket};
use crate::identity::{AccessKey, AccountName, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::resource::ResourceId;
use crate::spec::{BucketSpec, Columns, Spec, Time};

/// A setting that was read, or the reason why it has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading<T> {
    /// It was not read, because no declaration manages it.
    #[default]
    NotRead,
    /// The server does not implement it (its response is `NotImplemented`).
    Unsupported,
    /// Its value.
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

/// The capabilities of the server that a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether `PUT` honours `If-None-Match` and `If-Match`, which the registry needs.
    pub conditional_put: bool,
    /// Whether MinIO's admin API is available: users, groups, policies, service accounts, quotas.
    pub admin: bool,
    /// Settings of buckets that the server is known not to implement. A bucket that exists has
    /// [`Reading::Unsupported`] for them; this is for buckets that are yet to be created.
    pub lacks: BTreeSet<BucketSetting>,
}

impl Capabilities {
    /// The capabilities of MinIO.
    pub const MINIO: Self = Self { conditional_put: true, admin: true, lacks: BTreeSet::new() };
    /// The capabilities of a plain S3 server.
    pub const S3: Self = Self { conditional_put: true, admin: false, lacks: BTreeSet::new() };
}

/// The resources that were found on the server, as the server returns them. A resource that
/// [`Needs`] asks for and that is in no map does not exist; other resources may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The capabilities of the server.
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

    /// Whether a resource exists. A service account is found by `access_key`, since its name
    /// exists only in specs.
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

/// The contents of a bucket: objects, versions and delete markers alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The tables in [`Needs`] that have objects below their paths. Of nested tables the outer
    /// one.
    pub tables: BTreeSet<TableUri>,
    /// Whether there are other objects.
    pub other: bool,
}

/// A table on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedTable {
    /// Its columns in their order.
    pub schema: Columns,
    /// Its partition columns.
    pub partition_by: Vec<String>,
    /// Its properties, without `delta.constraints.*`.
    pub properties: BTreeMap<String, String>,
    /// Its constraints by name, in the SQL that the table's log contains. A writer may have
    /// printed a condition anew, so it is compared with [`crate::diff::ConditionEquivalence`].
    pub constraints: BTreeMap<String, String>,
    /// Whether its newest version has no rows. Read before it is dropped.
    pub empty: Reading<bool>,
}

/// A group on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedGroup {
    /// Whether the group is enabled, so that its policies apply.
    pub enabled: bool,
    /// Its members.
    pub members: BTreeSet<AccessKey>,
    /// Policies attached to it.
    pub policies: BTreeSet<PolicyName>,
}

/// A user on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedUser {
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Policies attached to the user.
    pub policies: BTreeSet<PolicyName>,
    /// Groups of the user.
    pub groups: BTreeSet<GroupName>,
}

/// A service account on the server.
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
    /// Whether it may sign in.
    pub enabled: bool,
}

/// The resources that have to be read for a plan: all that are declared or owned by the stack,
/// and of each bucket the settings that a declaration manages.
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
    /// The needs of a plan of this spec. An empty spec gives the needs of `destroy`.
    #[must_use]
    pub fn of(spec: &Spec, registry: &Registry) -> Self {
        let mut needs = Self::default();
        for (name, bucket) in &spec.buckets {
            needs.bucket(name, bucket);
        }
        for uri in spec.tables.keys() {
            needs.tables.insert(uri.clone());
            // The plan is refused where its bucket does not exist.
            needs.buckets.entry(uri.bucket().clone()).or_default();
        }
        needs.policies.extend(spec.policies.keys().cloned());
        needs.groups.extend(spec.groups.keys().cloned());
        needs.users.extend(spec.users.keys().cloned());
        for (name, account) in &spec.service_accounts {
            needs.service_accounts.insert(account.access_key.clone(), name.clone());
        }
        for (id, owned) in registry.of_stack(&spec.stack) {
            needs.add(&id, Some(owned));
            if let ResourceId::Bucket(name) = &id {
                for declared in owned.declarations().filter_map(BucketSpec::of) {
                    needs.bucket(name, declared);
                }
                let settings = needs.buckets.entry(name.clone()).or_default();
                settings.insert(BucketSetting::Contents);
                // With versioning, a dropped table leaves its old versions in the bucket.
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

    /// Adds a resource whose existence has to be known. A service account is found by the access
    /// keys in its declarations.
    pub fn add(&mut self, id: &ResourceId, owned: Option<&Owned>) {
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
        settings.extend(declared_settings(spec));
        // Versioning cannot be suspended on a bucket with object lock.
        if spec.versioning.is_some() || spec.object_lock.is_some() {
            settings.extend([BucketSetting::Versioning, BucketSetting::ObjectLock]);
        }
    }

    /// Whether a request to the admin API is needed.
    #[must_use]
    pub fn admin(&self) -> bool {
        !self.policies.is_empty()
            || !self.groups.is_empty()
            || !self.users.is_empty()
            || !self.service_accounts.is_empty()
            || self.buckets.values().any(|settings| settings.contains(&BucketSetting::Quota))
    }
}
