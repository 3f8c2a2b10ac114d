//! Users, groups and keys as the admin API tells of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lakewright_core::Secret;
use serde::{Deserialize, Deserializer};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The access key, which is the name.
    pub access_key: String,
    /// Whether she may come in.
    pub enabled: bool,
    /// Policies attached to her, those of her groups aside.
    pub policies: BTreeSet<String>,
    /// Groups that she is in.
    pub groups: BTreeSet<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// Whether its policies count.
    pub enabled: bool,
    /// Access keys of its members.
    pub members: BTreeSet<String>,
    /// Policies attached to it. Of a disabled group MinIO shows none;
    /// [`super::Admin::policy_entities`] tells them all.
    pub policies: BTreeSet<String>,
}

/// Who policies are attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The user with this access key.
    User(&'a str),
    /// The group of this name.
    Group(&'a str),
}

/// A service account as a listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountName {
    /// Its access key.
    pub access_key: String,
    /// The user that it acts for.
    pub owner: String,
    /// The name for people.
    pub name: Option<String>,
    /// The description for people.
    pub description: Option<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// The keys of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountKeys {
    /// Its access key.
    pub access_key: String,
    /// Its secret key.
    pub secret_key: Secret,
}

/// How MinIO writes whether a user or a group counts.
pub(super) const fn status(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

/// How MinIO writes whether a service account counts.
pub(super) const fn on_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

/// A list of names: with commas between them, in one string.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect()
}

/// `null` for what is empty, as Go writes it.
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The time when something ends; 1970 is how MinIO says never.
pub(super) fn end(time: Option<Timestamp>) -> Option<Timestamp> {
    time.filter(|time| *time > Timestamp::UNIX_EPOCH)
}

/// Text that is there.
pub(super) fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A user as [`super::Admin::list_users`] and [`super::Admin::user_info`] are told of her.
#[derive(Deserialize)]
pub(super) struct WireUser {
    #[serde(default, rename = "policyName")]
    policies: String,
    status: String,
    #[serde(default, rename = "memberOf", deserialize_with = "or_empty")]
    groups: BTreeSet<String>,
}

impl WireUser {
    pub(super) fn named(self, access_key: String) -> User {
        User {
            access_key,
            enabled: self.status == status(true),
            policies: names(&self.policies),
            groups: self.groups,
        }
    }
}
