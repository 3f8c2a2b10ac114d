//! Tags of a bucket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::subresource::{Subresource, Unreadable, read_xml, write_xml};
use super::{Comparison, Setting, SettingAction, SettingPlan};
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::At;
use crate::{Error, Result};

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

    fn value(self) -> Self::Value {
        self.tags
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

/// The XML of tags (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tagging.html>).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    tag_set: TagSet,
}

#[derive(Serialize, Deserialize)]
struct TagSet {
    #[serde(rename = "Tag", default)]
    tags: Vec<Tag>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

impl Subresource for BTreeMap<String, String> {
    type Declared = Self;

    const NAME: &'static str = "tagging";
    const GET: &'static str = "get_tags";
    const SET: &'static str = "set_tags";
    const NOT_CONFIGURED: &'static str = "NoSuchTagSet";

    fn not_configured() -> Self {
        Self::new()
    }

    fn into_declared(self) -> Result<Option<Self::Declared>, Unreadable> {
        Ok(Some(self))
    }

    fn from_declared(declared: Option<Self::Declared>) -> Self {
        declared.unwrap_or_default()
    }

    fn check_value(&self) -> crate::Result<()> {
        Setting::check(self)
    }

    fn from_body(body: &str) -> Result<Self, Unreadable> {
        let Tagging { tag_set } = read_xml(body)?;
        Ok(tag_set.tags.into_iter().map(|Tag { key, value }| (key, value)).collect())
    }

    fn to_body(&self) -> Option<String> {
        let tags = self.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
        let tagging = Tagging { tag_set: TagSet { tags: tags.collect() } };
        (!self.is_empty()).then(|| write_xml("Tagging", &tagging))
    }

    fn explain(&self, refusal: Error) -> Error {
        match refusal.service_code() {
            // MinIO returns `MalformedXML` for a tag that it refuses.
            "MalformedXML" | "InvalidTag" => {
                let message = format!(
                    "the server does not accept the tags: {}; letters of ASCII, digits, spaces \
                     and + - = . _ : / @ are safe",
                    refusal.message()
                );
                refusal.with_message(message)
            }
            _ => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_xml_is_read_as_it_is_written() {
        let all: BTreeMap<String, String> = [("team", " data & more "), ("a<b", ""), ("ü", "\"'")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        let body = all.to_body().unwrap();
        assert_eq!(BTreeMap::from_body(&body), Ok(all), "{body}");
        let empty =
            "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet/></Tagging>";
        assert_eq!(BTreeMap::from_body(empty), Ok(BTreeMap::new()));
        assert_eq!(BTreeMap::new().to_body(), None, "no tags are set by DELETE");
        let page = BTreeMap::from_body("<html><body>a page of a proxy</body></html>");
        assert!(matches!(page, Err(Unreadable::Corrupt(_))), "{page:?}");
    }

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
