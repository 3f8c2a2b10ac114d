//! A declared bucket.

use std::collections::BTreeMap;

use super::decode::declared;
use crate::bucket_config::{
    AnonymousAccess, ByteSize, Encryption, LifecycleRule, Notification, ObjectLock, PolicyDocument,
    Versioning,
};

declared! {
    #[derive(Default)]
    /// A bucket. A setting that is left out is not managed: lakewright neither reads nor changes it.
    pub struct BucketSpec("a bucket") {
        /// Whether objects keep their old versions.
        pub versioning: Option<Versioning>,
        /// Object lock, which protects objects from deletion. It can be enabled only when the
        /// bucket is created, and enables versioning permanently.
        pub object_lock: Option<ObjectLock>,
        /// The maximum size of the bucket in bytes, as a number or like `"10GiB"`. MinIO counts in
        /// the background and enforces the quota late.
        pub quota: Option<ByteSize>,
        /// All lifecycle rules of the bucket; an empty list means none.
        pub lifecycle: Option<Vec<LifecycleRule>>,
        /// The bucket's policy: a document as S3 takes it. Not together with `anonymous`.
        pub policy: Option<PolicyDocument>,
        /// The access without credentials, as `mc anonymous` sets it. Not together with `policy`.
        pub anonymous: Option<AnonymousAccess>,
        /// The bucket's tags: all of them; an empty map means none.
        pub tags: Option<BTreeMap<String, String>>,
        /// The encryption of new objects whose request does not choose one.
        pub encryption: Option<Encryption>,
        /// All notifications of the bucket; an empty list means none.
        pub notifications: Option<Vec<Notification>>,
        /// Whether `--prune` and `destroy` may delete the bucket with all objects in it. The field
        /// takes effect once it was applied.
        #[serde(default)]
        pub force_destroy: bool,
        /// Whether to adopt the bucket if it exists and no stack owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}
