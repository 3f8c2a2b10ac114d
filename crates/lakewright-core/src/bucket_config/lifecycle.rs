//! What happens to objects as they grow old.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::check_tag;
use crate::{Error, Result};

/// S3's limits on lifecycle rules
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
const MAX_RULES: usize = 1000;
const MAX_ID: usize = 255;

/// What servers keep days in.
const MAX_DAYS: u32 = i32::MAX as u32;

/// One rule of a bucket's lifecycle: which objects, and what becomes of them.
///
/// An object must match everything that the rule says of it: prefix, all tags, sizes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleRule {
    /// Its name, at most 255 characters, unique in the bucket.
    pub id: String,
    /// A rule that is not enabled does nothing.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Only objects whose keys begin so; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Only objects with all of these tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Only objects of more bytes than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_size_greater_than: Option<u64>,
    /// Only objects of fewer bytes than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_size_less_than: Option<u64>,
    /// Objects end so many days after they were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_after_days: Option<u32>,
    /// Objects end on this day, at midnight UTC, and from then on all that match.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "day")]
    pub expire_on: Option<Date>,
    /// Delete markers that hide no version any more end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub expired_object_delete_marker: bool,
    /// Versions end so many days after they were replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noncurrent_expire_after_days: Option<u32>,
    /// So many replaced versions are spared from that, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_noncurrent_versions: Option<u32>,
    /// Multipart uploads end that were not completed so many days after they began. MinIO does
    /// not know this: it ends them by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_incomplete_after_days: Option<u32>,
    /// Objects move to other storage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// Replaced versions move to other storage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noncurrent_transitions: Vec<NoncurrentTransition>,
}

/// A move of objects to other storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// S3's storage class, or the name of a tier of MinIO's.
    pub storage_class: String,
    /// So many days after they were written, 0 for at once; this or `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_days: Option<u32>,
    /// On this day, at midnight UTC; this or `after_days`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "day")]
    pub on: Option<Date>,
}

/// A move of replaced versions to other storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoncurrentTransition {
    /// S3's storage class, or the name of a tier of MinIO's.
    pub storage_class: String,
    /// So many days after they were replaced.
    pub after_days: u32,
    /// So many replaced versions stay, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_noncurrent_versions: Option<u32>,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // what serde calls it with
fn is_false(value: &bool) -> bool {
    !value
}

/// Days as `2030-01-31`.
mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        day: &Option<Date>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.collect_str(day),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Date>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        // jiff would also read a time and drop it.
        let day = text.parse().ok().filter(|day: &Date| day.to_string() == text);
        day.map(Some)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no day; write it 2030-01-31")))
    }
}

impl LifecycleRule {
    /// An enabled rule for all objects that does nothing yet.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            enabled: true,
            prefix: String::new(),
            tags: BTreeMap::new(),
            object_size_greater_than: None,
            object_size_less_than: None,
            expire_after_days: None,
            expire_on: None,
            expired_object_delete_marker: false,
            noncurrent_expire_after_days: None,
            newer_noncurrent_versions: None,
            abort_incomplete_after_days: None,
            transitions: Vec::new(),
            noncurrent_transitions: Vec::new(),
        }
    }

    /// Whether the rule does anything besides ending unfinished uploads.
    #[must_use]
    pub fn acts_on_objects(&self) -> bool {
        self.expire_after_days.is_some()
            || self.expire_on.is_some()
            || self.expired_object_delete_marker
            || self.noncurrent_expire_after_days.is_some()
            || self.newer_noncurrent_versions.is_some()
            || !self.transitions.is_empty()
            || !self.noncurrent_transitions.is_empty()
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |why: &str| Err(Error::invalid_input(format!("lifecycle rule {}: {why}", self.id)));
        if self.id.is_empty() {
            return Err(Error::invalid_input("a lifecycle rule has no id"));
        }
        let length = self.id.chars().count();
        if length > MAX_ID {
            let why = format!("a lifecycle rule's id has {length} characters; {MAX_ID} may be");
            return Err(Error::invalid_input(why));
        }
        if !self.acts_on_objects() && self.abort_incomplete_after_days.is_none() {
            return wrong("it does nothing; say for example expire_after_days");
        }
        let periods = [
            self.expire_after_days,
            self.noncurrent_expire_after_days,
            self.newer_noncurrent_versions,
            self.abort_incomplete_after_days,
        ];
        if periods.into_iter().flatten().any(|days| !(1..=MAX_DAYS).contains(&days)) {
            return wrong("days and versions are counted from 1 up to 2147483647");
        }
        if self.expire_after_days.is_some() && self.expire_on.is_some() {
            return wrong("objects expire after days or on a day, not both");
        }
        if self.expired_object_delete_marker
            && (self.expire_after_days.is_some() || self.expire_on.is_some())
        {
            return wrong(
                "expired_object_delete_marker goes without expire_after_days and expire_on; \
                 make it a rule of its own",
            );
        }
        // MinIO takes "smaller than 0" for no limit at all.
        let least = self.object_size_greater_than.map_or(0, |more| more.saturating_add(1));
        if self.object_size_less_than.is_some_and(|less| less <= least) {
            return wrong("no object is of such a size");
        }
        if [self.object_size_greater_than, self.object_size_less_than]
            .into_iter()
            .flatten()
            .any(|bytes| i64::try_from(bytes).is_err())
        {
            return wrong("no object is that large");
        }
        for transition in &self.transitions {
            if transition.after_days.is_some() == transition.on.is_some() {
                return wrong("a transition comes after days or on a day, one of the two");
            }
            if transition.after_days.is_some_and(|days| days > MAX_DAYS) {
                return wrong("a transition after so many days never comes");
            }
        }
        let classes = self.transitions.iter().map(|transition| &transition.storage_class);
        let mut classes = classes
            .chain(self.noncurrent_transitions.iter().map(|transition| &transition.storage_class));
        if classes.any(String::is_empty) {
            return wrong("a transition names no storage class");
        }
        let late = |transition: &NoncurrentTransition| {
            transition.after_days > MAX_DAYS
                || transition.newer_noncurrent_versions.is_some_and(|count| count > MAX_DAYS)
        };
        if self.noncurrent_transitions.iter().any(late) {
            return wrong("a transition after so many days never comes");
        }
        self.tags
            .iter()
            .try_for_each(|(key, value)| check_tag(key, value))
            .map_err(|error| Error::invalid_input(format!("lifecycle rule {}: {error}", self.id)))
    }
}

