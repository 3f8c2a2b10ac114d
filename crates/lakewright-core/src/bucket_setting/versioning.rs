//! The versioning of a bucket.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Setting, SettingPlan};
use crate::ErrorKind;
use crate::bucket_config::Versioning;
use crate::plan::{Risk, json_value};
use crate::spec::BucketSpec;
use crate::state::Reading;

/// Enables versioning or suspends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetVersioning {
    /// The new state.
    pub versioning: Versioning,
}

impl Setting for SetVersioning {
    type Value = Option<Versioning>;

    const VERB: &'static str = "set_versioning";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.versioning.is_some()
    }

    fn on_new_bucket(object_lock: bool) -> Self::Value {
        object_lock.then_some(Versioning::Enabled)
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        let given_up = plan.is_given_up::<Self>();
        let wanted = match plan.spec.versioning {
            Some(wanted) => wanted,
            // Object lock enables versioning and depends on it.
            None if given_up && plan.spec.object_lock.is_none() => Versioning::Suspended,
            None => return,
        };
        let Some(found) = plan.observed::<Self>("versioning").copied() else { return };
        let same = match (found, wanted) {
            // Versioning that was never enabled need not be suspended.
            (None, Versioning::Suspended) => true,
            (found, wanted) => found == Some(wanted),
        };
        let unversioned = &plan.observed.unversioned;
        if same && unversioned.is_empty() {
            return;
        }
        let locked = matches!(plan.observed.object_lock, Reading::Is(Some(_)));
        if wanted == Versioning::Suspended && locked {
            if given_up {
                plan.note("versioning stays enabled: the bucket has object lock");
            } else {
                plan.problem(
                    ErrorKind::PreconditionFailed,
                    "versioning cannot be suspended, for the bucket has object lock, which cannot \
                     be taken away: declare \"versioning\": true or leave it out; objects that \
                     need no versions belong into another bucket",
                );
            }
            return;
        }
        let old = match found.as_ref().and_then(json_value) {
            Some(old) if !unversioned.is_empty() => {
                let patterns: Vec<&str> = unversioned.iter().map(String::as_str).collect();
                let old = old.as_str().map_or_else(|| old.to_string(), String::from);
                Some(Value::String(format!("{old}, but not for {}", patterns.join(", "))))
            }
            old => old,
        };
        // Suspending keeps the versions that exist.
        let action = Self { versioning: wanted };
        plan.step(action, Risk::Safe, "versioning", old, json_value(&wanted));
    }
}
