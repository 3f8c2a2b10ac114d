//! The notifications of a bucket.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingPlan};
use crate::bucket_config::Notification;
use crate::plan::Risk;
use crate::spec::BucketSpec;

/// Replaces the notifications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetNotifications {
    /// All notifications; empty for none.
    pub notifications: Vec<Notification>,
}

impl Setting for SetNotifications {
    type Value = Vec<Notification>;

    const VERB: &'static str = "set_notifications";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.notifications.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        Vec::new()
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        plan.compare::<Self>(Comparison {
            field: "notifications",
            declared: plan.spec.notifications.clone(),
            equal: |found, wanted| normal(found) == normal(wanted),
            risk: |_, _| Risk::Safe,
            action: |notifications| Self { notifications },
        });
    }
}

/// Returns the notifications in their normal form. Servers keep them in any order.
fn normal(notifications: &[Notification]) -> BTreeSet<Notification> {
    notifications.iter().map(Notification::normalised).collect()
}
