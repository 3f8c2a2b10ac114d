//! Lifecycle rules of a bucket.

mod xml;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingAction, SettingPlan, tags};
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, declared, deserialize_as_decoded, quoted};
use crate::spec::node::Node;
use crate::{ErrorKind, ObjectKey, Result};

/// The most rules of a bucket, and the longest id of a rule in characters
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
const MAX_RULES: usize = 1000;
const MAX_ID: usize = 255;

/// The largest number of days and of versions: servers keep both in signed 32 bits.
const MAX_COUNT: u32 = i32::MAX as u32;

/// The largest size of an object in a filter, in bytes: servers keep it in signed 64 bits.
const MAX_SIZE: u64 = i64::MAX as u64;

declared! {
    /// One rule of a bucket's lifecycle. It applies to the objects that match its prefix, all its
    /// tags and its sizes. A field that is left out is the same as one that is empty.
    #[derive(Hash)]
    pub struct LifecycleRule("a lifecycle rule") {
        /// Its name, which identifies it: at most 255 characters, once in a bucket.
        pub id: String,
        /// Whether it is in force; the default is true.
        pub enabled: Option<bool>,
        /// The rule applies to keys that begin with this; the default is all keys.
        pub prefix: Option<String>,
        /// The rule applies to objects that have all of these tags.
        pub tags: Option<BTreeMap<String, String>>,
        /// The rule applies to objects of more bytes than this.
        pub object_size_greater_than: Option<u64>,
        /// The rule applies to objects of fewer bytes than this.
        pub object_size_less_than: Option<u64>,
        /// Days after its creation an object expires.
        pub expire_after_days: Option<u32>,
        /// The day on which objects expire, at midnight UTC: `"2027-01-01"`. From then on every
        /// object that matches expires.
        pub expire_on: Option<Day>,
        /// Delete markers with no versions below them are removed.
        #[serde(default)]
        pub expired_object_delete_marker: bool,
        /// Days after it was replaced a version is removed.
        pub noncurrent_expire_after_days: Option<u32>,
        /// How many replaced versions are kept nevertheless, the newest ones.
        pub newer_noncurrent_versions: Option<u32>,
        /// Days after its start an incomplete multipart upload is removed. MinIO does not have
        /// such rules and refuses them: its setting `api stale_uploads_expiry` does the same.
        pub abort_incomplete_after_days: Option<u32>,
        /// Moves of objects to other storage.
        pub transitions: Option<Vec<Transition>>,
        /// Moves of replaced versions to other storage.
        pub noncurrent_transitions: Option<Vec<NoncurrentTransition>>,
    }
}

declared! {
    /// A move of objects to other storage, either some days after their creation or on a day.
    #[derive(Hash, PartialOrd, Ord)]
    pub struct Transition("a transition") {
        /// A storage class of S3, or the name of a tier of MinIO.
        pub storage_class: String,
        /// Days after the creation of an object, 0 for at once. Not together with `on`.
        pub after_days: Option<u32>,
        /// The day of the move, at midnight UTC. Not together with `after_days`.
        pub on: Option<Day>,
    }
}

declared! {
    /// A move of replaced versions to other storage.
    #[derive(Hash, PartialOrd, Ord)]
    pub struct NoncurrentTransition("a transition of replaced versions") {
        /// A storage class of S3, or the name of a tier of MinIO.
        pub storage_class: String,
        /// Days after a version was replaced.
        pub after_days: u32,
        /// How many replaced versions stay where they are, the newest ones.
        pub newer_noncurrent_versions: Option<u32>,
    }
}

