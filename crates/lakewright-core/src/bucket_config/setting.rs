//! Settings that are one word, or nearly so: the same in declarations and in verbs.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::spec::decode::{At, Decode, deserialize_as_decoded, hint, quoted, words};
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

impl fmt::Display for Versioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::Suspended => "suspended",
        })
    }
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

words! {
    /// Who can undo a retention.
    pub enum RetentionMode("a retention mode") {
        /// Who has `s3:BypassGovernanceRetention`.
        Governance = "governance",
        /// Nobody, not even root.
        Compliance = "compliance",
    }
}

/// How new objects are encrypted where a request does not say: `"sse_s3"` or
/// `{"sse_kms": "key-id"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// With keys that the server manages.
    SseS3,
    /// With this key of the server's key management.
    SseKms(String),
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SseS3 => f.write_str("sse_s3"),
            Self::SseKms(key) => write!(f, "sse_kms {key}"),
        }
    }
}

impl Decode for Encryption {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let expected = "\"sse_s3\" or {\"sse_kms\": \"key\"}";
        match node {
            Node::Text(text) if text == "sse_s3" => Some(Self::SseS3),
            Node::Map(entries) => match entries.as_slice() {
                [(word, Node::Text(key))] if word == "sse_kms" && !key.is_empty() => {
                    Some(Self::SseKms(key.clone()))
                }
                // The way of writing that follows from the other one.
                [(word, Node::Bool(true) | Node::Null)] if word == "sse_s3" => Some(Self::SseS3),
                [(word, Node::Map(none))] if word == "sse_s3" && none.is_empty() => {
                    Some(Self::SseS3)
                }
                _ => at.expected(expected, node),
            },
            Node::Text(text) => {
                let hint = hint(text, ["sse_s3", "sse_kms"]);
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

deserialize_as_decoded!(Encryption, "encryption");
