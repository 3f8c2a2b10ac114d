//! The list of the settings, and what follows from it: the names of settings ([`BucketSetting`]),
//! the fields of a bucket on the server ([`ObservedBucket`]), the actions on buckets
//! ([`BucketAction`]) with their table, and the order of the steps.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::SettingPlan;
use super::subresource::Subresource;
use super::{ByteSize, Encryption, LifecycleRule, Notification, ObjectLock, ObservedVersioning};
use crate::Error;
use crate::plan::{ActionRow, Effect, Risk};
use crate::spec::BucketSpec;
use crate::spec::decode::{hint, quoted};
use crate::state::{Contents, Reading};

/// The action that sets one setting of a bucket, and how its value is compared.
pub(crate) trait SettingAction: Into<BucketAction> {
    /// The value that is observed.
    type Value;

    /// The verb of the action, which is its name in snake case.
    const VERB: &'static str;

    /// Whether `spec` declares the setting.
    fn is_declared(spec: &BucketSpec) -> bool;

    /// Returns the value on a bucket that was just created.
    fn on_new_bucket(object_lock: bool) -> Self::Value;

    /// Returns the value that the setting has afterwards.
    fn value(self) -> Self::Value;

    /// Compares the declared value with the observed one and plans the step that sets it.
    fn plan(plan: &mut SettingPlan<'_>);
}

/// A use of the parts of a bucket, such as reading them. [`BucketSetting::visit`] calls the method
/// of the part, with the type of the setting.
pub trait SettingVisitor {
    /// The result.
    type Output;

    /// Uses the contents.
    fn contents(self) -> Self::Output;

    /// Uses the quota, which belongs to MinIO's admin API.
    fn quota(self) -> Self::Output;

    /// Uses a setting that S3 has as a sub-resource. `enter` stores a reading of it in an observed
    /// bucket.
    fn s3<S: Subresource + Send + Sync + 'static>(
        self,
        enter: fn(&mut ObservedBucket, Reading<S>),
    ) -> Self::Output;
}

/// A use of the actions on a bucket, such as carrying them out. [`BucketAction::visit`] calls the
/// method of the action.
pub trait BucketActionVisitor {
    /// The result.
    type Output;

    /// Uses [`BucketAction::CreateBucket`].
    fn create(self, object_lock: bool) -> Self::Output;

    /// Uses [`BucketAction::DeleteBucket`].
    fn delete(self, force: bool) -> Self::Output;

    /// Uses the action that sets the quota, which belongs to MinIO's admin API.
    fn quota(self, quota: Option<ByteSize>) -> Self::Output;

    /// Uses an action that sets a sub-resource of S3 to `value`.
    fn s3<S: Subresource + Send + Sync + 'static>(self, value: S) -> Self::Output;
}

/// The entry of a setting in the list: its name and its field in an observed bucket.
pub(crate) trait Listed: SettingAction {
    /// The name of the setting.
    const NAME: BucketSetting;

    /// Returns the observed value.
    fn observed(bucket: &ObservedBucket) -> &Reading<Self::Value>;
}

macro_rules! visit_setting {
    (s3, $visitor:ident, $module:ident) => {
        $visitor.s3(|bucket, reading| bucket.$module = reading)
    };
    (quota, $visitor:ident, $module:ident) => {
        $visitor.quota()
    };
}