impl LifecycleRule {
    /// An enabled rule that applies to all objects and does nothing yet.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            enabled: Some(true),
            prefix: None,
            tags: None,
            object_size_greater_than: None,
            object_size_less_than: None,
            expire_after_days: None,
            expire_on: None,
            expired_object_delete_marker: false,
            noncurrent_expire_after_days: None,
            newer_noncurrent_versions: None,
            abort_incomplete_after_days: None,
            transitions: None,
            noncurrent_transitions: None,
        }
    }

    /// Whether the rule is in force.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Whether the rule does anything besides removing incomplete uploads.
    #[must_use]
    pub fn acts_on_objects(&self) -> bool {
        self.expire_after_days.is_some()
            || self.expire_on.is_some()
            || self.expired_object_delete_marker
            || self.noncurrent_expire_after_days.is_some()
            || self.newer_noncurrent_versions.is_some()
            || self.transitions.iter().flatten().next().is_some()
            || self.noncurrent_transitions.iter().flatten().next().is_some()
    }

    /// Returns why the rule cannot be in force on MinIO, if so. MinIO accepts such a rule and drops
    /// a part of it.
    #[must_use]
    pub fn ignored_by_minio(&self) -> Option<&'static str> {
        if self.abort_incomplete_after_days.is_some() {
            return Some(
                "the server has no rules that end unfinished uploads \
                 (abort_incomplete_after_days); MinIO ends them by itself, after the time that its \
                 setting `api stale_uploads_expiry` says",
            );
        }
        (self.object_size_greater_than == Some(0)).then_some(
            "the server cannot tell empty objects from others (object_size_greater_than is 0)",
        )
    }

    /// Returns the rule in normal form: rules that mean the same are equal in it. `enabled` is
    /// set, empty fields are left out, transitions are sorted.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let transitions = self.transitions.clone().filter(|moves| !moves.is_empty());
        let noncurrent = self.noncurrent_transitions.clone().filter(|moves| !moves.is_empty());
        Self {
            enabled: Some(self.is_enabled()),
            prefix: self.prefix.clone().filter(|prefix| !prefix.is_empty()),
            tags: self.tags.clone().filter(|tags| !tags.is_empty()),
            transitions: transitions.map(|mut moves| {
                moves.sort_unstable();
                moves
            }),
            noncurrent_transitions: noncurrent.map(|mut moves| {
                moves.sort_unstable();
                moves
            }),
            ..self.clone()
        }
    }

    fn check_at(&self, at: &mut At) {
        let length = self.id.chars().count();
        if !(1..=MAX_ID).contains(&length) {
            at.key("id", |at| {
                at.fault(format!("an id has 1 to {MAX_ID} characters, and this one has {length}"));
            });
        }
        for (name, count) in [
            ("expire_after_days", self.expire_after_days),
            ("noncurrent_expire_after_days", self.noncurrent_expire_after_days),
            ("newer_noncurrent_versions", self.newer_noncurrent_versions),
            ("abort_incomplete_after_days", self.abort_incomplete_after_days),
        ] {
            if count == Some(0) {
                at.key(name, |at| at.fault("1 is the least"));
            }
            at_most(name, count, at);
        }
        let expirations = [
            self.expire_after_days.is_some(),
            self.expire_on.is_some(),
            self.expired_object_delete_marker,
        ];
        if expirations.iter().filter(|present| **present).count() > 1 {
            at.fault(
                "a rule has one of \"expire_after_days\", \"expire_on\" and \
                 \"expired_object_delete_marker\": S3 takes one at a time; write several rules",
            );
        }
        if !self.acts_on_objects() && self.abort_incomplete_after_days.is_none() {
            at.fault(
                "the rule does nothing: it needs an expiration such as \"expire_after_days\", \
                 \"abort_incomplete_after_days\" or a transition",
            );
        }
        if self.expired_object_delete_marker && self.tags.iter().flatten().next().is_some() {
            at.key("tags", |at| at.fault("delete markers have no tags"));
        }
        if let Some(tags) = &self.tags {
            at.key("tags", |at| tags::check_at(tags, at));
        }
        if self.prefix.as_ref().is_some_and(|prefix| prefix.len() > ObjectKey::MAX_BYTES) {
            at.key("prefix", |at| at.fault("the prefix is longer than any key"));
        }
        self.check_sizes(at);
        at.key("transitions", |at| {
            for (index, transition) in self.transitions.iter().flatten().enumerate() {
                at.index(index, |at| transition.check_at(at));
            }
        });
        at.key("noncurrent_transitions", |at| {
            for (index, transition) in self.noncurrent_transitions.iter().flatten().enumerate() {
                at.index(index, |at| transition.check_at(at));
            }
        });
    }

    fn check_sizes(&self, at: &mut At) {
        for (name, size) in [
            ("object_size_greater_than", self.object_size_greater_than),
            ("object_size_less_than", self.object_size_less_than),
        ] {
            if size.is_some_and(|bytes| bytes > MAX_SIZE) {
                at.key(name, |at| at.fault("no object is that large"));
            }
        }
        // MinIO reads "smaller than 0" as no limit.
        let least = self.object_size_greater_than.map_or(0, |more| more.saturating_add(1));
        if self.object_size_less_than.is_some_and(|less| less <= least) {
            at.key("object_size_less_than", |at| at.fault("no object has such a size"));
        }
    }
}

