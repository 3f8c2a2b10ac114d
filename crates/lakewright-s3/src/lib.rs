//! Buckets and objects on an S3 server. Each verb has its own file.
//!
//! [`S3`] has the verbs that create, list and delete buckets; [`Bucket`] has those that act inside
//! one. Nothing outside this crate names the S3 SDK.

mod body;
mod bucket;
mod classify;
mod client;
mod config;
mod contents;
mod continuation;
mod copy;
mod create_bucket;
mod delete;
mod delete_bucket;
mod delete_many;
mod delete_version;
mod download;
mod empty;
#[doc(hidden)]
pub mod fuzz;
mod get;
mod head;
mod head_bucket;
mod limit;
mod list;
mod list_buckets;
mod list_versions;
mod multipart;
mod overrides;
mod payload;
mod progress;
mod put;
mod retry;
mod types;
mod upload;

pub use body::Body;
pub use bucket::Bucket;
pub use client::S3;
pub use copy::{CopyOptions, CopyOptionsBuilder};
pub use create_bucket::{CreateBucketOptions, CreateBucketOptionsBuilder};
pub use empty::{Emptied, EmptyOptions, EmptyOptionsBuilder};
pub use get::{GetOptions, GetOptionsBuilder, Object, ObjectBody, ObjectRange};
pub use list::{ListOptions, ListOptionsBuilder, ListPage};
pub use list_versions::{ObjectVersion, VersionPage};
pub use multipart::Multipart;
pub use progress::Progress;
pub use put::{ByteStream, PutOptions, PutOptionsBuilder};
pub use types::{BucketInfo, ObjectInfo};
