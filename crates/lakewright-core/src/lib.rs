//! The words and decisions of lakewright: what things are called, what may go wrong, what a
//! secret is. Nothing here does I/O, and nothing here names an SDK.
#![doc = ""]
#![doc = include_str!("../DESIGN.md")]

pub mod bucket_config;
mod error;
mod name;
mod secret;

pub use error::{Error, ErrorKind, Result, ServiceError};
pub use name::{BucketName, ObjectKey, TableUri};
pub use secret::{Secret, SecretRef};
