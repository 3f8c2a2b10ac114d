//! Versioning of a bucket.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::subresource::{Subresource, Unreadable, read_xml, write_xml};
use super::{Setting, SettingAction, SettingPlan};
use crate::plan::{Risk, json_value};
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, deserialize_as_decoded, hint, quoted};
use crate::spec::node::Node;
use crate::state::Reading;
use crate::{Error, ErrorKind};

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
    type Value = ObservedVersioning;

    const VERB: &'static str = "set_versioning";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.versioning.is_some()
    }

    fn on_new_bucket(object_lock: bool) -> Self::Value {
        if object_lock { Versioning::Enabled.into() } else { ObservedVersioning::default() }
    }

    fn value(self) -> Self::Value {
        self.versioning.into()
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        let given_up = plan.is_given_up::<Self>();
        let wanted = match plan.spec.versioning {
            Some(wanted) => wanted,
            // Object lock enables versioning and depends on it.
            None if given_up && plan.spec.object_lock.is_none() => Versioning::Suspended,
            None => return,
        };
        let Some(found) = plan.observed::<Self>("versioning") else { return };
        let ObservedVersioning { state: found, unversioned } = found;
        let same = match (*found, wanted) {
            // Versioning that was never enabled need not be suspended.
            (None, Versioning::Suspended) => true,
            (found, wanted) => found == Some(wanted),
        };
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

/// The versioning of a bucket as a server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedVersioning {
    /// Its state; none for a bucket that never had versioning.
    pub state: Option<Versioning>,
    /// The object keys without versioning, as patterns such as `tmp/*`. This is an extension of
    /// MinIO that a spec cannot declare.
    pub unversioned: BTreeSet<String>,
}

impl From<Versioning> for ObservedVersioning {
    fn from(versioning: Versioning) -> Self {
        Self { state: Some(versioning), unversioned: BTreeSet::new() }
    }
}

/// The XML of versioning
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_VersioningConfiguration.html>), with the
/// elements that only MinIO has (`internal/bucket/versioning/versioning.go` in its sources).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    status: Option<String>,
    #[serde(default, skip_serializing)]
    excluded_prefixes: Vec<ExcludedPrefix>,
    #[serde(default, skip_serializing)]
    exclude_folders: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExcludedPrefix {
    #[serde(default)]
    prefix: String,
}

const ENABLED: &str = "Enabled";
const SUSPENDED: &str = "Suspended";

impl Subresource for ObservedVersioning {
    type Declared = Versioning;

    const NAME: &'static str = "versioning";
    const GET: &'static str = "get_versioning";
    const SET: &'static str = "set_versioning";

    fn not_configured() -> Self {
        Self::default()
    }

    fn into_declared(self) -> Result<Option<Self::Declared>, Unreadable> {
        match self.unversioned.first() {
            None => Ok(self.state),
            Some(keys) => {
                Err(Unreadable::Inexpressible(format!("the versioning leaves out {keys}")))
            }
        }
    }

    fn from_declared(declared: Option<Self::Declared>) -> Self {
        Self { state: declared, unversioned: BTreeSet::new() }
    }

    fn check_value(&self) -> crate::Result<()> {
        let why = "versioning cannot be removed from a bucket: \"suspended\" ends it";
        self.state.map(drop).ok_or_else(|| Error::invalid_input(why))
    }

    fn from_body(body: &str) -> Result<Self, Unreadable> {
        let configuration: Configuration = read_xml(body)?;
        let state = match configuration.status.as_deref() {
            None | Some("") => None,
            Some(ENABLED) => Some(Versioning::Enabled),
            Some(SUSPENDED) => Some(Versioning::Suspended),
            Some(other) => {
                let what = format!("the versioning is {other:?}");
                return Err(Unreadable::Inexpressible(what));
            }
        };
        let excluded = configuration.excluded_prefixes.iter();
        let below = excluded.map(|ExcludedPrefix { prefix }| format!("{prefix}*"));
        let folders = configuration.exclude_folders.then(|| "*/".to_owned());
        Ok(Self { state, unversioned: below.chain(folders).collect() })
    }

    fn to_body(&self) -> Option<String> {
        let status = match self.state? {
            Versioning::Enabled => ENABLED,
            Versioning::Suspended => SUSPENDED,
        };
        let configuration = Configuration {
            status: Some(status.into()),
            excluded_prefixes: Vec::new(),
            exclude_folders: false,
        };
        Some(write_xml("VersioningConfiguration", &configuration))
    }

    fn explain(&self, refusal: Error) -> Error {
        match (refusal.service_code(), self.state) {
            ("InvalidBucketState", Some(Versioning::Suspended)) => {
                refusal.with_kind(ErrorKind::Conflict).with_message(
                    "the bucket has object lock, which keeps every version: versioning cannot be \
                     suspended",
                )
            }
            _ => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    fn read(inside: &str) -> ObservedVersioning {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<VersioningConfiguration \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</VersioningConfiguration>"
        );
        ObservedVersioning::from_body(&body).unwrap()
    }

    #[test]
    fn excluded_prefixes_and_folders_are_read() {
        let enabled = "<Status>Enabled</Status>";
        assert_eq!(read(""), ObservedVersioning::default());
        let mfa = read(&format!("{enabled}<MfaDelete>Disabled</MfaDelete>"));
        assert_eq!(mfa, Versioning::Enabled.into());
        let of = |prefix: &str| {
            format!("<ExcludedPrefixes><Prefix>{prefix}</Prefix></ExcludedPrefixes>")
        };
        let both = format!(
            "{enabled}{}{}<ExcludeFolders>true</ExcludeFolders>",
            of("tmp/"),
            of("a&amp;b")
        );
        let unversioned: Vec<String> = read(&both).unversioned.into_iter().collect();
        assert_eq!(unversioned, ["*/", "a&b*", "tmp/*"]);
    }

    #[test]
    fn the_xml_is_read_as_it_is_written() {
        for versioning in Versioning::ALL {
            let observed = ObservedVersioning::from(*versioning);
            let body = observed.to_body().unwrap();
            assert_eq!(ObservedVersioning::from_body(&body), Ok(observed), "{body}");
        }
        let other = "<VersioningConfiguration><Status>Odd</Status></VersioningConfiguration>";
        let error = ObservedVersioning::from_body(other).unwrap_err();
        assert_eq!(error, Unreadable::Inexpressible("the versioning is \"Odd\"".into()));
    }

    #[test]
    fn the_json_is_stable() {
        assert_eq!(to_value(Versioning::Suspended).unwrap(), json!("suspended"));
    }
}
