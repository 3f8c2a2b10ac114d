//! Quota of a bucket.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingAction, SettingPlan};
use crate::ErrorKind;
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, deserialize_as_decoded, quoted};
use crate::spec::node::Node;

/// A number of bytes, written as a number or as text with a unit: `"10GiB"`, `"500 MB"`. Units
/// with an i are powers of 1024, without powers of 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ByteSize(pub u64);

impl ByteSize {
    const UNITS: [(&str, u64); 11] = [
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("PiB", 1 << 50),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("PB", 1_000_000_000_000_000),
    ];

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        let wrong =
            || format!("{} is no size: write bytes as a number, or like \"10GiB\"", quoted(text));
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let factor = if unit.is_empty() {
            1
        } else {
            let known = |(name, _): &&(&str, u64)| name.eq_ignore_ascii_case(unit);
            let (_, factor) = Self::UNITS.iter().find(known).ok_or_else(|| {
                let units: Vec<&str> = Self::UNITS.iter().map(|(name, _)| *name).collect();
                format!("{} is no unit of size; there are {}", quoted(unit), units.join(", "))
            })?;
            *factor
        };
        number.checked_mul(factor).map(Self).ok_or_else(|| format!("{} is too large", quoted(text)))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, factor): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*factor);
        // The largest unit in which the number is whole.
        match Self::UNITS.iter().filter(exact).max_by_key(|(_, factor)| *factor) {
            Some((unit, factor)) => write!(f, "{} {unit}", self.0 / factor),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl Decode for ByteSize {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Number(number) => match number.as_u64() {
                Some(bytes) => Some(Self(bytes)),
                None => {
                    at.fault("a size is a whole number of bytes, 0 or more");
                    None
                }
            },
            Node::Text(text) => Self::parse(text).map_err(|why| at.fault(why)).ok(),
            other => at.expected("a size (bytes as a number, or like \"10GiB\")", other),
        }
    }
}

deserialize_as_decoded!(ByteSize, "a size");

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes, as a number or like \"10GiB\" or \"500MB\".",
            "oneOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^\\s*[0-9]+\\s*([kKmMgGtTpP][iI]?)?[bB]?\\s*$" },
            ],
        })
    }
}

/// The most bytes that the bucket may hold.
impl Setting for ByteSize {
    const FIELD: &'static str = "quota";

    fn check_at(&self, at: &mut At) {
        if self.0 == 0 {
            at.fault("a quota of 0 bytes means no quota to MinIO: leave the field out");
        }
    }
}

/// Sets the quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    /// The quota; none for no quota.
    pub quota: Option<ByteSize>,
}

impl SettingAction for SetQuota {
    type Value = Option<ByteSize>;

    const VERB: &'static str = "set_quota";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.quota.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        None
    }

    fn value(self) -> Self::Value {
        self.quota
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
