//! Versioning of a bucket.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::Setting;
use crate::spec::decode::{At, Decode, deserialize_as_decoded, hint, quoted};
use crate::spec::node::Node;

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_json_is_stable() {
        assert_eq!(to_value(Versioning::Suspended).unwrap(), json!("suspended"));
    }
}
