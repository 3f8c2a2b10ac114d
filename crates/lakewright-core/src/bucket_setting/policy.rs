//! The policy of a bucket, which specs write as `policy` or as `anonymous`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Comparison, Setting, SettingPlan};
use crate::plan::Risk;
use crate::policy;
use crate::spec::BucketSpec;

/// Replaces the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetBucketPolicy {
    /// The policy document; none for no policy.
    pub document: Option<Value>,
}

impl Setting for SetBucketPolicy {
    type Value = Option<Value>;

    const VERB: &'static str = "set_bucket_policy";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.policy.is_some() || spec.anonymous.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        None
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        let document = match (&plan.spec.policy, &plan.spec.anonymous) {
            (Some(document), _) => Some(Some(policy::for_server(&document.0))),
            (None, Some(anonymous)) => match anonymous.to_policy(plan.name) {
                Ok(document) => Some(document),
                Err(error) => {
                    plan.problems.push(error.on(plan.id().to_string()));
                    return;
                }
            },
            (None, None) => None,
        };
        plan.compare::<Self>(Comparison {
            field: if plan.spec.anonymous.is_some() { "anonymous" } else { "policy" },
            // For the server a document that allows nothing is no policy.
            declared: document.map(|document| document.filter(has_statements)),
            equal: |found, wanted| match (found, wanted) {
                (Some(found), Some(wanted)) => policy::same(found, wanted),
                (found, wanted) => found.is_none() == wanted.is_none(),
            },
            // The plan shows the document that is replaced.
            risk: |_, _| Risk::Safe,
            action: |document| Self { document },
        });
    }
}

fn has_statements(document: &Value) -> bool {
    document.get("Statement").and_then(Value::as_array).is_none_or(|all| !all.is_empty())
}