macro_rules! bucket_settings {
    ($( $(#[$doc:meta])* $module:ident: $Name:ident($Value:ty) => $Action:ident by $api:ident; )*) => {
        /// The actions that set one setting each.
        pub(crate) mod actions {
            $( pub use crate::bucket_config::$module::$Action; )*
        }

        /// The types of the settings.
        pub(super) mod types {
            $( pub use crate::bucket_config::$module::*; )*
        }

        /// The parts of a bucket that can be observed: the fields of [`ObservedBucket`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BucketSetting {
            /// The objects, versions and delete markers in it.
            Contents,
            $( $(#[$doc])* $Name, )*
        }

        impl BucketSetting {
            /// The settings that have a value, which [`BucketSetting::Contents`] has not.
            pub const SETTINGS: &[Self] = &[$( Self::$Name, )*];

            /// Returns the name, which for a setting is that of its field in a spec.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Contents => "contents",
                    $( Self::$Name => stringify!($module), )*
                }
            }
        }

        /// A bucket on the server.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct ObservedBucket {
            /// The objects, versions and delete markers in it. Read before a deletion.
            pub contents: Reading<Contents>,
            $( $(#[$doc])* pub $module: Reading<$Value>, )*
        }

        impl ObservedBucket {
            /// Returns the settings that the server is known not to implement.
            pub fn unsupported(&self) -> impl Iterator<Item = BucketSetting> {
                [$( (BucketSetting::$Name, matches!(self.$module, Reading::Unsupported)), )*]
                    .into_iter()
                    .filter_map(|(setting, unsupported)| unsupported.then_some(setting))
            }

            /// Returns a bucket that was just created on a server without the settings in
            /// `lacks`.
            pub(crate) fn new_bucket(object_lock: bool, lacks: &BTreeSet<BucketSetting>) -> Self {
                fn value_on_new_bucket<S: Listed>(object_lock: bool, lacks: &BTreeSet<BucketSetting>) -> Reading<S::Value> {
                    if lacks.contains(&S::NAME) {
                        return Reading::Unsupported;
                    }
                    Reading::Is(S::on_new_bucket(object_lock))
                }
                Self {
                    contents: Reading::Is(Contents::default()),
                    $( $module: value_on_new_bucket::<super::$module::$Action>(object_lock, lacks), )*
                }
            }
        }

        /// The actions on a bucket.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
        pub enum BucketAction {
            /// Creates the bucket.
            CreateBucket {
                /// Whether to enable object lock, which also enables versioning.
                object_lock: bool,
            },
            $( $(#[$doc])* $Action(super::$module::$Action), )*
            /// Deletes the bucket.
            DeleteBucket {
                /// Whether to delete every object, version and delete marker in it first.
                /// Otherwise the server refuses a bucket that is not empty.
                force: bool,
            },
        }

        impl BucketAction {
            /// Returns the row of the action.
            #[must_use]
            pub const fn row(&self) -> ActionRow {
                match self {
                    Self::CreateBucket { .. } => {
                        ActionRow::new("create_bucket", Effect::Creates, Risk::Safe)
                    }
                    // The loss depends on the value that is replaced, so that the comparison of
                    // the setting states the risk of the step.
                    $( Self::$Action(_) => {
                        let verb = <super::$module::$Action as SettingAction>::VERB;
                        ActionRow::new(verb, Effect::Changes, Risk::Safe)
                    } )*
                    Self::DeleteBucket { force: false } => {
                        ActionRow::new("delete_bucket", Effect::Deletes, Risk::Destructive)
                    }
                    Self::DeleteBucket { force: true } => {
                        let effect = Effect::DeletesWithContents;
                        ActionRow::new("delete_bucket", effect, Risk::Destructive)
                    }
                }
            }
        }

        $(
            impl From<super::$module::$Action> for BucketAction {
                fn from(action: super::$module::$Action) -> Self {
                    Self::$Action(action)
                }
            }

            impl Listed for super::$module::$Action {
                const NAME: BucketSetting = BucketSetting::$Name;

                fn observed(bucket: &ObservedBucket) -> &Reading<Self::Value> {
                    &bucket.$module
                }
            }
        )*

        impl BucketSetting {
            /// Calls the method of `visitor` for this part of a bucket.
            pub fn visit<V: SettingVisitor>(self, visitor: V) -> V::Output {
                match self {
                    Self::Contents => visitor.contents(),
                    $( Self::$Name => visit_setting!($api, visitor, $module), )*
                }
            }
        }

        impl BucketAction {
            /// Calls the method of `visitor` for this action.
            pub fn visit<V: BucketActionVisitor>(self, visitor: V) -> V::Output {
                match self {
                    Self::CreateBucket { object_lock } => visitor.create(object_lock),
                    $( Self::$Action(action) => visitor.$api(action.value()), )*
                    Self::DeleteBucket { force } => visitor.delete(force),
                }
            }
        }

        /// Returns the settings that `spec` declares.
        pub(crate) fn declared_settings(spec: &BucketSpec) -> BTreeSet<BucketSetting> {
            let all = [$( (BucketSetting::$Name, <super::$module::$Action as SettingAction>::is_declared(spec)), )*];
            all.into_iter().filter_map(|(name, declared)| declared.then_some(name)).collect()
        }

        /// Plans the steps of every setting, in the order of the list.
        pub(crate) fn plan_settings(plan: &mut SettingPlan<'_>) {
            $( <super::$module::$Action as SettingAction>::plan(plan); )*
        }
    };
}

impl FromStr for BucketSetting {
    type Err = Error;

    /// Reads the name of a setting.
    fn from_str(name: &str) -> Result<Self, Error> {
        let settings = Self::SETTINGS.iter().copied();
        settings.clone().find(|setting| setting.as_str() == name).ok_or_else(|| {
            let names: Vec<&str> = settings.map(Self::as_str).collect();
            let hint = hint(name, names.iter().copied());
            let why = format!(
                "there is no setting {}{hint}; there are {}",
                quoted(name),
                names.join(", ")
            );
            Error::invalid_input(why)
        })
    }
}

bucket_settings! {
    /// Versioning, with the object keys that it leaves out.
    versioning: Versioning(ObservedVersioning) => SetVersioning by s3;
    /// Object lock with its default retention; none for a bucket that was created without it.
    object_lock: ObjectLock(Option<ObjectLock>) => SetObjectLock by s3;
    /// The tags.
    tags: Tags(BTreeMap<String, String>) => SetTags by s3;
    /// The lifecycle rules.
    lifecycle: Lifecycle(Vec<LifecycleRule>) => SetLifecycle by s3;
    /// The policy document; none for no policy.
    policy: Policy(Option<Value>) => SetBucketPolicy by s3;
    /// The quota; none for no quota.
    quota: Quota(Option<ByteSize>) => SetQuota by quota;
    /// The default encryption; none for no default.
    encryption: Encryption(Option<Encryption>) => SetEncryption by s3;
    /// The notifications.
    notifications: Notifications(Vec<Notification>) => SetNotifications by s3;
}
