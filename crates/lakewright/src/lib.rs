//! Object storage and Delta Lake: buckets, objects and tables over one connection, and the declared
//! state of a server.
//!
//! [`connect`] returns a [`Lake`]. Its verbs create, find and delete buckets and tables; the verbs
//! of a [`Bucket`] and of a [`Table`] act inside one. The options of a verb are a struct with a
//! builder. Every error is an [`Error`], whose [`kind`](Error::kind) a program can match.
//!
//! The examples below run on the embedded server, an S3 server in the process that stores its data
//! in a directory. `http://host:port` as the endpoint connects to MinIO or another S3 server, and
//! without an endpoint [`Settings`] are completed from `profiles.toml` and the environment.
//!
//! # Objects
//!
//! ```
//! use lakewright::{BucketName, ErrorKind, ObjectKey, PutOptions, Settings, connect};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let endpoint = format!("embedded:{}", directory.path().display());
//! // For example "embedded:./data".
//! let lake = connect(Settings::builder().endpoint(endpoint).build()).await?;
//! let raw = lake.create_bucket(&BucketName::new("raw")?, Default::default()).await?;
//!
//! let key = ObjectKey::new("2013/01.csv")?;
//! let options = PutOptions::builder().content_type("text/csv").if_absent(true).build();
//! raw.put(&key, "day,delay\n1,12\n", options.clone()).await?;
//!
//! let object = raw.get(&key, Default::default()).await?;
//! assert_eq!(object.bytes, "day,delay\n1,12\n");
//! assert_eq!(object.info.content_type.as_deref(), Some("text/csv"));
//!
//! let error = raw.put(&key, "other data", options).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::AlreadyExists);
//! # Ok(())
//! # }
//! ```
//!
//! # Tables
//!
//! Rows travel as Arrow batches; [`arrow`] is the version that this crate uses.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use lakewright::arrow::array::{Int64Array, RecordBatch, StringArray};
//! use lakewright::arrow::datatypes::{DataType, Field, Schema};
//! use lakewright::{Batches, BucketName, ScanOptions, Settings, TableUri, connect};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let endpoint = format!("embedded:{}", directory.path().display());
//! let lake = connect(Settings::builder().endpoint(endpoint).build()).await?;
//! lake.create_bucket(&BucketName::new("lake")?, Default::default()).await?;
//!
//! let schema = Arc::new(Schema::new(vec![
//!     Field::new("carrier", DataType::Utf8, false),
//!     Field::new("delay", DataType::Int64, true),
//! ]));
//! let uri = TableUri::new("lake/flights")?;
//! let flights = lake.create_table(&uri, schema.clone(), Default::default()).await?;
//!
//! let rows = RecordBatch::try_new(
//!     schema.clone(),
//!     vec![
//!         Arc::new(StringArray::from(vec!["UA", "AA", "UA"])),
//!         Arc::new(Int64Array::from(vec![Some(12), Some(-3), None])),
//!     ],
//! )?;
//! let commit = flights.append(Batches::from_batches(schema, vec![rows]), Default::default()).await?;
//! assert_eq!(commit.rows, 3);
//!
//! let late = flights.scan(ScanOptions::builder().filter("delay > 0").build());
//! let batches = late.stream().await?.collect().await?;
//! assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
//!
//! let tables = BTreeMap::from([("flights".to_owned(), flights)]);
//! let mean = lake.sql("SELECT carrier, avg(delay) FROM flights GROUP BY carrier", tables);
//! assert_eq!(mean.stream().await?.collect().await?[0].num_columns(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Declared state
//!
//! A spec names what a server shall have. A plan has the steps that are missing, and an apply
//! carries them out; a second plan is empty.
//!
//! ```
//! use lakewright::{PlanOptions, Settings, connect, spec};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let endpoint = format!("embedded:{}", directory.path().join("data").display());
//! # let file = directory.path().join("lake.json");
//! let lake = connect(Settings::builder().endpoint(endpoint).build()).await?;
//! std::fs::write(
//!     &file,
//!     r#"{
//!         "version": 1,
//!         "stack": "flights",
//!         "buckets": { "lake": {} },
//!         "tables": { "lake/flights": { "schema": { "carrier": "string", "delay": "long" } } }
//!     }"#,
//! )?;
//! let spec = spec::load(&file)?;
//!
//! let plan = lake.plan(&spec, &PlanOptions::default()).await?;
//! for step in &plan.steps {
//!     println!("{}", step.resource());
//! }
//! let applied = lake.apply(&plan, &|_event| {}).await;
//! assert!(applied.error.is_none() && applied.report.is_complete(&plan));
//!
//! assert!(!lake.drift(&spec).await?.differs());
//! # Ok(())
//! # }
//! ```
//!
//! # Versions and features
//!
//! The crate follows semantic versioning; the minimum supported Rust version is the workspace's
//! `rust-version` and is raised in minor releases. Structs of options are non-exhaustive: a minor release may add an
//! option. `public-api.txt` beside this crate's manifest lists the public items.
//!
//! Features: `tables` (Delta Lake, with DataFusion) and `embedded` (the server in the process),
//! both enabled by default.

mod connect;
#[cfg(feature = "embedded")]
mod dial_directory;
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
pub use lakewright_core::{Creation, Error, ErrorKind, Outcome, Result, ServiceError};
pub use lakewright_core::{Secret, SecretRef, printable, printable_json, printable_json_text};

// Buckets and objects.
#[doc(no_inline)]
pub use bucket::{Bucket, BucketInfo, CreateBucketOptions, Emptied, EmptyOptions};
pub use lakewright_core::bucket_config;
#[doc(no_inline)]
pub use object::{
    Body, ByteStream, CopyOptions, GetOptions, ListOptions, ListPage, Object, ObjectBody,
    ObjectInfo, ObjectRange, ObjectVersion, Progress, PutOptions, VersionPage,
};

// The tables of Delta Lake.
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

// The admin API of MinIO, and the server in the process.
#[doc(no_inline)]
pub use admin::Admin;
pub use lakewright_admin as admin;
#[cfg(feature = "embedded")]
pub use lakewright_embedded as embedded;
