//! What a bucket should be like.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decode::{At, Decode, declared, deserialize_as_decoded, one_of, quoted, words};
use super::node::Node;
use crate::bucket_config;
pub use crate::bucket_config::{Encryption, RetentionMode, Versioning};

declared! {
    #[derive(Default)]
    /// A bucket. What is left out is not managed: lakewright neither looks at it nor changes it.
    pub struct BucketSpec("a bucket") {
        /// Whether objects keep their old versions.
        pub versioning: Option<Versioning>,
        /// Objects can be locked against deletion. S3 grants this at creation only, and with it
        /// versioning for good.
        pub object_lock: Option<ObjectLock>,
        /// The most bytes the bucket may hold, as a number or like `"10GiB"`. MinIO counts in
        /// the background and enforces it late.
        pub quota: Option<ByteSize>,
        /// What happens to objects as they age: the whole configuration; an empty list means
        /// none.
        pub lifecycle: Option<Vec<LifecycleRule>>,
        /// Who may do what: a policy document as S3 takes it. Not together with `anonymous`.
        pub policy: Option<PolicyDocument>,
        /// What everybody may do without credentials, as `mc anonymous` has it. Not together
        /// with `policy`.
        pub anonymous: Option<Anonymous>,
        /// The bucket's tags: all of them; an empty map means none.
        pub tags: Option<BTreeMap<String, String>>,
        /// How new objects are encrypted where a request does not say.
        pub encryption: Option<Encryption>,
        /// Whom the server tells about changes: all of it; an empty list means nobody.
        pub notifications: Option<Vec<Notification>>,
        /// A `--prune` or `destroy` may delete the bucket with all objects in it. It counts once
        /// it was applied.
        #[serde(default)]
        pub force_destroy: bool,
        /// Take the bucket over if it exists and nobody owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}

/// How object lock protects new objects where a request does not say: the default retention of
/// S3. Written flat: `{"mode": "governance", "days": 30}`; `{}` is object lock without a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "ObjectLockFields")]
#[serde(into = "ObjectLockFields")]
pub struct ObjectLock {
    /// The default retention, if there is one.
    pub retention: Option<Retention>,
}

/// A default retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retention {
    /// Who can undo it.
    pub mode: RetentionMode,
    /// For how long.
    pub period: RetentionPeriod,
}

/// For how long a retention holds; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionPeriod {
    /// Days of 24 hours.
    Days(u32),
    /// Years; S3 counts 365 days each.
    Years(u32),
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period {
            RetentionPeriod::Days(days) => write!(f, "{} for {days} days", self.mode),
            RetentionPeriod::Years(years) => write!(f, "{} for {years} years", self.mode),
        }
    }
}

declared! {
    /// Object lock, with a default retention if `mode` and either `days` or `years` are given.
    pub(super) struct ObjectLockFields("object lock") {
        /// Who can undo the default retention.
        pub mode: Option<RetentionMode>,
        /// How many days it holds; not together with `years`.
        pub days: Option<u32>,
        /// How many years it holds; not together with `days`.
        pub years: Option<u32>,
    }
}

impl ObjectLock {
    /// What the verbs of buckets call the same.
    #[must_use]
    pub fn of_bucket(lock: &bucket_config::ObjectLock) -> Self {
        let period = match (lock.days, lock.years) {
            (Some(days), _) => Some(RetentionPeriod::Days(days)),
            (None, Some(years)) => Some(RetentionPeriod::Years(years)),
            (None, None) => None,
        };
        let retention = lock.mode.zip(period).map(|(mode, period)| Retention { mode, period });
        Self { retention }
    }
}

impl From<ObjectLock> for bucket_config::ObjectLock {
    fn from(lock: ObjectLock) -> Self {
        let ObjectLockFields { mode, days, years } = lock.into();
        Self { mode, days, years }
    }
}

