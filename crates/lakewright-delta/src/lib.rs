//! Delta tables over an S3 connection. Each operation has its own file.
//!
//! [`Delta`] has the operations that create, find and drop tables; [`Table`] has those on one
//! table. No code outside this crate uses deltalake. The bridge between deltalake and S3 is
//! `store`: a bucket as an [`object_store::ObjectStore`].

mod add_columns;
mod add_constraint;
mod alter;
mod append;
mod at;
mod classify;
mod commit;
mod condition;
mod create;
mod delta;
mod drop;
mod drop_constraint;
mod files;
#[doc(hidden)]
pub mod fuzz;
mod history;
mod input;
mod large_stack;
mod list;
mod log;
mod overwrite;
mod root;
mod same_condition;
mod scan;
mod schema;
mod session;
mod set_properties;
mod sql_limits;
mod store;
mod table;
mod write;

pub use append::{WriteOptions, WriteOptionsBuilder};
pub use at::At;
pub use commit::Commit;
pub use create::{CreateTableOptions, CreateTableOptionsBuilder};
pub use delta::Delta;
pub use files::FileInfo;
pub use history::CommitInfo;
pub use input::{BatchStream, Batches};
pub use overwrite::{OverwriteOptions, OverwriteOptionsBuilder};
pub use same_condition::same_condition;
pub use scan::{Scan, ScanOptions, ScanOptionsBuilder};
pub use schema::{column_types, schema_from_types, schema_of_columns, type_name};
pub use table::{Table, TableInfo};
