//! Object storage and Delta Lake: buckets, objects and tables over one connection.
//!
//! ```no_run
//! use lakewright::{BucketName, ObjectKey, PutOptions, Settings, connect};
//!
//! # async fn example() -> lakewright::Result<()> {
//! let lake = connect(Settings { endpoint: Some("embedded:./data".into()), ..Settings::default() }).await?;
//! let raw = lake.create_bucket(&BucketName::new("raw")?, Default::default()).await?;
//! raw.put(&ObjectKey::new("hello.txt")?, "hello", PutOptions::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate follows semantic versioning; the minimum supported Rust version is the workspace's
//! `rust-version` and is raised in minor releases. Features: `tables` (Delta Lake, with DataFusion)
//! and `embedded` (the server in the process), both enabled by default.

mod connect;
mod lake;
pub mod render;

#[cfg(feature = "tables")]
pub use arrow;
pub use connect::connect;
pub use lake::Lake;
pub use lakewright_admin::{self as admin, Admin};
pub use lakewright_client::finish_background_work;
pub use lakewright_client::profile::{
    self, Credentials, Origin, Profile, Resolved, SettingValue, Settings, UrlStyle, Value,
};
pub use lakewright_core::bucket_config::{
    self, Access, AnonymousAccess, Day, Encryption, LifecycleRule, NoncurrentTransition,
    Notification, ObjectLock, Retention, RetentionMode, RetentionPeriod, Transition, Versioning,
};
pub use lakewright_core::{
    AccessKey, AccountName, Adoption, GroupName, Plan, PolicyName, Report, ResourceId,
    ResourceKind, Spec, StackName, plan, policy, printable, spec, state,
};
pub use lakewright_core::{
    BucketName, Creation, Error, ErrorKind, ObjectKey, Outcome, Result, Secret, SecretRef,
    ServiceError, TableUri,
};
pub use lakewright_declare::{self as declared, Applied, Event, PlanOptions, Watch};
#[cfg(feature = "tables")]
pub use lakewright_delta::{
    self as table, At, BatchStream, Batches, Commit, CommitInfo, CreateTableOptions, FileInfo,
    OverwriteOptions, Scan, ScanOptions, Table, TableInfo, WriteOptions,
};
#[cfg(feature = "embedded")]
pub use lakewright_embedded as embedded;
pub use lakewright_s3::{
    Body, Bucket, BucketInfo, ByteStream, CreateBucketOptions, Emptied, EmptyOptions, GetOptions,
    ListOptions, ListPage, Object, ObjectBody, ObjectInfo, ObjectRange, ObjectVersion, Progress,
    PutOptions, VersionPage,
};
