//! Users, groups and credentials as the admin API reports them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lakewright_core::Secret;
use serde::{Deserialize, Deserializer};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The access key, which is the name of the user.
    pub access_key: String,
    /// Whether the user is enabled.
    pub enabled: bool,
    /// Policies attached to the user itself, not to its groups.
    pub policies: BTreeSet<String>,
    /// Groups of which the user is a member.
    pub groups: BTreeSet<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// Whether the group is enabled: the policies of a disabled group do not apply.
    pub enabled: bool,
    /// Access keys of the members.
    pub members: BTreeSet<String>,
    /// Policies attached to the group. MinIO returns none for a disabled group;
    /// [`super::Admin::policy_entities`] returns them for all groups.
    pub policies: BTreeSet<String>,
}

/// The status of a user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountStatus {
    /// A user can sign requests; the policies of a group apply to its members.
    Enabled,
    /// A user cannot sign requests; the policies of a group do not apply.
    Disabled,
}

impl From<bool> for AccountStatus {
    /// Returns `Enabled` for `true`, which is how a plan and a declaration store the status.
    fn from(enabled: bool) -> Self {
        if enabled { Self::Enabled } else { Self::Disabled }
    }
}

impl AccountStatus {
    /// Returns MinIO's value for the status of a user or a group.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

/// The user or group to which policies are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The user with this access key.
    User(&'a str),
    /// The group of this name.
    Group(&'a str),
}

/// A service account as a listing returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountName {
    /// The access key.
    pub access_key: String,
    /// The user on whose behalf the account acts.
    pub owner: String,
    /// The name for display.
    pub name: Option<String>,
    /// The description for display.
    pub description: Option<String>,
    /// The time at which the account expires; `None` for never.
    pub expires: Option<Timestamp>,
}

/// The credentials of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountCredentials {
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: Secret,
}

/// Returns MinIO's value for the status of a service account.
pub(super) const fn on_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

/// Parses a list of names that are separated by commas.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect()
}

/// Deserialises a value, or `null`, which Go writes for an empty list or map, as the empty value.
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Returns the expiry of an account; `None` for 1970, by which MinIO means never.
pub(super) fn end(time: Option<Timestamp>) -> Option<Timestamp> {
    time.filter(|time| *time > Timestamp::UNIX_EPOCH)
}

/// Returns the text, or `None` if it is empty.
pub(super) fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A user as [`super::Admin::list_users`] and [`super::Admin::user_info`] receive it.
#[derive(Deserialize)]
pub(super) struct UserBody {
    #[serde(default, rename = "policyName")]
    policies: String,
    status: String,
    #[serde(default, rename = "memberOf", deserialize_with = "or_empty")]
    groups: BTreeSet<String>,
}

impl UserBody {
    pub(super) fn into_user(self, access_key: String) -> User {
        User {
            access_key,
            enabled: self.status == AccountStatus::Enabled.as_str(),
            policies: names(&self.policies),
            groups: self.groups,
        }
    }
}
