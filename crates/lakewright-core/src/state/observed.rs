//! The state of the server as far as a spec and the registry need it ([`Observed`]), and the parts
//! of it that have to be read ([`Needs`]).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DeclaredSpec, Owned, Registry};
use crate::bucket_config::declared_settings;
pub use crate::bucket_config::{BucketSetting, ObservedBucket};
use crate::identity::{AccessKey, AccountName, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::resource::ResourceId;
use crate::spec::{BucketSpec, Columns, Spec, Time};

/// A setting that was read, or the reason why it has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading<T> {
    /// The setting was not read, because no declaration manages it.
    #[default]
    NotRead,
    /// The server does not implement the setting (its response is `NotImplemented`).
    Unsupported,
    /// The value of the setting.
    Is(T),
}

impl<T> Reading<T> {
    /// Returns the value, if it was read and is supported.
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
    /// The buckets that exist.
    pub buckets: BTreeMap<BucketName, ObservedBucket>,
    /// The tables that exist.
    pub tables: BTreeMap<TableUri, ObservedTable>,
    /// The documents of the named policies that exist.
    pub policies: BTreeMap<PolicyName, Value>,
    /// The groups that exist.
    pub groups: BTreeMap<GroupName, ObservedGroup>,
    /// The users that exist.
    pub users: BTreeMap<AccessKey, ObservedUser>,
    /// The service accounts that exist, by access key.
    pub service_accounts: BTreeMap<AccessKey, ObservedServiceAccount>,
}

impl Observed {
    /// Returns the observation of an empty server.
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

    /// Returns whether a resource exists. A service account is found by `access_key`, since its
    /// name exists only in specs.
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
    /// The tables in [`Needs`] that have objects below their paths; of nested tables only the outer
    /// one.
    pub tables: BTreeSet<TableUri>,
    /// Whether there are other objects.
    pub other: bool,
}

/// A table on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedTable {
    /// The columns in their order.
    pub schema: Columns,
    /// The partition columns.
    pub partition_by: Vec<String>,
    /// The properties, without `delta.constraints.*`.
    pub properties: BTreeMap<String, String>,
    /// The constraints by name, in the SQL that the table's log contains. A writer may have printed
    /// a condition anew, so it is compared with [`crate::diff::ConditionEquivalence`].
    pub constraints: BTreeMap<String, String>,
    /// Whether the newest version has no rows. It is read for a table that may be dropped.
    pub empty: Reading<bool>,
}

/// A group on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedGroup {
    /// Whether the group is enabled, so that its policies apply.
    pub enabled: bool,
    /// The members of the group.
    pub members: BTreeSet<AccessKey>,
    /// The policies attached to the group.
    pub policies: BTreeSet<PolicyName>,
}

/// A user on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedUser {
    /// Whether the user may sign in.
    pub enabled: bool,
    /// The policies attached to the user.
    pub policies: BTreeSet<PolicyName>,
    /// The groups of the user.
    pub groups: BTreeSet<GroupName>,
}

/// A service account on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedServiceAccount {
    /// The user that the account acts for.
    pub owner: AccessKey,
    /// The account's own policy; `None` if the account has all permissions of its owner.
    pub policy: Option<Value>,
    /// The time at which the account expires.
    pub expires: Option<Time>,
    /// The description for people.
    pub description: Option<String>,
    /// Whether the account may sign in.
    pub enabled: bool,
}

/// The resources that have to be read for a plan: all that are declared or owned by the stack,
/// and of each bucket the settings that a declaration manages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The buckets to read, each with the settings to read.
    pub buckets: BTreeMap<BucketName, BTreeSet<BucketSetting>>,
    /// The tables to read.
    pub tables: BTreeSet<TableUri>,
    /// The named policies to read.
    pub policies: BTreeSet<PolicyName>,
    /// The groups to read.
    pub groups: BTreeSet<GroupName>,
    /// The users to read.
    pub users: BTreeSet<AccessKey>,
    /// The service accounts to read, by access key.
    pub service_accounts: BTreeMap<AccessKey, AccountName>,
}

impl Needs {
    /// Returns the needs of a plan of this spec. An empty spec gives the needs of `destroy`.
    #[must_use]
    pub fn of(spec: &Spec, registry: &Registry) -> Self {
        let mut needs = Self::default();
        for (name, bucket) in &spec.buckets {
            needs.bucket(name, bucket);
        }
        for uri in spec.tables.keys() {
            needs.tables.insert(uri.clone());
            // The plan is refused if the bucket does not exist.
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

    /// Returns whether a request to the admin API is needed.
    #[must_use]
    pub fn admin(&self) -> bool {
        !self.policies.is_empty()
            || !self.groups.is_empty()
            || !self.users.is_empty()
            || !self.service_accounts.is_empty()
            || self.buckets.values().any(|settings| settings.contains(&BucketSetting::Quota))
    }
}
