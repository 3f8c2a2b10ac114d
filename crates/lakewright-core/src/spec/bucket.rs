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
        /// Objects can be locked against deletion. S3 grants this at creation only, and with it
        /// versioning for good.
        pub object_lock: Option<ObjectLock>,
        /// The most bytes the bucket may hold, as a number or like `"10GiB"`. MinIO counts in
        /// the background and enforces it late.
        pub quota: Option<ByteSize>,
        /// All lifecycle rules of the bucket; an empty list means none.
        pub lifecycle: Option<Vec<LifecycleRule>>,
        /// The bucket's policy: a document as S3 takes it. Not together with `anonymous`.
        pub policy: Option<PolicyDocument>,
        /// What may be done without credentials, as `mc anonymous` sets it. Not together with
        /// `policy`.
        pub anonymous: Option<AnonymousAccess>,
        /// The bucket's tags: all of them; an empty map means none.
        pub tags: Option<BTreeMap<String, String>>,
        /// How new objects are encrypted if their request does not choose.
        pub encryption: Option<Encryption>,
        /// All notifications of the bucket; an empty list means none.
        pub notifications: Option<Vec<Notification>>,
        /// A `--prune` or `destroy` may delete the bucket with all objects in it. It counts once
        /// it was applied.
        #[serde(default)]
        pub force_destroy: bool,
        /// Take the bucket over if it exists and no stack owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}
