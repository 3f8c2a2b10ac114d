//! `lakewright object`

mod copy;
mod delete;
mod get;
mod head;
mod list;
mod put;

use clap::Subcommand;
use lakewright::{BucketName, ObjectInfo};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;

/// What can be done with objects.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Put(put::Put),
    Get(get::Get),
    List(list::List),
    Head(head::Head),
    Delete(delete::Delete),
    Copy(copy::Copy),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        match self {
            Self::Put(put) => put.run(context).await,
            Self::Get(get) => get.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Head(head) => head.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Copy(copy) => copy.run(context).await,
        }
    }
}

/// An object with everything known of it.
fn full(bucket: &BucketName, info: &ObjectInfo) -> Value {
    let mut document = listed(bucket, info);
    document["content_type"] = json!(info.content_type);
    document["content_encoding"] = json!(info.content_encoding);
    document["cache_control"] = json!(info.cache_control);
    document["metadata"] = json!(info.metadata);
    document
}

/// An object with what listings say of it.
fn listed(bucket: &BucketName, info: &ObjectInfo) -> Value {
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
    fn sizes_are_bytes_and_what_is_unknown_is_null() {
        let info = ObjectInfo {
            key: "a/b".into(),
            size: 5 << 30,
            last_modified: "2013-01-02T03:04:05Z".parse().ok(),
            ..ObjectInfo::default()
        };
        let bucket = BucketName::new("raw").unwrap();
        assert_eq!(
            full(&bucket, &info),
            json!({"bucket": "raw", "key": "a/b", "size": 5_368_709_120_u64, "etag": null,
                   "last_modified": "2013-01-02T03:04:05Z", "version_id": null,
                   "content_type": null, "content_encoding": null, "cache_control": null,
                   "metadata": {}})
        );
    }
}
