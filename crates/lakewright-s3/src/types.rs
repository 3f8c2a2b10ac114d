//! What buckets and objects are described with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lakewright_core::BucketName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::{Deserialize, Serialize};

/// A bucket as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BucketInfo {
    /// Its name.
    pub name: BucketName,
    /// When it was made; `None` where the server does not say (HEAD).
    pub created: Option<Timestamp>,
    /// The region it lives in, where the server says.
    pub region: Option<String>,
}

/// An object as the server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// Its size in bytes: of the whole object, also when a range was read.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: Option<String>,
    /// When it was written.
    pub last_modified: Option<Timestamp>,
    /// Its version, in a bucket with versioning.
    pub version_id: Option<String>,
    /// Its media type; listings do not say.
    pub content_type: Option<String>,
    /// How it is encoded, such as `gzip`; listings do not say.
    pub content_encoding: Option<String>,
    /// Its `Cache-Control`; listings do not say.
    pub cache_control: Option<String>,
    /// The metadata of the writer (`x-amz-meta-*`); listings do not have it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What need not be encoded where a key stands in a path: it is signed as it is sent.
pub(super) const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// ETags travel in quotes; people and comparisons are better off without.
pub(super) fn unquoted(etag: Option<&str>) -> Option<String> {
    etag.map(|etag| etag.trim_matches('"').to_owned())
}

/// A condition's ETag as HTTP wants it: quoted, `*` aside.
pub(super) fn quoted(etag: &str) -> String {
    if etag == "*" || etag.starts_with('"') || etag.starts_with("W/") {
        etag.to_owned()
    } else {
        format!("\"{etag}\"")
    }
}

pub(super) fn timestamp(at: Option<&aws_sdk_s3::primitives::DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), at.subsec_nanos().try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_lose_and_regain_their_quotes() {
        assert_eq!(unquoted(Some("\"abc-2\"")).as_deref(), Some("abc-2"));
        for (plain, wire) in
            [("abc", "\"abc\""), ("\"abc\"", "\"abc\""), ("*", "*"), ("W/\"a\"", "W/\"a\"")]
        {
            assert_eq!(quoted(plain), wire);
        }
    }
}
