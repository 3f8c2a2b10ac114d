//! The tags of a bucket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingPlan};
use crate::plan::Risk;
use crate::spec::BucketSpec;

/// Replaces the tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetTags {
    /// All tags; empty for none.
    pub tags: BTreeMap<String, String>,
}

impl Setting for SetTags {
    type Value = BTreeMap<String, String>;

    const VERB: &'static str = "set_tags";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.tags.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        BTreeMap::new()
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        plan.compare::<Self>(Comparison {
            field: "tags",
            declared: plan.spec.tags.clone(),
            equal: PartialEq::eq,
            risk: |_, _| Risk::Safe,
            action: |tags| Self { tags },
        });
    }
}
