//! Tags of a bucket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Comparison, Setting, SettingAction, SettingPlan};
use crate::Result;
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::At;

/// The most tags of a bucket, and the longest key and value of a tag in characters
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html>).
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// All tags of a bucket; the empty map is none.
impl Setting for BTreeMap<String, String> {
    const FIELD: &'static str = "tags";

    fn check_at(&self, at: &mut At) {
        check_at(self, at);
    }
}

pub(super) fn check_at(tags: &BTreeMap<String, String>, at: &mut At) {
    if tags.len() > MAX_TAGS {
        at.fault(format!("there are {} tags, and at most {MAX_TAGS} are allowed", tags.len()));
        return;
    }
    for (key, value) in tags {
        at.key(key, |at| {
            if !(1..=MAX_KEY).contains(&key.chars().count()) {
                at.fault(format!("the key of a tag has 1 to {MAX_KEY} characters"));
            }
            if value.chars().count() > MAX_VALUE {
                at.fault(format!("the value of a tag has at most {MAX_VALUE} characters"));
            }
            // The characters that S3 allows in tags.
            let allowed = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
            if let Some(c) = key.chars().chain(value.chars()).find(|c| !allowed(*c)) {
                at.fault(format!(
                    "{c:?} cannot stand in a tag; letters, digits, spaces and + - = . _ : / @ can"
                ));
            }
        });
    }
}

/// Checks the tags of a bucket.
///
/// # Errors
/// `InvalidInput` with the path of each fault: more than 50 tags, an empty key, a key of more than
/// 128 characters, a value of more than 256, a character that S3 does not allow.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    tags.check()
}

/// Replaces the tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetTags {
    /// All tags; empty for none.
    pub tags: BTreeMap<String, String>,
}

impl SettingAction for SetTags {
    type Value = BTreeMap<String, String>;

    const VERB: &'static str = "set_tags";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.tags.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        BTreeMap::new()
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        plan.compare::<Self>(Comparison {
            field: "tags",
            declared: plan.spec.tags.clone(),
            equal: PartialEq::eq,
            risk: |_, _| Risk::Safe,
            action: |tags| Self { tags },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_limits() {
        let tags = |count: usize| (0..count).map(|n| (n.to_string(), String::new())).collect();
        check_tags(&tags(50)).unwrap();
        assert!(check_tags(&tags(51)).is_err());
        let one = |key: &str, value: &str| check_tags(&[(key.into(), value.into())].into());
        one(&"ü".repeat(128), &"ü".repeat(256)).unwrap();
        assert!(one("", "v").is_err());
        assert!(one(&"k".repeat(129), "v").is_err());
        assert!(one("k", &"v".repeat(257)).is_err());
        let error = one("team name", "{").unwrap_err();
        assert!(error.to_string().starts_with("tags[\"team name\"]: '{' cannot stand"), "{error}");
    }
}
