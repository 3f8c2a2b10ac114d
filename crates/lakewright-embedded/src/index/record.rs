//! The records of buckets, objects, uploads and parts, as JSON: readable without this program,
//! extensible by fields, and cheap compared with a signature check.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::IndexError;
use crate::blob::BlobId;
use crate::checksum::{Algorithm, ChecksumKind};

/// Milliseconds since 1970, the resolution of S3's listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(pub(crate) u64);

impl Millis {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns whole seconds, the resolution of `Last-Modified` and so of conditions on times.
    pub(crate) fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Converts a time from a header, which has whole seconds. Times before 1970 become 0.
    pub(crate) fn from_timestamp(timestamp: &s3s::dto::Timestamp) -> Self {
        let mut text = Vec::new();
        let formatted = timestamp.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text);
        let seconds = formatted
            .ok()
            .and_then(|()| std::str::from_utf8(&text).ok())
            .and_then(|text| text.split('.').next()?.parse::<u64>().ok());
        Self(seconds.unwrap_or(0).saturating_mul(1000))
    }

    pub(crate) fn timestamp(self) -> s3s::dto::Timestamp {
        (UNIX_EPOCH + Duration::from_millis(self.0)).into()
    }
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) created: Millis,
}

/// Where the bytes of a segment are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// In the table of small blobs.
    Index,
    /// In a file.
    File,
}

/// Bytes that were uploaded together and are stored together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) blob: BlobId,
    pub(crate) place: Place,
    pub(crate) size: u64,
    /// CRC-64/NVME of the bytes, which detects damage on the disk.
    pub(crate) crc: u64,
}

/// A checksum that the client sent or requested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredChecksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: ChecksumKind,
    /// Base64, followed by `-N` if the checksum is composite.
    pub(crate) value: String,
}

/// The headers that S3 stores with an object and returns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect: Option<String>,
    /// `x-amz-meta-*`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// One part of a multipart object, for `partNumber` and GetObjectAttributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartSummary {
    pub(crate) number: u16,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<String>,
}

/// The upload that an object was completed from. It is kept so that a client that lost the response
/// to CompleteMultipartUpload can repeat the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MultipartOrigin {
    pub(crate) upload_id: String,
    pub(crate) parts: Vec<PartSummary>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified: Millis,
    /// The segments in order. Empty for an object of zero bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) segments: Vec<Segment>,
    #[serde(flatten)]
    pub(crate) headers: Headers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<StoredChecksum>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) multipart: Option<MultipartOrigin>,
}

/// A multipart upload that is not completed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) initiated: Millis,
    #[serde(flatten)]
    pub(crate) headers: Headers,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<(Algorithm, ChecksumKind)>,
}

/// An uploaded part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) size: u64,
    /// MD5 in hex, without quotes.
    pub(crate) etag: String,
    pub(crate) modified: Millis,
    /// `None` for a part of zero bytes.
    pub(crate) segment: Option<Segment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<(Algorithm, String)>,
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, IndexError> {
    serde_json::to_vec(record).map_err(|error| IndexError::Record(error.to_string()))
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, IndexError> {
    serde_json::from_slice(bytes).map_err(|error| IndexError::Record(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_of_a_later_version_are_ignored() {
        let record: ObjectRecord =
            decode(br#"{"size":1,"etag":"e","modified":5,"colour":"blue"}"#).unwrap();
        assert_eq!(record.headers, Headers::default());
        let again: ObjectRecord = decode(&encode(&record).unwrap()).unwrap();
        assert_eq!(again, record);
        assert_eq!(encode(&record).unwrap(), br#"{"size":1,"etag":"e","modified":5}"#);
    }
}
