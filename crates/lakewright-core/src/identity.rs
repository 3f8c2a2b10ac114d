//! Names of the declared state beside buckets and tables: stacks, users, groups, policies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::text_of;
use crate::{Error, Result};

/// Longer names are refused: they stand in messages, paths and query strings.
const MAX_NAME_BYTES: usize = 128;

/// What MinIO asks of every name of its identity management: no spaces at the ends. Control
/// characters it takes, and we do not.
fn broken_rule(name: &str, forbidden: &[char]) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!(
            "it has {} bytes, and at most {MAX_NAME_BYTES} are allowed",
            name.len()
        ));
    }
    if name.trim() != name {
        return Some("it must not begin or end with a space".into());
    }
    let bad = |c: &char| c.is_control() || forbidden.contains(c);
    name.chars().find(bad).map(|c| format!("{c:?} cannot stand in it"))
}

fn checked(name: String, what: &str, rule: Option<String>) -> Result<String> {
    match rule {
        None => Ok(name),
        Some(rule) => {
            let shown: String = name.chars().take(MAX_NAME_BYTES).collect();
            Err(Error::invalid_input(format!("{shown:?} cannot name {what}: {rule}")))
        }
    }
}

/// The name of a stack: what is declared, planned and applied together, and what owns things.
/// 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that it breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let rule = match name.len() {
            0 => Some("it is empty".into()),
            1..=64 => name
                .chars()
                .find(|c| !plain(*c))
                .map(|c| format!("{c:?} is not one of a-z, A-Z, 0-9, '.', '_' and '-'")),
            bytes => Some(format!("it has {bytes} bytes, and at most 64 are allowed")),
        };
        checked(name, "a stack", rule).map(Self)
    }
}

text_of!(StackName);

/// The name of a policy on the server: no comma, no space at its ends (as MinIO has it).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyName(String);

impl PolicyName {
    /// Policies that every MinIO has. They can be attached, and are nobody's to declare.
    pub const BUILT_IN: [&str; 5] =
        ["consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"];

    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that it breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let rule = broken_rule(&name, &[',']);
        checked(name, "a policy", rule).map(Self)
    }

    /// Whether the server comes with it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        Self::BUILT_IN.contains(&self.as_str())
    }
}

text_of!(PolicyName);

/// The name of a group: no comma, no equals sign, no space at its ends (as MinIO has it).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(String);

impl GroupName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that it breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let rule = broken_rule(&name, &[',', '=']);
        checked(name, "a group", rule).map(Self)
    }
}

text_of!(GroupName);

/// The public half of a pair of credentials, which is also a user's name: at least 3 bytes, no
/// comma, no equals sign, no space at its ends (as MinIO has it for users).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessKey(String);

impl AccessKey {
    /// The shortest access key of MinIO, in bytes.
    pub const MIN_BYTES: usize = 3;
    /// The longest access key that MinIO gives to a service account, in bytes. Users' may be
    /// longer.
    pub const MAX_SERVICE_ACCOUNT_BYTES: usize = 20;

    /// Checks the key.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that it breaks.
    pub fn new(key: impl Into<String>) -> Result<Self> {
        let key = key.into();
        let rule = broken_rule(&key, &[',', '=']).or_else(|| {
            (key.len() < Self::MIN_BYTES)
                .then(|| format!("it has {} bytes, and at least 3 are needed", key.len()))
        });
        checked(key, "a user or an access key", rule).map(Self)
    }
}

text_of!(AccessKey);

/// What a service account is called in a declaration: the key of its entry. Like a stack's name,
/// so that `service-account/NAME` can be written on a command line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that it breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let rule = broken_rule(&name, &[',', '=']);
        checked(name, "a service account", rule).map(Self)
    }
}

text_of!(AccountName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_minio_takes_them() {
        for good in ["abc", "a b", "a/b", "üüx", "a.b+c@d"] {
            assert!(AccessKey::new(good).is_ok(), "{good}");
            assert!(GroupName::new(good).is_ok(), "{good}");
            assert!(PolicyName::new(good).is_ok(), "{good}");
        }
        for bad in ["", " abc", "abc ", "a,b", "a\nb", &"x".repeat(129)] {
            assert!(AccessKey::new(bad).is_err(), "{bad}");
            assert!(GroupName::new(bad).is_err(), "{bad}");
            assert!(PolicyName::new(bad).is_err(), "{bad}");
            assert!(AccountName::new(bad).is_err(), "{bad}");
        }
        assert!(PolicyName::new("a=b").is_ok() && GroupName::new("a=b").is_err());
        let error = AccessKey::new("ab").unwrap_err().to_string();
        assert!(error.contains("at least 3"), "{error}");
        assert!(StackName::new("lake-1.prod_x").is_ok() && StackName::new("a/b").is_err());
    }
}
