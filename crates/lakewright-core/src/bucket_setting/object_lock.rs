//! The object lock of a bucket. It can be enabled only while the bucket is created, so that a
//! step changes no more than the default retention.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Setting, SettingPlan};
use crate::ErrorKind;
use crate::bucket_config::ObjectLock;
use crate::plan::Risk;
use crate::spec::BucketSpec;

/// Sets the default retention of a bucket with object lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetObjectLock {
    /// The object lock, with or without a default retention.
    pub object_lock: ObjectLock,
}

impl Setting for SetObjectLock {
    type Value = Option<ObjectLock>;

    const VERB: &'static str = "set_object_lock";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.object_lock.is_some()
    }

    fn on_new_bucket(object_lock: bool) -> Self::Value {
        object_lock.then(ObjectLock::default)
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        let given_up = plan.is_given_up::<Self>();
        if plan.spec.object_lock.is_none() && !given_up {
            return;
        }
        let Some(found) = plan.observed::<Self>("object_lock").copied() else { return };
        let wanted = plan.spec.object_lock.unwrap_or_default();
        let found = match found {
            Some(lock) => lock,
            None if given_up => return,
            None => {
                return plan.problem(
                    ErrorKind::PreconditionFailed,
                    "it was made without object lock, which cannot be switched on afterwards: \
                     leave \"object_lock\" out, or declare a bucket of another name with it and \
                     copy the objects there",
                );
            }
        };
        if given_up {
            plan.note(
                "object lock is not declared any more and cannot be taken away; only its default \
                 retention can",
            );
        }
        if found != wanted {
            let text = |lock: ObjectLock| {
                lock.retention.map(|retention| Value::String(retention.to_string()))
            };
            // Objects that are locked already keep their retention.
            let action = Self { object_lock: wanted };
            plan.step(action, Risk::Safe, "object_lock", text(found), text(wanted));
        }
    }
}
