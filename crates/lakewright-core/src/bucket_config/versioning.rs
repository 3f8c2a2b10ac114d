//! Versioning of a bucket.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Setting, SettingAction, SettingPlan};
use crate::ErrorKind;
use crate::plan::{Risk, json_value};
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, deserialize_as_decoded, hint, quoted};
use crate::spec::node::Node;
use crate::state::Reading;

/// Whether objects keep their old versions: `"enabled"` or `true`, `"suspended"` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Versioning {
    /// Every write makes a new version.
    Enabled,
    /// New writes replace the null version. Old versions stay.
    Suspended,
}

impl Versioning {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Enabled, Self::Suspended];

    /// The value as it is written in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Suspended => "suspended",
        }
    }
}

impl fmt::Display for Versioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Setting for Versioning {
    const FIELD: &'static str = "versioning";
}

impl Decode for Versioning {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let expected = "versioning (true or \"enabled\", false or \"suspended\")";
        match node {
            Node::Bool(true) => Some(Self::Enabled),
            Node::Bool(false) => Some(Self::Suspended),
            Node::Text(text) if text == "enabled" => Some(Self::Enabled),
            Node::Text(text) if text == "suspended" => Some(Self::Suspended),
            Node::Text(text) => {
                let hint = hint(text, ["enabled", "suspended"]);
                at.fault(format!(
                    "{expected} is expected here, and {} was found{hint}",
                    quoted(text)
                ));
                None
            }
            other => at.expected(expected, other),
        }
    }
}

deserialize_as_decoded!(Versioning, "versioning");

impl JsonSchema for Versioning {
    fn schema_name() -> Cow<'static, str> {
        "Versioning".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether objects keep their old versions: \"enabled\" or true, \"suspended\" or false.",
            "enum": [true, false, "enabled", "suspended"],
        })
    }
}

/// Enables versioning or suspends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetVersioning {
    /// The new state.
    pub versioning: Versioning,
}

impl SettingAction for SetVersioning {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_json_is_stable() {
        assert_eq!(to_value(Versioning::Suspended).unwrap(), json!("suspended"));
    }
}