/// Whether a bucket may have these rules.
///
/// # Errors
/// `InvalidInput` for more than 1,000, ids that are missing, too long or used twice, rules that do
/// nothing, and fields that do not go together.
pub fn check_lifecycle(rules: &[LifecycleRule]) -> Result<()> {
    if rules.len() > MAX_RULES {
        let why = format!("{} lifecycle rules; a bucket may have {MAX_RULES}", rules.len());
        return Err(Error::invalid_input(why));
    }
    let mut ids = BTreeSet::new();
    for rule in rules {
        rule.check()?;
        if !ids.insert(&rule.id) {
            let why = format!("two lifecycle rules have the id {}", rule.id);
            return Err(Error::invalid_input(why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn shape_is_stable() {
        let rule = LifecycleRule {
            prefix: "tmp/".into(),
            expire_after_days: Some(7),
            ..LifecycleRule::new("tmp")
        };
        let text = json!({"id": "tmp", "enabled": true, "prefix": "tmp/", "expire_after_days": 7});
        assert_eq!(to_value(&rule).unwrap(), text);
        let short = json!({"id": "tmp", "prefix": "tmp/", "expire_after_days": 7});
        assert_eq!(from_value::<LifecycleRule>(short).unwrap(), rule);
        let dated = json!({"id": "d", "enabled": false, "expire_on": "2030-01-31"});
        let read: LifecycleRule = from_value(dated.clone()).unwrap();
        assert_eq!(read.expire_on, Some(jiff::civil::date(2030, 1, 31)));
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
    fn what_does_not_go_together_is_refused() {
        let rule = |text: serde_json::Value| from_value::<LifecycleRule>(text).unwrap();
        let good = rule(json!({"id": "a", "expire_after_days": 1}));
        check_lifecycle(std::slice::from_ref(&good)).unwrap();
        assert!(check_lifecycle(&[good.clone(), good.clone()]).is_err(), "one id twice");
        let many: Vec<_> =
            (0..1001).map(|n| LifecycleRule { id: n.to_string(), ..good.clone() }).collect();
        check_lifecycle(&many[..1000]).unwrap();
        assert!(check_lifecycle(&many).is_err());
        for bad in [
            json!({"id": "", "expire_after_days": 1}),
            json!({"id": "x".repeat(256), "expire_after_days": 1}),
            json!({"id": "a"}),
            json!({"id": "a", "expire_after_days": 0}),
            json!({"id": "a", "expire_after_days": 1, "expire_on": "2030-01-01"}),
            json!({"id": "a", "expire_after_days": 1, "expired_object_delete_marker": true}),
            json!({"id": "a", "expire_after_days": 1, "object_size_greater_than": 5, "object_size_less_than": 6}),
            json!({"id": "a", "expire_after_days": 1, "object_size_less_than": 0}),
            json!({"id": "a", "transitions": [{"storage_class": "COLD"}]}),
            json!({"id": "a", "transitions": [{"storage_class": "", "after_days": 1}]}),
            json!({"id": "a", "expire_after_days": 1, "tags": {"": "x"}}),
        ] {
            let error = check_lifecycle(&[rule(bad.clone())]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        }
    }
}
