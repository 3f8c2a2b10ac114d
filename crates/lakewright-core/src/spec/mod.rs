//! The spec: one versioned JSON document that declares the resources of a stack. Nix modules,
//! Python files and people write the same format.
//!
//! Reading is strict. Unknown fields, duplicate keys, wrong types and literal secrets are refused,
//! all at once and each with its path ([`Error::failures`]). All faults that can be found without a
//! server are found here: invalid names, references to undeclared resources, two declarations of
//! one resource.
//!
//! A field that is left out is not managed, which differs from an empty one: without `tags` the
//! tags are not changed, with `"tags": {}` all are removed. [`crate::diff`](mod@crate::diff)
//! describes the handling of a field that a later spec leaves out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

mod access;
mod bucket;
mod check;
mod column;
pub(crate) mod decode;
pub(crate) mod node;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod warnings;

pub use access::{Grant, GroupSpec, PolicySpec, ServiceAccountSpec, Time, UserSpec};
pub use bucket::BucketSpec;
pub(crate) use column::same_name;
pub use column::{Column, ColumnType, Columns, field_name};
pub use table::TableSpec;
pub use warnings::Warning;

pub use crate::bucket_config::{
    Access, AnonymousAccess, ByteSize, Day, Encryption, LifecycleRule, Notification, ObjectLock,
    PolicyDocument, Retention, RetentionMode, RetentionPeriod, Versioning,
};
use crate::identity::{AccessKey, AccountName, GroupName, PolicyName, StackName};
use crate::name::{BucketName, TableUri};
use crate::resource::ResourceKind;
use crate::{Error, Result};
use decode::{At, Decode, Fields, declared, deserialize_as_decoded};
use node::Node;

declared! {
    /// The declared resources of one stack.
    ///
    /// ```
    /// use lakewright_core::Spec;
    /// let spec = Spec::from_json(br#"{
    ///     "version": 1,
    ///     "stack": "lake",
    ///     "buckets": { "raw": { "versioning": true, "quota": "10GiB" } }
    /// }"#)?;
    /// assert_eq!(spec.buckets.len(), 1);
    ///
    /// let error = Spec::from_json(br#"{
    ///     "version": 1, "stack": "lake", "buckets": { "raw": { "versionning": true } }
    /// }"#).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "buckets.raw.versionning: a bucket has no such field; did you mean \"versioning\"?",
    /// );
    /// # Ok::<(), lakewright_core::Error>(())
    /// ```
    pub struct Spec("the document") {
        /// The version of this format: 1.
        pub version: SpecVersion,
        /// The stack that owns everything that is declared here. Two specs with the same stack
        /// would delete each other's resources.
        pub stack: StackName,
        /// The bucket of the registry, which records the owners of resources: the same for all
        /// stacks of a server. The default is `lakewright-state`.
        pub registry: Option<BucketName>,
        /// Buckets by name.
        #[serde(default)]
        pub buckets: BTreeMap<BucketName, BucketSpec>,
        /// Delta tables by `bucket/path`.
        #[serde(default)]
        #[serde(serialize_with = "short_uris")]
        pub tables: BTreeMap<TableUri, TableSpec>,
        /// Policies by name.
        #[serde(default)]
        pub policies: BTreeMap<PolicyName, PolicySpec>,
        /// Groups by name.
        #[serde(default)]
        pub groups: BTreeMap<GroupName, GroupSpec>,
        /// Users by access key.
        #[serde(default)]
        pub users: BTreeMap<AccessKey, UserSpec>,
        /// Service accounts, by names that only lakewright knows.
        #[serde(default)]
        pub service_accounts: BTreeMap<AccountName, ServiceAccountSpec>,
    }
}

/// Serialises tables under the short form of their URIs, `raw/flights`.
fn short_uris<S: Serializer>(
    tables: &BTreeMap<TableUri, TableSpec>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tables.iter().map(|(uri, table)| (short_uri(uri), table)))
}

/// Returns a URI in its short form, `bucket/path`.
pub(crate) fn short_uri(uri: &TableUri) -> String {
    format!("{}/{}", uri.bucket(), uri.path())
}

/// The version of the format. One version exists, and any other is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SpecVersion;

impl SpecVersion {
    /// The number in the field `version`.
    pub const NUMBER: u64 = 1;
}

impl Serialize for SpecVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl Decode for SpecVersion {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Number(number) if number.as_u64() == Some(Self::NUMBER) => Some(Self),
            Node::Number(number) => {
                at.fault(format!(
                    "version {number} of the format is not known; this lakewright knows version {}",
                    Self::NUMBER
                ));
                None
            }
            other => at.expected("the version of the format (a number)", other),
        }
    }
}

deserialize_as_decoded!(SpecVersion, "the version of the format");

impl JsonSchema for SpecVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SpecVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "const": Self::NUMBER })
    }
}

impl Spec {
    /// The size of the largest spec that is read, in bytes. Ten thousand buckets with rules and
    /// tags are about 4 MiB.
    pub const MAX_BYTES: usize = crate::json::MAX_BYTES;

    /// The bucket of the registry if the spec names none.
    pub const DEFAULT_REGISTRY: &str = "lakewright-state";