impl From<ObjectLock> for ObjectLockFields {
    fn from(lock: ObjectLock) -> Self {
        let period = lock.retention.map(|retention| retention.period);
        Self {
            mode: lock.retention.map(|retention| retention.mode),
            days: match period {
                Some(RetentionPeriod::Days(days)) => Some(days),
                _ => None,
            },
            years: match period {
                Some(RetentionPeriod::Years(years)) => Some(years),
                _ => None,
            },
        }
    }
}

impl Decode for ObjectLock {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        // MinIO refuses more.
        const MOST: [(&str, u32); 2] = [("days", 36_500), ("years", 100)];
        let fields = ObjectLockFields::decode(node, at)?;
        for ((name, most), value) in MOST.into_iter().zip([fields.days, fields.years]) {
            if value.is_some_and(|value| value == 0 || value > most) {
                at.key(name, |at| at.fault(format!("a retention holds from 1 to {most} {name}")));
                return None;
            }
        }
        let period = match (fields.days, fields.years) {
            (Some(_), Some(_)) => {
                at.fault("a retention has either days or years, and both were found");
                return None;
            }
            (Some(days), None) => Some(RetentionPeriod::Days(days)),
            (None, Some(years)) => Some(RetentionPeriod::Years(years)),
            (None, None) => None,
        };
        match (fields.mode, period) {
            (Some(mode), Some(period)) => {
                Some(Self { retention: Some(Retention { mode, period }) })
            }
            (None, None) => Some(Self { retention: None }),
            (Some(_), None) => {
                at.fault("a retention needs days or years besides its mode");
                None
            }
            (None, Some(_)) => {
                at.fault("a retention needs a mode, \"governance\" or \"compliance\"");
                None
            }
        }
    }
}

deserialize_as_decoded!(ObjectLock, "object lock");

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
        // The largest unit that says it without a fraction.
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

declared! {
    /// One rule of a bucket's lifecycle. MinIO does not abort incomplete multipart uploads by
    /// rule, so there is no field for it.
    pub struct LifecycleRule("a lifecycle rule") {
        /// Its name, by which it is found again: at most 255 characters, once in a bucket.
        pub id: String,
        /// Whether it is in force; it is where nothing is said.
        pub enabled: Option<bool>,
        /// It is about keys that begin with this; about all where nothing is said.
        pub prefix: Option<String>,
        /// It is about objects with all of these tags.
        pub tags: Option<BTreeMap<String, String>>,
        /// Days after its creation an object expires.
        pub expire_after_days: Option<u32>,
        /// The day on which objects expire, at midnight UTC: `"2027-01-01"`.
        pub expire_on: Option<Day>,
        /// Days after it was replaced a version is removed.
        pub noncurrent_expire_after_days: Option<u32>,
        /// How many replaced versions are kept nevertheless.
        pub newer_noncurrent_versions: Option<u32>,
        /// Delete markers with no versions below them are removed.
        #[serde(default)]
        pub expired_object_delete_marker: bool,
    }
}

impl LifecycleRule {
    /// Whether the rule is in force.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// The same rule in one way of writing: what is said is not left out, what says nothing is.
    #[must_use]
    pub fn normalised(&self) -> Self {
        Self {
            enabled: Some(self.is_enabled()),
            prefix: self.prefix.clone().filter(|prefix| !prefix.is_empty()),
            tags: self.tags.clone().filter(|tags| !tags.is_empty()),
            ..self.clone()
        }
    }
}

/// A day of the calendar: `2027-01-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Day(pub Date);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Decode for Day {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Text(text) => match text.parse() {
                // jiff's parser takes whole timestamps too and leaves their time out.
                Ok(day) if text.len() == "2027-01-01".len() => Some(Self(day)),
                _ => {
                    at.fault(format!("{} is no day: write it like \"2027-01-01\"", quoted(text)));
                    None
                }
            },
            other => at.expected("a day (like \"2027-01-01\")", other),
        }
    }
}

