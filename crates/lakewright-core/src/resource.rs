//! The kinds of resources, and the identity of a resource.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identity::{AccessKey, AccountName, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::{Error, Result};

/// A kind of resource. The order is that of creation: resources of a later kind may need resources
/// of an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// A bucket.
    Bucket,
    /// A Delta table.
    Table,
    /// A named policy.
    Policy,
    /// A group of users.
    Group,
    /// A user.
    User,
    /// A service account.
    ServiceAccount,
}

impl ResourceKind {
    /// Every kind, in the order of creation.
    pub const ALL: [Self; 6] =
        [Self::Bucket, Self::Table, Self::Policy, Self::Group, Self::User, Self::ServiceAccount];

    /// The name of the kind for people: `service account`.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Table => "table",
            Self::Policy => "policy",
            Self::Group => "group",
            Self::User => "user",
            Self::ServiceAccount => "service account",
        }
    }

    /// The name of the kind in addresses: `service-account`.
    #[must_use]
    pub const fn address_prefix(self) -> &'static str {
        match self {
            Self::ServiceAccount => "service-account",
            other => other.noun(),
        }
    }

    /// The field of a spec that declares resources of this kind: `service_accounts`.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Bucket => "buckets",
            Self::Table => "tables",
            Self::Policy => "policies",
            Self::Group => "groups",
            Self::User => "users",
            Self::ServiceAccount => "service_accounts",
        }
    }

    /// Returns a number with the name of the kind, for people: `1 bucket`, `2 policies`.
    #[must_use]
    pub fn counted(self, number: usize) -> String {
        match number {
            1 => format!("1 {}", self.noun()),
            number => format!("{number} {}", self.section().replace('_', " ")),
        }
    }

    /// Whether resources of this kind are managed by MinIO's admin API.
    #[must_use]
    pub const fn needs_admin(self) -> bool {
        match self {
            Self::Bucket | Self::Table => false,
            Self::Policy | Self::Group | Self::User | Self::ServiceAccount => true,
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// The identity of a resource. It is displayed as `bucket raw`, `table raw/flights`,
/// `service account ingest`. Its address is `bucket/raw`, `table/raw/flights`,
/// `service-account/ingest`, which is also the form in plans and registries.
///
/// ```
/// use lakewright_core::ResourceId;
/// let id: ResourceId = "table/raw/flights".parse()?;
/// assert_eq!(id.to_string(), "table raw/flights");
/// assert_eq!(id.address(), "table/raw/flights");
/// # Ok::<(), lakewright_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ResourceId {
    /// A bucket.
    Bucket(BucketName),
    /// A Delta table.
    Table(TableUri),
    /// A named policy.
    Policy(PolicyName),
    /// A group of users.
    Group(GroupName),
    /// A user, by access key.
    User(AccessKey),
    /// A service account, by its name in the spec.
    ServiceAccount(AccountName),
}

impl ResourceId {
    /// Returns the kind of the resource.
    #[must_use]
    pub const fn kind(&self) -> ResourceKind {
        match self {
            Self::Bucket(_) => ResourceKind::Bucket,
            Self::Table(_) => ResourceKind::Table,
            Self::Policy(_) => ResourceKind::Policy,
            Self::Group(_) => ResourceKind::Group,
            Self::User(_) => ResourceKind::User,
            Self::ServiceAccount(_) => ResourceKind::ServiceAccount,
        }
    }

    /// Returns the name of the resource without its kind; that of a table is `bucket/path`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Bucket(name) => name.to_string(),
            Self::Table(uri) => crate::spec::short_uri(uri),
            Self::Policy(name) => name.to_string(),
            Self::Group(name) => name.to_string(),
            Self::User(name) => name.to_string(),
            Self::ServiceAccount(name) => name.to_string(),
        }
    }

    /// Returns the address, which [`FromStr`] parses.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}/{}", self.kind().address_prefix(), self.name())
    }
}

/// A resource that exists and is to be adopted by a stack. It is written as the address of the
/// resource; that of a service account is followed by the access key by which the server finds the
/// account: `service-account/ingest=INGEST1`.
///
/// ```
/// use lakewright_core::Adoption;
/// let account: Adoption = "service-account/ingest=INGEST1".parse()?;
/// assert_eq!(account.to_string(), "service account ingest");
/// assert!("service-account/ingest".parse::<Adoption>().is_err());
/// # Ok::<(), lakewright_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Adoption {
    id: ResourceId,
    access_key: Option<AccessKey>,
}

