//! Descriptions of buckets and objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lakewright_core::BucketName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::{Deserialize, Serialize};

/// A bucket as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BucketInfo {
    /// The name.
    pub name: BucketName,
    /// The time of its creation; `None` if the server does not return it (HEAD).
    pub created: Option<Timestamp>,
    /// The region, if the server returns it.
    pub region: Option<String>,
}

/// An object as the server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// The key.
    pub key: String,
    /// The size of the whole object in bytes, even if only a range was read.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: Option<String>,
    /// The time at which the object was written.
    pub last_modified: Option<Timestamp>,
    /// The version, in a bucket with versioning.
    pub version_id: Option<String>,
    /// The media type; not in listings.
    pub content_type: Option<String>,
    /// The encoding, such as `gzip`; not in listings.
    pub content_encoding: Option<String>,
    /// The `Cache-Control` header; not in listings.
    pub cache_control: Option<String>,
    /// The user metadata (`x-amz-meta-*`); not in listings.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// The characters that are percent-encoded in a path: all except the unreserved ones of RFC 3986,
/// section 2.3, and `/`. The path is signed as it is sent.
pub(super) const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Returns an ETag without the quotes that it has in HTTP.
pub(super) fn unquoted(etag: Option<&str>) -> Option<String> {
    etag.map(|etag| etag.trim_matches('"').to_owned())
}

/// Returns the ETag of a condition as HTTP requires it: in quotes, except for `*`.
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
        for (plain, header) in
            [("abc", "\"abc\""), ("\"abc\"", "\"abc\""), ("*", "*"), ("W/\"a\"", "W/\"a\"")]
        {
            assert_eq!(quoted(plain), header);
        }
    }
}