impl Transition {
    fn check_at(&self, at: &mut At) {
        check_storage_class(&self.storage_class, at);
        if self.after_days.is_some() == self.on.is_some() {
            at.fault("a transition has either \"after_days\" or \"on\"");
        }
        at_most("after_days", self.after_days, at);
    }
}

impl NoncurrentTransition {
    fn check_at(&self, at: &mut At) {
        check_storage_class(&self.storage_class, at);
        at_most("after_days", Some(self.after_days), at);
        at_most("newer_noncurrent_versions", self.newer_noncurrent_versions, at);
    }
}

fn check_storage_class(name: &str, at: &mut At) {
    if name.is_empty() {
        at.key("storage_class", |at| at.fault("a transition names a storage class"));
    }
}

fn at_most(name: &str, count: Option<u32>, at: &mut At) {
    if count.is_some_and(|count| count > MAX_COUNT) {
        at.key(name, |at| at.fault(format!("{MAX_COUNT} is the most")));
    }
}

/// All lifecycle rules of a bucket; the empty list is no configuration.
impl Setting for Vec<LifecycleRule> {
    const FIELD: &'static str = "lifecycle";

    fn check_at(&self, at: &mut At) {
        check_at(self, at);
    }
}

fn check_at(rules: &[LifecycleRule], at: &mut At) {
    if rules.len() > MAX_RULES {
        at.fault(format!("there are {} rules, and at most {MAX_RULES} are allowed", rules.len()));
        return;
    }
    let mut ids = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        at.index(index, |at| {
            rule.check_at(at);
            if !ids.insert(&rule.id) {
                at.key("id", |at| {
                    at.fault(format!("another rule has the id {}", quoted(&rule.id)))
                });
            }
        });
    }
}

/// Checks the lifecycle rules of a bucket.
///
/// # Errors
/// `InvalidInput` with the path of each fault: more than 1,000 rules, ids that are empty, too long
/// or used twice, rules that do nothing, fields that exclude each other, numbers out of range.
pub fn check_lifecycle(rules: &[LifecycleRule]) -> Result<()> {
    super::check_field(<Vec<LifecycleRule>>::FIELD, |at| check_at(rules, at))
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
                // jiff also parses a timestamp and drops its time of day.
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

/// Replaces the lifecycle configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLifecycle {
    /// All rules; empty for no configuration.
    pub rules: Vec<LifecycleRule>,
}

impl SettingAction for SetLifecycle {
    type Value = Vec<LifecycleRule>;

    const VERB: &'static str = "set_lifecycle";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.lifecycle.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        Vec::new()
    }

    fn value(self) -> Self::Value {
        self.rules
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        // Only MinIO has an admin API. The verb refuses such rules too, but after other steps.
        let ignored = plan.spec.lifecycle.iter().flatten();
        for (rule, why) in ignored.filter_map(|rule| Some((rule, rule.ignored_by_minio()?))) {
            if plan.capabilities.admin {
                let why = format!("its lifecycle rule {:?}: {why}", rule.id);
                plan.problem(ErrorKind::Unsupported, why);
            }
        }
        plan.compare::<Self>(Comparison {
            field: "lifecycle",
            declared: plan.spec.lifecycle.clone(),
            equal: |found, wanted| by_id(found) == by_id(wanted),
            risk: |found, wanted| risk(found, wanted),
            action: |rules| Self { rules },
        });
    }
}

/// Returns the rules by their ids, each in its normal form. Servers keep them in any order.
fn by_id(rules: &[LifecycleRule]) -> BTreeMap<&str, LifecycleRule> {
    rules.iter().map(|rule| (rule.id.as_str(), rule.normalised())).collect()
}

