//! Steps for buckets.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Draft, NewStep, Standing, earlier, shown};
use crate::bucket_config::{LifecycleRule, Notification, ObjectLock, Retention, Versioning};
use crate::name::BucketName;
use crate::plan::Action;
use crate::policy;
use crate::resource::ResourceId;
use crate::spec::BucketSpec;
use crate::state::{BucketSetting, Contents, ObservedBucket, Reading, managed};
use crate::{Error, ErrorKind};

/// A setting with everything that decides about it.
struct Setting<'s, T> {
    setting: BucketSetting,
    /// What it is called in documents.
    field: &'static str,
    /// What is declared.
    declared: Option<T>,
    /// What it is.
    found: &'s Reading<T>,
    /// What it is on a new bucket.
    default: T,
}

impl Draft<'_> {
    pub(super) fn buckets(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.buckets {
            let id = ResourceId::Bucket(name.clone());
            let found = observed.buckets.get(name);
            let Some(standing) = self.standing(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.begin(&id, standing);
            self.bucket(&id, name, declared, standing, found);
            self.end(&id, standing, declared);
        }
    }

    fn bucket(
        &mut self,
        id: &ResourceId,
        name: &BucketName,
        declared: &BucketSpec,
        standing: Standing<'_>,
        found: Option<&ObservedBucket>,
    ) {
        let before: Vec<BucketSpec> = earlier(standing.owned());
        let before: BTreeSet<BucketSetting> = before.iter().flat_map(managed).collect();
        let fresh;
        let found = match found {
            Some(found) => found,
            None => {
                let object_lock = declared.object_lock.is_some();
                let reason = match standing {
                    Standing::Missing(Some(_)) => "it is ours and is gone",
                    _ => "it does not exist",
                };
                let step = NewStep::new(Action::CreateBucket { object_lock }, reason);
                self.push(id, step);
                fresh = self.fresh_bucket(object_lock);
                &fresh
            }
        };

        self.versioning(id, declared, &before, found);
        self.object_lock(id, declared, &before, found);
        self.setting(
            id,
            &before,
            Setting {
                setting: BucketSetting::Tags,
                field: "tags",
                declared: declared.tags.clone(),
                found: &found.tags,
                default: BTreeMap::new(),
            },
            PartialEq::eq,
            |tags| Action::SetTags { tags },
        );
        self.lifecycle(id, declared, &before, found, standing.is_there());
        let document = match (&declared.policy, &declared.anonymous) {
            (Some(document), _) => Some(Some(policy::for_server(&document.0))),
            (None, Some(anonymous)) => match anonymous.to_policy(name) {
                Ok(document) => Some(document),
                Err(error) => return self.problems.push(error.on(id.to_string())),
            },
            (None, None) => None,
        };
        self.setting(
            id,
            &before,
            Setting {
                setting: BucketSetting::Policy,
                field: if declared.anonymous.is_some() { "anonymous" } else { "policy" },
                // A document that allows nothing is no document to the server.
                declared: document.map(|document| document.filter(|document| !is_empty(document))),
                found: &found.policy,
                default: None,
            },
            |a, b| match (a, b) {
                (Some(a), Some(b)) => policy::same(a, b),
                (a, b) => a.is_none() == b.is_none(),
            },
            |document| Action::SetBucketPolicy { document },
        );
        if self.observed.capabilities.admin {
            self.setting(
                id,
                &before,
                Setting {
                    setting: BucketSetting::Quota,
                    field: "quota",
                    declared: declared.quota.map(Some),
                    found: &found.quota,
                    default: None,
                },
                PartialEq::eq,
                |quota| Action::SetQuota { quota },
            );
        } else if declared.quota.is_none() && before.contains(&BucketSetting::Quota) {
            // Passed over, it would live on, and nobody could tell why.
            self.problem(
                ErrorKind::Unsupported,
                id,
                format!(
                    "its quota is not declared any more and cannot be taken away: the server has \
                     no admin API of MinIO, or these credentials may not use it. Apply with those \
                     that may; or let go of the bucket, quota and all: `lakewright forget {} \
                     --stack {}`",
                    id.address(),
                    self.spec.stack
                ),
            );
        }
        self.setting(
            id,
            &before,
            Setting {
                setting: BucketSetting::Encryption,
                field: "encryption",
                declared: declared.encryption.clone().map(Some),
                found: &found.encryption,
                default: None,
            },
            PartialEq::eq,
            |encryption| Action::SetEncryption { encryption },
        );
        let normal = |notifications: &Vec<Notification>| -> BTreeSet<Notification> {
            notifications.iter().map(Notification::normalised).collect()
        };
        self.setting(
            id,
            &before,
            Setting {
                setting: BucketSetting::Notifications,
                field: "notifications",
                declared: declared.notifications.clone(),
                found: &found.notifications,
                default: Vec::new(),
            },
            |a, b| normal(a) == normal(b),
            |notifications| Action::SetNotifications { notifications },
        );
    }

    /// A bucket as the server makes it.
    fn fresh_bucket(&self, object_lock: bool) -> ObservedBucket {
        fn reading<T>(unsupported: bool, value: T) -> Reading<T> {
            if unsupported { Reading::Unsupported } else { Reading::Is(value) }
        }
        let lacks = |setting| self.observed.capabilities.lacks.contains(&setting);
        ObservedBucket {
            contents: Contents::default().into(),
            versioning: reading(
                lacks(BucketSetting::Versioning),
                object_lock.then_some(Versioning::Enabled),
            ),
            unversioned: BTreeSet::new(),
            object_lock: reading(
                lacks(BucketSetting::ObjectLock),
                object_lock.then(ObjectLock::default),
            ),
            quota: reading(lacks(BucketSetting::Quota), None),
            lifecycle: reading(lacks(BucketSetting::Lifecycle), Vec::new()),
            policy: reading(lacks(BucketSetting::Policy), None),
            tags: reading(lacks(BucketSetting::Tags), BTreeMap::new()),
            encryption: reading(lacks(BucketSetting::Encryption), None),
            notifications: reading(lacks(BucketSetting::Notifications), Vec::new()),
        }
    }

    /// What was read, or nothing and a problem. `declared` tells a setting that is wanted from
    /// one that would only go back to its default, which it has where the server lacks it.
    fn read<'r, T>(
        &mut self,
        id: &ResourceId,
        field: &str,
        reading: &'r Reading<T>,
        declared: bool,
    ) -> Option<&'r T> {
        match reading {
            Reading::Is(value) => Some(value),
            Reading::Unsupported => {
                if declared {
                    let why = format!("the server has no such thing as \"{field}\" of a bucket");
                    self.problem(ErrorKind::Unsupported, id, why);
                }
                None
            }
            Reading::NotRead => {
                let why = format!("\"{field}\" was not read, and no plan can be made without it");
                self.problem(ErrorKind::Internal, id, why);
                None
            }
        }
    }

    fn setting<T: Clone + Serialize>(
        &mut self,
        id: &ResourceId,
        before: &BTreeSet<BucketSetting>,
        setting: Setting<'_, T>,
        same: impl Fn(&T, &T) -> bool,
        action: impl FnOnce(T) -> Action,
    ) {
        let Setting { setting, field, declared, found, default } = setting;
        let given_up = declared.is_none() && before.contains(&setting);
        let is_declared = declared.is_some();
        let Some(wanted) = declared.or_else(|| given_up.then_some(default)) else { return };
        let Some(found) = self.read(id, field, found, is_declared) else { return };
        if same(found, &wanted) {
            return;
        }
        let new = shown(&wanted).filter(is_something);
        let step = NewStep::new(action(wanted), reason(given_up));
        self.push(id, step.changing(field, shown(found).filter(is_something), new));
    }

    fn versioning(
        &mut self,
        id: &ResourceId,
        declared: &BucketSpec,
        before: &BTreeSet<BucketSetting>,
        found: &ObservedBucket,
    ) {
        let given_up = declared.versioning.is_none() && before.contains(&BucketSetting::Versioning);
        let wanted = match declared.versioning {
            Some(wanted) => wanted,
            // The lock brings versioning and needs it.
            None if given_up && declared.object_lock.is_none() => Versioning::Suspended,
            None => return,
        };
        let Some(now) = self.read(id, "versioning", &found.versioning, !given_up) else { return };
        let same = match (now, wanted) {
            // A bucket that never had versions has none to suspend.
            (None, Versioning::Suspended) => true,
            (now, wanted) => *now == Some(wanted),
        };
        let left_out = &found.unversioned;
        if same && left_out.is_empty() {
            return;
        }
        if wanted == Versioning::Suspended && matches!(found.object_lock, Reading::Is(Some(_))) {
            if given_up {
                self.note(id, "versioning stays enabled: the bucket has object lock");
            } else {
                self.problem(
                    ErrorKind::PreconditionFailed,
                    id,
                    "versioning cannot be suspended, for the bucket has object lock, which cannot \
                     be taken away: declare \"versioning\": true or leave it out; objects that \
                     need no versions belong into another bucket",
                );
            }
            return;
        }
        let step = NewStep::new(Action::SetVersioning { versioning: wanted }, reason(given_up));
        let old = match now.as_ref().and_then(shown) {
            Some(old) if !left_out.is_empty() => {
                let left_out: Vec<&str> = left_out.iter().map(String::as_str).collect();
                let old = old.as_str().map_or_else(|| old.to_string(), String::from);
                Some(Value::String(format!("{old}, but not for {}", left_out.join(", "))))
            }
            old => old,
        };
        self.push(id, step.changing("versioning", old, shown(&wanted)));
    }

    fn object_lock(
        &mut self,
        id: &ResourceId,
        declared: &BucketSpec,
        before: &BTreeSet<BucketSetting>,
        found: &ObservedBucket,
    ) {
        let given_up =
            declared.object_lock.is_none() && before.contains(&BucketSetting::ObjectLock);
        if declared.object_lock.is_none() && !given_up {
            return;
        }
        let Some(now) = self.read(id, "object_lock", &found.object_lock, !given_up) else { return };
        let wanted = declared.object_lock.unwrap_or_default();
        let now = match now {
            Some(lock) => *lock,
            None if given_up => return,
            None => {
                return self.problem(
                    ErrorKind::PreconditionFailed,
                    id,
                    "it was made without object lock, which cannot be switched on afterwards: \
                     leave \"object_lock\" out, or declare a bucket of another name with it and \
                     copy the objects there",
                );
            }
        };
        if given_up {
            self.note(
                id,
                "object lock is not declared any more and cannot be taken away; only its default \
                 retention can",
            );
        }
        if now != wanted {
            let step =
                NewStep::new(Action::SetObjectLock { object_lock: wanted }, reason(given_up));
            let text = |lock: ObjectLock| {
                lock.retention.map(|retention: Retention| Value::String(retention.to_string()))
            };
            self.push(id, step.changing("object_lock", text(now), text(wanted)));
        }
    }

    fn lifecycle(
        &mut self,
        id: &ResourceId,
        declared: &BucketSpec,
        before: &BTreeSet<BucketSetting>,
        found: &ObservedBucket,
        is_there: bool,
    ) {
        let normal = |rules: &[LifecycleRule]| -> BTreeMap<String, LifecycleRule> {
            rules.iter().map(|rule| (rule.id.clone(), rule.normalised())).collect()
        };
        // Only MinIO has an admin API. The verb refuses such rules too, but after other steps.
        let ignored = declared.lifecycle.iter().flatten();
        for (rule, why) in ignored.filter_map(|rule| Some((rule, rule.ignored_by_minio()?))) {
            if self.observed.capabilities.admin {
                let why = format!("its lifecycle rule {:?}: {why}", rule.id);
                self.problem(ErrorKind::Unsupported, id, why);
            }
        }
        let first = self.steps.len();
        self.setting(
            id,
            before,
            Setting {
                setting: BucketSetting::Lifecycle,
                field: "lifecycle",
                declared: declared.lifecycle.clone(),
                found: &found.lifecycle,
                default: Vec::new(),
            },
            |a, b| normal(a) == normal(b),
            |rules| Action::SetLifecycle { rules },
        );
        // A new rule may remove objects that are there.
        let old = normal(found.lifecycle.value().map(Vec::as_slice).unwrap_or_default());
        for step in self.steps.iter_mut().skip(first) {
            if let Action::SetLifecycle { rules } = &step.action
                && is_there
                && rules
                    .iter()
                    .any(|rule| rule.is_enabled() && old.get(&rule.id) != Some(&rule.normalised()))
            {
                step.risk = crate::plan::Risk::Destructive;
            }
        }
    }

    /// The bucket of a table is there, or will be.
    pub(super) fn bucket_of_table(&mut self, id: &ResourceId, bucket: &BucketName) -> bool {
        if self.spec.buckets.contains_key(bucket) || self.observed.buckets.contains_key(bucket) {
            return true;
        }
        self.problems.push(
            Error::new(
                ErrorKind::NotFound,
                format!("its bucket {bucket} does not exist: declare it under \"buckets\" too"),
            )
            .on(id.to_string()),
        );
        false
    }
}

fn reason(given_up: bool) -> &'static str {
    if given_up {
        "it is not declared any more and goes back to the default"
    } else {
        "it differs from what is declared"
    }
}

fn is_empty(document: &Value) -> bool {
    document.get("Statement").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Nothing is shown for what is empty.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        _ => true,
    }
}
