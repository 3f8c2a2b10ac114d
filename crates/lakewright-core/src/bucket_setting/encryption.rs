//! The default encryption of a bucket.

use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingPlan};
use crate::bucket_config::Encryption;
use crate::plan::Risk;
use crate::spec::BucketSpec;

/// Sets the default encryption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetEncryption {
    /// The default encryption; none for no default.
    pub encryption: Option<Encryption>,
}

impl Setting for SetEncryption {
    type Value = Option<Encryption>;

    const VERB: &'static str = "set_encryption";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.encryption.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        None
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        plan.compare::<Self>(Comparison {
            field: "encryption",
            declared: plan.spec.encryption.clone().map(Some),
            equal: PartialEq::eq,
            // Objects that exist stay as they are.
            risk: |_, _| Risk::Safe,
            action: |encryption| Self { encryption },
        });
    }
}
