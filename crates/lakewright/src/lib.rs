//! Object storage and Delta Lake: buckets, objects and tables over one connection.
//!
//! ```no_run
//! use lakewright::{BucketName, ObjectKey, PutOptions, Settings, connect};
//!
//! # async fn example() -> lakewright::Result<()> {
//! let lake = connect(Settings::builder().endpoint("embedded:./data").build()).await?;
//! let raw = lake.create_bucket(&BucketName::new("raw")?, Default::default()).await?;
//! raw.put(&ObjectKey::new("hello.txt")?, "hello", PutOptions::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Semantic versioning; the minimum supported Rust version is the workspace's `rust-version`
//! and moves in minor releases. Features: `tables` (Delta Lake, with DataFusion) and `embedded`
//! (the server in the process), both on by default.

mod connect;
mod lake;
pub mod render;
pub mod spec;

/// Buckets: the handle, and how they are created, described and emptied.
pub mod bucket {
    pub use lakewright_s3::{
        Bucket, BucketInfo, CreateBucketOptions, CreateBucketOptionsBuilder, Emptied, EmptyOptions,
        EmptyOptionsBuilder,
    };
}

/// Objects: what the verbs of a [`Bucket`] take and return.
pub mod object {
    pub use lakewright_s3::{
        Body, ByteStream, CopyOptions, CopyOptionsBuilder, GetOptions, GetOptionsBuilder,
        ListOptions, ListOptionsBuilder, ListPage, Multipart, Object, ObjectBody, ObjectInfo,
        ObjectRange, ObjectVersion, Progress, PutOptions, PutOptionsBuilder, VersionPage,
    };
}

// The connection.
pub use connect::connect;
pub use lake::Lake;
pub use lakewright_client::finish_background_work;
pub use lakewright_client::profile::{self, Profile, SettingValue, Settings};

// Names, secrets and errors.
pub use lakewright_core::{
    AccessKey, AccountName, BucketName, GroupName, ObjectKey, PolicyName, StackName, TableUri,
};
pub use lakewright_core::{Error, ErrorKind, Outcome, Result, ServiceError};
pub use lakewright_core::{Secret, SecretRef, printable};

// Buckets and objects.
#[doc(no_inline)]
pub use bucket::{Bucket, BucketInfo, CreateBucketOptions, Emptied, EmptyOptions};
pub use lakewright_core::bucket_config;
#[doc(no_inline)]
pub use object::{
    Body, ByteStream, CopyOptions, GetOptions, ListOptions, ListPage, Object, ObjectBody,
    ObjectInfo, ObjectRange, ObjectVersion, Progress, PutOptions, VersionPage,
};

// Tables.
#[cfg(feature = "tables")]
pub use arrow;
#[cfg(feature = "tables")]
pub use lakewright_delta as table;
#[cfg(feature = "tables")]
#[doc(no_inline)]
pub use table::{
    At, BatchStream, Batches, Commit, CommitInfo, CreateTableOptions, FileInfo, OverwriteOptions,
    Scan, ScanOptions, Table, TableInfo, WriteOptions,
};

// Declared state.
#[doc(no_inline)]
pub use declared::PlanOptions;
pub use lakewright_core::{Adoption, Plan, Report, ResourceId, ResourceKind};
pub use lakewright_core::{plan, policy, state};
pub use lakewright_declare as declared;
#[doc(no_inline)]
pub use spec::Spec;

// Servers.
#[doc(no_inline)]
pub use admin::Admin;
pub use lakewright_admin as admin;
#[cfg(feature = "embedded")]
pub use lakewright_embedded as embedded;
