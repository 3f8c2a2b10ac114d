//! Settings of a bucket: versioning, object lock, quota, lifecycle, policy, tags, encryption and
//! notifications.
//!
//! One file for each setting holds its one type, the JSON of it, its schema, its checks and its
//! normal form, the XML in which S3 transfers it, and the action that sets it with its comparison,
//! its value on a new bucket and its risk. Specs, verbs, plans and observations share these types.
//! The checks refuse what every server refuses and name the path of each fault; faults that only
//! some servers know are left to the server.
//!
//! A new setting is one file with its `mod` line here, its line in `list.rs`, its field in
//! [`BucketSpec`] and its option in the NixOS module. The crates above send, observe and apply it by
//! its type ([`Subresource`]), and every door reads and sets it by its name ([`BucketSetting`]).
//!
//! [`BucketSpec`]: crate::spec::BucketSpec

mod anonymous_access;
mod compare;
mod encryption;
mod lifecycle;
mod list;
mod notifications;
mod object_lock;
mod policy;
mod quota;
mod server_text;
mod subresource;
mod tags;
mod versioning;

pub use anonymous_access::{Access, AnonymousAccess};
pub(crate) use compare::{Comparison, SettingPlan, SettingStep};
pub use list::types::*;
pub use list::{BucketAction, BucketActionVisitor, BucketSetting, ObservedBucket, SettingVisitor};
pub(crate) use list::{SettingAction, actions, declared_settings, plan_settings};
pub use subresource::{Subresource, Unreadable};

use serde::Serialize;
use serde_json::Value;

use crate::spec::decode::{At, Decode};
use crate::spec::node::Node;
use crate::{Error, ErrorKind, Result};

/// A setting of a bucket. The same reader and the same checks serve the spec and the verbs.
///
/// ```
/// use lakewright_core::bucket_config::{LifecycleRule, Setting};
/// let rules: Vec<LifecycleRule> =
///     Setting::from_json(br#"[{"id": "tmp", "expire_after_days": 0}]"#)?;
/// assert_eq!(
///     rules.check().unwrap_err().to_string(),
///     "lifecycle[0].expire_after_days: 1 is the least",
/// );
/// # Ok::<(), lakewright_core::Error>(())
/// ```
pub trait Setting: Decode + Serialize {
    /// The name of its field in a declared bucket, with which the paths of faults begin.
    const FIELD: &'static str;

    /// Reports the faults of a value that was read or made in code.
    #[doc(hidden)]
    fn check_at(&self, at: &mut At) {
        let _ = at;
    }

    /// Reads the setting from JSON text.
    ///
    /// # Errors
    /// `InvalidInput` with the path of each fault. Values out of range are left to [`Self::check`].
    fn from_json(json: &[u8]) -> Result<Self> {
        read(Node::parse(json))
    }

    /// Reads the setting from a JSON value.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    fn from_value(value: &Value) -> Result<Self> {
        read(Node::from_value(value))
    }

    /// Checks the value. Every verb that sets it does so first, and so does the spec.
    ///
    /// # Errors
    /// `InvalidInput` with the path of each fault.
    fn check(&self) -> Result<()> {
        check_field(Self::FIELD, |at| self.check_at(at))
    }
}

fn read<T: Setting>(node: Result<Node>) -> Result<T> {
    let node = node.map_err(|error| Error::invalid_input(error.message()))?;
    let mut at = At::new(ErrorKind::InvalidInput);
    let value = at.key(T::FIELD, |at| {
        let value = T::decode(&node, at)?;
        // The verb checks a value that could be read. A refusal reports all faults at once.
        if !at.is_clean() {
            value.check_at(at);
        }
        Some(value)
    });
    at.finish(value, T::FIELD)
}

/// Runs the checks of a setting below the name of its field.
fn check_field(field: &str, check: impl FnOnce(&mut At)) -> Result<()> {
    let mut at = At::new(ErrorKind::InvalidInput);
    at.key(field, check);
    at.finish(Some(()), field)
}