impl Adoption {
    /// Creates the adoption of a resource of any kind but a service account.
    ///
    /// # Errors
    /// `InvalidInput` for a service account.
    pub fn of(id: ResourceId) -> Result<Self> {
        if matches!(id, ResourceId::ServiceAccount(_)) {
            let why = format!(
                "a service account is found by its access key: write {}=ACCESS_KEY",
                id.address()
            );
            return Err(Error::invalid_input(why).on(id.to_string()));
        }
        Ok(Self { id, access_key: None })
    }

    /// Creates the adoption of a service account, with its access key.
    #[must_use]
    pub fn of_account(name: AccountName, access_key: AccessKey) -> Self {
        Self { id: ResourceId::ServiceAccount(name), access_key: Some(access_key) }
    }

    /// Returns the resource to adopt.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.id
    }

    /// Returns the access key of a service account.
    #[must_use]
    pub fn access_key(&self) -> Option<&AccessKey> {
        self.access_key.as_ref()
    }
}

impl fmt::Display for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

impl FromStr for Adoption {
    type Err = Error;

    /// # Errors
    /// `InvalidInput` for an unknown kind, an invalid name, or a service account without its access
    /// key.
    fn from_str(text: &str) -> Result<Self> {
        // Neither a name nor an access key of a service account has an equals sign.
        if let Some((address, key)) = text.split_once('=')
            && let Ok(ResourceId::ServiceAccount(name)) = address.parse()
        {
            return Ok(Self::of_account(name, AccessKey::new(key)?));
        }
        Self::of(text.parse()?)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

impl FromStr for ResourceId {
    type Err = Error;

    /// # Errors
    /// `InvalidInput` for an unknown kind or an invalid name.
    fn from_str(text: &str) -> Result<Self> {
        let shown: String = text.chars().take(80).collect();
        let known: Vec<&str> = ResourceKind::ALL.iter().map(|kind| kind.address_prefix()).collect();
        let Some((prefix, name)) = text.split_once('/') else {
            return Err(Error::invalid_input(format!(
                "{shown:?} is no address: write KIND/NAME, such as bucket/raw; kinds are {}",
                known.join(", ")
            )));
        };
        // Underscores are accepted because specs have them in the names of their fields.
        let prefix = prefix.replace('_', "-");
        let found = ResourceKind::ALL.into_iter().find(|kind| kind.address_prefix() == prefix);
        let Some(kind) = found else {
            let hint = crate::spec::decode::hint(&prefix, known.iter().copied());
            return Err(Error::invalid_input(format!(
                "{shown:?} begins with no kind of resource{hint}; kinds are {}",
                known.join(", ")
            )));
        };
        Ok(match kind {
            ResourceKind::Bucket => Self::Bucket(BucketName::new(name)?),
            ResourceKind::Table => Self::Table(TableUri::new(name)?),
            ResourceKind::Policy => Self::Policy(PolicyName::new(name)?),
            ResourceKind::Group => Self::Group(GroupName::new(name)?),
            ResourceKind::User => Self::User(AccessKey::new(name)?),
            ResourceKind::ServiceAccount => Self::ServiceAccount(AccountName::new(name)?),
        })
    }
}

impl TryFrom<String> for ResourceId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.address()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for address in [
            "bucket/raw",
            "table/raw/2013/flights",
            "policy/a/b",
            "group/a b",
            "user/a@b",
            "service-account/in/gest",
        ] {
            let id: ResourceId = address.parse().unwrap();
            assert_eq!(id.address(), address);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<ResourceId>(&json).unwrap(), id);
        }
        let same: ResourceId = "service_account/x".parse().unwrap();
        assert_eq!(same.to_string(), "service account x");
    }

    #[test]
    fn invalid_addresses_are_explained() {
        for (text, why) in [
            ("raw", "KIND/NAME"),
            ("bukcet/raw", "did you mean \"bucket\""),
            ("bucket/R", "3 to 63"),
        ] {
            let error = text.parse::<ResourceId>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