deserialize_as_decoded!(Day, "a day");

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

/// A policy document as S3 takes it. Its form is checked, and it is compared by meaning
/// ([`crate::policy`]).
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct PolicyDocument(pub Value);

/// Documents are equal when they mean the same.
impl PartialEq for PolicyDocument {
    fn eq(&self, other: &Self) -> bool {
        crate::policy::same(&self.0, &other.0)
    }
}

impl Eq for PolicyDocument {}

impl Decode for PolicyDocument {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        crate::policy::check(node, at).then(|| Self(node.to_value()))
    }
}

deserialize_as_decoded!(PolicyDocument, "a policy document");

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A policy document as S3 takes it.",
            "type": "object",
            "properties": {
                "Version": { "enum": ["2012-10-17"] },
                "Id": { "type": "string" },
                "Statement": {},
            },
            "required": ["Version", "Statement"],
            "additionalProperties": false,
        })
    }
}

words! {
    /// What everybody may do without credentials.
    pub enum AnonymousAccess("an access level") {
        /// Nothing.
        None = "none",
        /// Read and list objects (`mc anonymous set download`).
        Read = "read",
        /// Write and delete objects (`mc anonymous set upload`).
        Write = "write",
        /// Both (`mc anonymous set public`).
        ReadWrite = "read_write",
    }
}

/// What everybody may do without credentials: one level for the whole bucket, or levels by
/// prefix, as in `{"public/": "read"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Anonymous {
    /// In the whole bucket.
    Everywhere(AnonymousAccess),
    /// Below prefixes; the empty prefix is the whole bucket.
    ByPrefix(BTreeMap<String, AnonymousAccess>),
}

/// What the verbs of buckets call the same: who may do nothing is not named there.
impl From<&Anonymous> for bucket_config::AnonymousAccess {
    fn from(anonymous: &Anonymous) -> Self {
        let access = |level: AnonymousAccess| match level {
            AnonymousAccess::None => None,
            AnonymousAccess::Read => Some(bucket_config::Access::Read),
            AnonymousAccess::Write => Some(bucket_config::Access::Write),
            AnonymousAccess::ReadWrite => Some(bucket_config::Access::ReadWrite),
        };
        Self(match anonymous {
            Anonymous::Everywhere(level) => {
                access(*level).map(|access| (String::new(), access)).into_iter().collect()
            }
            Anonymous::ByPrefix(levels) => levels
                .iter()
                .filter_map(|(prefix, level)| Some((prefix.clone(), access(*level)?)))
                .collect(),
        })
    }
}

impl Decode for Anonymous {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Map(_) => BTreeMap::decode(node, at).map(Self::ByPrefix),
            Node::Text(_) => AnonymousAccess::decode(node, at).map(Self::Everywhere),
            other => {
                let words = one_of(&["none", "read", "write", "read_write"]);
                at.expected(&format!("an access level ({words}) or a map of them by prefix"), other)
            }
        }
    }
}

deserialize_as_decoded!(Anonymous, "anonymous access");

declared! {
    /// Whom the server tells about which changes.
    #[derive(Hash, PartialOrd, Ord)]
    pub struct Notification("a notification") {
        /// Its name, once in a bucket.
        pub id: String,
        /// The target that the server's operator configured, such as
        /// `arn:minio:sqs::PRIMARY:webhook`.
        pub arn: String,
        /// S3's names of events, such as `s3:ObjectCreated:*`.
        pub events: Vec<String>,
        /// Only keys that begin with this.
        pub prefix: Option<String>,
        /// Only keys that end with this.
        pub suffix: Option<String>,
    }
}

impl Notification {
    /// The same in one way of writing, for comparison.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let mut events = self.events.clone();
        events.sort_unstable();
        events.dedup();
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self { events, prefix: said(&self.prefix), suffix: said(&self.suffix), ..self.clone() }
    }
}
