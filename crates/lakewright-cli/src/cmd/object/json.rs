//! Objects as JSON.

use lakewright::{BucketName, ObjectInfo};
use serde_json::{Value, json};

/// Returns an object with all its metadata.
pub(super) fn object_json(bucket: &BucketName, info: &ObjectInfo) -> Value {
    let mut document = entry_json(bucket, info);
    document["content_type"] = json!(info.content_type);
    document["content_encoding"] = json!(info.content_encoding);
    document["cache_control"] = json!(info.cache_control);
    document["metadata"] = json!(info.metadata);
    document
}

/// Returns an object with the fields of a listing.
pub(super) fn entry_json(bucket: &BucketName, info: &ObjectInfo) -> Value {
    json!({
        "bucket": bucket,
        "key": info.key,
        "size": info.size,
        "etag": info.etag,
        "last_modified": info.last_modified.map(|at| at.to_string()),
        "version_id": info.version_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_and_unknown_values_are_null() {
        let info = ObjectInfo {
            key: "a/b".into(),
            size: 5 << 30,
            last_modified: "2013-01-02T03:04:05Z".parse().ok(),
            ..ObjectInfo::default()
        };
        let bucket = BucketName::new("raw").unwrap();
        assert_eq!(
            object_json(&bucket, &info),
            json!({"bucket": "raw", "key": "a/b", "size": 5_368_709_120_u64, "etag": null,
                   "last_modified": "2013-01-02T03:04:05Z", "version_id": null,
                   "content_type": null, "content_encoding": null, "cache_control": null,
                   "metadata": {}})
        );
    }
}
