//! What a bucket can be told to do by itself: keep versions, expire, lock, encrypt, notify, and
//! whom it lets in.
//!
//! Plain data in one JSON shape for every door. The `check`s know what every server refuses;
//! what only some refuse is left to them.

mod access;
mod lifecycle;
mod notification;
mod policy;
mod setting;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use access::{Access, AnonymousAccess};
pub use lifecycle::{LifecycleRule, NoncurrentTransition, Transition, check_lifecycle};
pub use notification::{Notification, Target, check_notifications};
pub use policy::check_policy;
pub use setting::{Encryption, RetentionMode, Versioning};

use crate::{Error, Result};

/// Object lock of a bucket: the retention that new objects get by themselves.
///
/// Without a mode and a period nothing is locked by itself, but each object may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectLock {
    /// Who may end the lock early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RetentionMode>,
    /// How long in days; this or `years`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// How long in years; this or `days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
}

impl ObjectLock {
    /// The longest that MinIO and S3 take: a hundred years.
    const MAX_YEARS: u32 = 100;
    const MAX_DAYS: u32 = 36_500;

    /// Whether the fields go together.
    ///
    /// # Errors
    /// `InvalidInput` for a mode without a period or the other way round, for both periods, and
    /// for none at all or more than a hundred years.
    pub fn check(&self) -> Result<()> {
        match (self.mode, self.days, self.years) {
            (None, None, None) => Ok(()),
            (Some(_), Some(days), None) if (1..=Self::MAX_DAYS).contains(&days) => Ok(()),
            (Some(_), None, Some(years)) if (1..=Self::MAX_YEARS).contains(&years) => Ok(()),
            (Some(_), None, None) => Err(Error::invalid_input(
                "object lock has a mode and no period; say how many days or years",
            )),
            (None, ..) => Err(Error::invalid_input(
                "object lock has a period and no mode; say governance or compliance",
            )),
            (Some(_), Some(_), Some(_)) => {
                Err(Error::invalid_input("object lock takes days or years, not both"))
            }
            (Some(_), Some(days), None) => Err(Error::invalid_input(format!(
                "object lock for {days} days; servers take 1 to {}",
                Self::MAX_DAYS
            ))),
            (Some(_), None, Some(years)) => Err(Error::invalid_input(format!(
                "object lock for {years} years; servers take 1 to {}",
                Self::MAX_YEARS
            ))),
        }
    }
}

/// The most tags that a bucket may have, and the most characters of a tag's name and value
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html>).
const MAX_TAGS: usize = 50;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

/// Whether a bucket may have these tags.
///
/// # Errors
/// `InvalidInput` for more than 50, an empty name, a name of more than 128 characters or a value
/// of more than 256.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    if tags.len() > MAX_TAGS {
        let why = format!("{} tags; a bucket may have {MAX_TAGS}", tags.len());
        return Err(Error::invalid_input(why));
    }
    tags.iter().try_for_each(|(key, value)| check_tag(key, value))
}

fn check_tag(key: &str, value: &str) -> Result<()> {
    let wrong = |why: String| Err(Error::invalid_input(why));
    let length = key.chars().count();
    if length == 0 {
        return wrong("a tag has no name".into());
    }
    if length > MAX_TAG_KEY {
        return wrong(format!("the name of a tag has {length} characters; {MAX_TAG_KEY} may be"));
    }
    let length = value.chars().count();
    if length > MAX_TAG_VALUE {
        return wrong(format!(
            "the value of the tag {key} has {length} characters; {MAX_TAG_VALUE} may be"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn shapes_are_stable() {
        assert_eq!(to_value(Versioning::Suspended).unwrap(), json!("suspended"));
        let lock = ObjectLock {
            mode: Some(RetentionMode::Governance),
            days: Some(30),
            ..ObjectLock::default()
        };
        assert_eq!(to_value(lock).unwrap(), json!({"mode": "governance", "days": 30}));
        assert_eq!(to_value(ObjectLock::default()).unwrap(), json!({}));
        assert_eq!(to_value(Encryption::SseS3).unwrap(), json!("sse_s3"));
        let kms = Encryption::SseKms("k".into());
        assert_eq!(to_value(&kms).unwrap(), json!({"sse_kms": "k"}));
        assert_eq!(from_value::<Encryption>(json!({"sse_kms": "k"})).unwrap(), kms);
        assert!(from_value::<Encryption>(json!({"sse_kms": {"key": "k"}})).is_err());
        assert!(from_value::<ObjectLock>(json!({"mode": "governance", "day": 3})).is_err());
    }

    #[test]
    fn a_lock_needs_a_mode_and_one_period() {
        let lock = |mode, days, years| ObjectLock { mode, days, years };
        let mode = Some(RetentionMode::Compliance);
        for good in [
            lock(None, None, None),
            lock(mode, Some(1), None),
            lock(mode, Some(36_500), None),
            lock(mode, None, Some(100)),
        ] {
            good.check().unwrap();
        }
        for bad in [
            lock(mode, None, None),
            lock(None, Some(1), None),
            lock(mode, Some(1), Some(1)),
            lock(mode, Some(0), None),
            lock(mode, Some(36_501), None),
            lock(mode, None, Some(101)),
        ] {
            assert_eq!(bad.check().unwrap_err().kind(), ErrorKind::InvalidInput, "{bad:?}");
        }
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
    }
}
