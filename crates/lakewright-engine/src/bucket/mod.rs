//! Buckets and objects. One verb, one file; nothing outside this folder names the SDK.

mod body;
pub(crate) mod classify;
mod client;
mod config;
mod contents;
mod copy;
mod create_bucket;
mod delete;
mod delete_bucket;
mod delete_many;
mod delete_version;
mod download;
mod empty;
mod get;
mod head;
mod head_bucket;
mod list;
mod list_buckets;
mod list_versions;
mod multipart;
mod overrides;
mod progress;
mod put;
mod retry;
mod types;
mod upload;

use std::fmt;

use lakewright_core::{BucketName, ObjectKey};

use crate::Lake;

pub use body::Body;
pub(crate) use client::S3;
pub use create_bucket::{CreateBucketOptions, CreateBucketOptionsBuilder};
pub use empty::{Emptied, EmptyOptions, EmptyOptionsBuilder};
pub use get::{GetOptions, GetOptionsBuilder, Object, ObjectBody, ObjectRange};
pub use list::{ListOptions, ListOptionsBuilder, ListPage};
pub use list_versions::{ObjectVersion, VersionPage};
pub(crate) use multipart::Multipart;
pub use progress::Progress;
pub use put::{ByteStream, PutOptions, PutOptionsBuilder};
pub use types::{BucketInfo, ObjectInfo};

/// A handle on a bucket: what happens inside it. It holds no state of the bucket and is made
/// without a request.
#[derive(Clone)]
pub struct Bucket {
    lake: Lake,
    name: BucketName,
    /// Somebody has just seen it.
    seen: bool,
}

impl Bucket {
    pub(crate) fn new(lake: Lake, name: BucketName) -> Self {
        Self { lake, name, seen: false }
    }

    /// The same handle for who has just seen the bucket: no verb asks first whether it is there.
    pub(crate) fn seen(self) -> Self {
        Self { seen: true, ..self }
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &BucketName {
        &self.name
    }

    /// The connection it is reached through.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    fn s3(&self) -> &S3 {
        &self.lake.s3
    }

    /// How errors call an object: `bucket/key`.
    fn path(&self, key: &ObjectKey) -> String {
        format!("{}/{key}", self.name)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}
