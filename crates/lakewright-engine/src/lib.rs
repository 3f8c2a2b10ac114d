//! lakewright's I/O: one profile, one S3 client, and on top of it buckets, objects and tables.
//!
//! `bucket` is the only code that names the S3 SDK, `table` the only code that names deltalake;
//! they meet in `store` and nowhere else. Rust programs use the `lakewright` crate, which
//! re-exports all of this.

pub mod admin;
pub mod bucket;
pub mod declared;
mod lake;
mod pool;
pub mod profile;
mod settle;
mod wait;
mod wire;

#[cfg(feature = "tables")]
mod store;

#[cfg(feature = "tables")]
pub mod table;

pub use lake::Lake;
pub use settle::settle;