    /// Reads and checks a spec.
    ///
    /// # Errors
    /// `InvalidSpec` with all faults: [`Error::failures`] has one error for each fault if there are
    /// several, each with its path as the resource.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        Self::from_node(&Node::parse(json)?)
    }

    /// Reads and checks a spec that is already parsed as JSON. Columns that are declared as a map
    /// are in the order of that map, which is alphabetical unless serde_json preserves the order of
    /// keys.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn from_value(value: &Value) -> Result<Self> {
        Self::from_node(&Node::from_value(value)?)
    }

    fn from_node(node: &Node) -> Result<Self> {
        // The version is checked first, because the fields of another version are not known.
        if let Node::Map(_) = node {
            let mut at = At::default();
            let ignored = &mut At::default();
            let fields = Fields::of(node, "the document", &[], ignored);
            let version = fields.and_then(|fields| fields.take::<SpecVersion>("version", &mut at));
            if version.is_none() {
                return Err(at.into_error("the document"));
            }
        }
        let mut at = At::default();
        let spec = Self::decode(node, &mut at);
        if let Some(spec) = &spec {
            check::check(spec, &mut at);
        }
        match spec {
            Some(spec) if at.is_clean() => Ok(spec),
            _ => Err(at.into_error("the document")),
        }
    }

    /// Returns a spec that declares no resources.
    #[must_use]
    pub fn empty(stack: StackName) -> Self {
        Self {
            version: SpecVersion,
            stack,
            registry: None,
            buckets: BTreeMap::new(),
            tables: BTreeMap::new(),
            policies: BTreeMap::new(),
            groups: BTreeMap::new(),
            users: BTreeMap::new(),
            service_accounts: BTreeMap::new(),
        }
    }

    /// Returns the number of declared resources of each kind, in the order of creation.
    #[must_use]
    pub fn numbers(&self) -> [(ResourceKind, usize); 6] {
        [
            (ResourceKind::Bucket, self.buckets.len()),
            (ResourceKind::Table, self.tables.len()),
            (ResourceKind::Policy, self.policies.len()),
            (ResourceKind::Group, self.groups.len()),
            (ResourceKind::User, self.users.len()),
            (ResourceKind::ServiceAccount, self.service_accounts.len()),
        ]
    }

    /// Returns the stack and the numbers on one line: `stack lake: 2 buckets, 1 table`.
    #[must_use]
    pub fn summary(&self) -> String {
        let there = self.numbers().into_iter().filter(|(_, number)| *number > 0);
        let parts: Vec<String> = there.map(|(kind, number)| kind.counted(number)).collect();
        let content = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
        format!("stack {}: {content}", self.stack)
    }

    /// Returns the bucket of the registry.
    ///
    /// # Errors
    /// None in practice: the default is a valid name.
    pub fn registry_bucket(&self) -> Result<BucketName> {
        match &self.registry {
            Some(bucket) => Ok(bucket.clone()),
            None => BucketName::new(Self::DEFAULT_REGISTRY),
        }
    }

    /// Returns the name of the bucket of the registry.
    #[must_use]
    pub fn registry_name(&self) -> &str {
        self.registry.as_ref().map_or(Self::DEFAULT_REGISTRY, BucketName::as_str)
    }

    /// Returns what is valid and probably not meant, such as access to the bucket of the registry.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        warnings::warnings(self)
    }

    /// Returns the canonical JSON: sizes in bytes, columns as a list, keys sorted, without fields
    /// that have their default.
    ///
    /// # Errors
    /// `Internal` when serialisation fails, which has no known cause.
    pub fn canonical(&self) -> Result<String> {
        Ok(sorted_json(&to_value(self)?))
    }

    /// Returns the SHA-256 of [`Self::canonical`] in hexadecimal. It is equal for specs that differ
    /// only in their order.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<String> {
        Ok(hex(&Sha256::digest(self.canonical()?)))
    }

    /// Returns the JSON Schema of the format (draft 2020-12), pretty-printed. Editors can complete
    /// and check specs with it; [`Self::from_json`] checks more.
    ///
    /// # Errors
    /// `Internal` when serialisation fails, which has no known cause.
    pub fn json_schema() -> Result<String> {
        let mut schema = schemars::schema_for!(Self);
        schema.insert("title".into(), "What should exist: lakewright's spec document".into());
        let sorted = sorted_json(schema.as_value());
        let value: Value = serde_json::from_str(&sorted).map_err(unwritten)?;
        serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(unwritten)
    }
}

/// Serialises a value of this crate to JSON.
pub(crate) fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(unwritten)
}

fn unwritten(error: serde_json::Error) -> Error {
    Error::new(crate::ErrorKind::Internal, format!("cannot be written as JSON: {error}"))
        .caused_by(error)
}

/// Serialises JSON with sorted keys. serde_json sorts keys unless another crate enables its feature
/// `preserve_order`, which must not change a hash.
pub(crate) fn sorted_json(value: &Value) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            Value::Object(entries) => {
                let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
                out.push('{');
                for (index, (key, item)) in sorted.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{}:", Value::String(key.clone()));
                    write(item, out);
                }
                out.push('}');
            }
            plain => {
                let _ = write!(out, "{plain}");
            }
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Formats bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
