//! The quota of a bucket.

use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingPlan};
use crate::ErrorKind;
use crate::plan::Risk;
use crate::spec::{BucketSpec, ByteSize};

/// Sets the quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    /// The quota; none for no quota.
    pub quota: Option<ByteSize>,
}

impl Setting for SetQuota {
    type Value = Option<ByteSize>;

    const VERB: &'static str = "set_quota";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.quota.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        None
    }

    /// The server without an admin API is refused as a whole where a quota is declared, so here
    /// only a quota that is not declared any more is left.
    fn plan(plan: &mut SettingPlan<'_>) {
        if plan.capabilities.admin {
            plan.compare::<Self>(Comparison {
                field: "quota",
                declared: plan.spec.quota.map(Some),
                equal: PartialEq::eq,
                risk: |_, _| Risk::Safe,
                action: |quota| Self { quota },
            });
        } else if plan.is_given_up::<Self>() {
            // A quota that nothing declares would otherwise stay without anybody noticing.
            let why = format!(
                "its quota is not declared any more and cannot be taken away: the server has \
                 no admin API of MinIO, or these credentials may not use it. Apply with those \
                 that may; or let go of the bucket, quota and all: `lakewright forget {} \
                 --stack {}`",
                plan.id().address(),
                plan.stack
            );
            plan.problem(ErrorKind::Unsupported, why);
        }
    }
}
