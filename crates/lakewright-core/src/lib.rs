//! The types and decisions of lakewright: names, errors, secrets, specs, plans and the registry.
//! This crate does no I/O and depends on no SDK.
#![doc = ""]
#![doc = include_str!("../DESIGN.md")]

pub mod bucket_config;
mod creation;
pub mod diff;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod identity;
mod json;
mod name;
pub mod plan;
pub mod policy;
mod resource;
mod secret;
pub mod spec;
pub mod state;
mod text;

pub use creation::Creation;
pub use diff::{DiffOptions, destroy, diff};
pub use error::{Error, ErrorKind, Outcome, Result, ServiceError};
pub use identity::{AccessKey, AccountName, GroupName, PolicyName, StackName};
pub use json::check_json_size;
pub use name::{BucketName, ObjectKey, TableUri};
pub use plan::{Plan, Report};
pub use resource::{Adoption, ResourceId, ResourceKind};
pub use secret::{Secret, SecretRef};
pub use spec::Spec;
pub use text::{printable, printable_json, printable_json_text};