/// Returns the risk of new rules: one that is new or changed may expire objects that exist.
fn risk(found: &[LifecycleRule], wanted: &[LifecycleRule]) -> Risk {
    let found = by_id(found);
    let expires = |rule: &LifecycleRule| {
        rule.is_enabled() && found.get(rule.id.as_str()) != Some(&rule.normalised())
    };
    if wanted.iter().any(expires) { Risk::Destructive } else { Risk::Safe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn the_json_is_stable() {
        let rule = LifecycleRule {
            prefix: Some("tmp/".into()),
            expire_after_days: Some(7),
            ..LifecycleRule::new("tmp")
        };
        let text = json!({"id": "tmp", "enabled": true, "prefix": "tmp/", "expire_after_days": 7});
        assert_eq!(to_value(&rule).unwrap(), text);
        let short = json!({"id": "tmp", "prefix": "tmp/", "expire_after_days": 7});
        assert_eq!(from_value::<LifecycleRule>(short).unwrap().normalised(), rule);
        let dated = json!({"id": "d", "enabled": false, "expire_on": "2030-01-31"});
        let read: LifecycleRule = from_value(dated.clone()).unwrap();
        assert_eq!(read.expire_on, Some(Day(jiff::civil::date(2030, 1, 31))));
        assert_eq!(to_value(&read).unwrap(), dated);
        for bad in [
            json!({"id": "a", "expire_in": 3}),
            json!({"id": "a", "expire_on": "2030-01-31T12:00:00"}),
            json!({"id": "a", "expire_on": "20300131"}),
            json!({"expire_after_days": 3}),
            json!({"id": "a", "expire_after_days": -1}),
        ] {
            assert!(from_value::<LifecycleRule>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn fields_that_exclude_each_other_are_refused() {
        let rule = |text: serde_json::Value| from_value::<LifecycleRule>(text).unwrap();
        let good = rule(json!({"id": "a", "expire_after_days": 1}));
        check_lifecycle(std::slice::from_ref(&good)).unwrap();
        assert!(check_lifecycle(&[good.clone(), good.clone()]).is_err(), "one id twice");
        let many: Vec<_> =
            (0..1001).map(|n| LifecycleRule { id: n.to_string(), ..good.clone() }).collect();
        check_lifecycle(&many[..1000]).unwrap();
        assert!(check_lifecycle(&many).is_err());
        for (bad, path) in [
            (json!({"id": "", "expire_after_days": 1}), ".id"),
            (json!({"id": "x".repeat(256), "expire_after_days": 1}), ".id"),
            (json!({"id": "a"}), ""),
            (json!({"id": "a", "expire_after_days": 0}), ".expire_after_days"),
            (json!({"id": "a", "expire_after_days": 1, "expire_on": "2030-01-01"}), ""),
            (json!({"id": "a", "expire_after_days": 1, "expired_object_delete_marker": true}), ""),
            (
                json!({"id": "a", "expire_after_days": 1, "object_size_greater_than": 5, "object_size_less_than": 6}),
                ".object_size_less_than",
            ),
            (
                json!({"id": "a", "expire_after_days": 1, "object_size_less_than": 0}),
                ".object_size_less_than",
            ),
            (
                json!({"id": "a", "expire_after_days": 1, "object_size_greater_than": 1_u64 << 63}),
                ".object_size_greater_than",
            ),
            (json!({"id": "a", "transitions": [{"storage_class": "COLD"}]}), ".transitions[0]"),
            (
                json!({"id": "a", "transitions": [{"storage_class": "", "after_days": 1}]}),
                ".transitions[0].storage_class",
            ),
            (
                json!({"id": "a", "noncurrent_transitions": [{"storage_class": "COLD", "after_days": 1_u32 << 31}]}),
                ".noncurrent_transitions[0].after_days",
            ),
            (json!({"id": "a", "expire_after_days": 1, "tags": {"": "x"}}), ".tags[\"\"]"),
        ] {
            let error = check_lifecycle(&[rule(bad.clone())]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
            let expected = format!("lifecycle[0]{path}: ");
            assert!(error.to_string().starts_with(&expected), "{bad}: {error}");
        }
    }

    #[test]
    fn rules_that_mean_the_same_are_equal_in_normal_form() {
        let normal = |text| from_value::<LifecycleRule>(text).unwrap().normalised();
        let (a, b) = (
            json!({"storage_class": "A", "after_days": 1}),
            json!({"storage_class": "B", "after_days": 2}),
        );
        let short = json!({"id": "x", "expire_after_days": 1});
        let long = json!({"id": "x", "enabled": true, "prefix": "", "tags": {}, "transitions": [],
            "noncurrent_transitions": [], "expire_after_days": 1});
        assert_eq!(normal(short), normal(long));
        assert_eq!(
            normal(json!({"id": "x", "transitions": [a, b]})),
            normal(json!({"id": "x", "transitions": [b, a]})),
        );
        assert_ne!(normal(json!({"id": "x"})), normal(json!({"id": "x", "enabled": false})));
    }
}
