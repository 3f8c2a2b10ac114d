//! The lifecycle configuration of a bucket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingPlan};
use crate::ErrorKind;
use crate::bucket_config::LifecycleRule;
use crate::plan::Risk;
use crate::spec::BucketSpec;

/// Replaces the lifecycle configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLifecycle {
    /// All rules; empty for no configuration.
    pub rules: Vec<LifecycleRule>,
}

impl Setting for SetLifecycle {
    type Value = Vec<LifecycleRule>;

    const VERB: &'static str = "set_lifecycle";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.lifecycle.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        Vec::new()
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        // Only MinIO has an admin API. The verb refuses such rules too, but after other steps.
        let ignored = plan.spec.lifecycle.iter().flatten();
        for (rule, why) in ignored.filter_map(|rule| Some((rule, rule.ignored_by_minio()?))) {
            if plan.capabilities.admin {
                let why = format!("its lifecycle rule {:?}: {why}", rule.id);
                plan.problem(ErrorKind::Unsupported, why);
            }
        }
        plan.compare::<Self>(Comparison {
            field: "lifecycle",
            declared: plan.spec.lifecycle.clone(),
            equal: |found, wanted| by_id(found) == by_id(wanted),
            risk: |found, wanted| risk(found, wanted),
            action: |rules| Self { rules },
        });
    }
}

/// Returns the rules by their ids, each in its normal form. Servers keep them in any order.
fn by_id(rules: &[LifecycleRule]) -> BTreeMap<&str, LifecycleRule> {
    rules.iter().map(|rule| (rule.id.as_str(), rule.normalised())).collect()
}

/// Returns the risk of new rules: one that is new or changed may expire objects that exist.
fn risk(found: &[LifecycleRule], wanted: &[LifecycleRule]) -> Risk {
    let found = by_id(found);
    let expires = |rule: &LifecycleRule| {
        rule.is_enabled() && found.get(rule.id.as_str()) != Some(&rule.normalised())
    };
    if wanted.iter().any(expires) { Risk::Destructive } else { Risk::Safe }
}
