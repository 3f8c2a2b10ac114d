//! Names of stacks, policies, groups, users and service accounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::text_of;
use crate::{Error, Result};

/// The maximum length of a name: names are parts of messages, paths and query strings.
const MAX_NAME_BYTES: usize = 128;

/// Returns the rule that a name of MinIO's identity management breaks, if it breaks one. MinIO
/// refuses white space at the ends. It accepts control characters, and lakewright does not.
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

/// The name of a stack, the resources that one spec declares and owns: 1 to 64 of `a-z`, `A-Z`,
/// `0-9`, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that the name breaks.
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

/// The name of a policy on the server: no comma, no white space at its ends (the rules of MinIO).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyName(String);

impl PolicyName {
    /// The policies that every MinIO has. They can be attached and cannot be declared.
    pub const BUILT_IN: [&str; 5] =
        ["consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"];

    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that the name breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let rule = broken_rule(&name, &[',']);
        checked(name, "a policy", rule).map(Self)
    }

    /// Returns whether this is a policy that every MinIO has.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        Self::BUILT_IN.contains(&self.as_str())
    }
}

text_of!(PolicyName);

/// The name of a group: no comma, no equals sign, no white space at its ends (the rules of MinIO).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(String);

impl GroupName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that the name breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let rule = broken_rule(&name, &[',', '=']);
        checked(name, "a group", rule).map(Self)
    }
}

text_of!(GroupName);

/// The access key id of credentials, which is also the name of a user: at least 3 bytes, no comma,
/// no equals sign, no white space at its ends (the rules of MinIO for users).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessKey(String);

impl AccessKey {
    /// The shortest access key of MinIO, in bytes.
    pub const MIN_BYTES: usize = 3;
    /// The longest access key of a service account of MinIO, in bytes. Those of users may be
    /// longer.
    pub const MAX_SERVICE_ACCOUNT_BYTES: usize = 20;

    /// Checks the access key.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that the name breaks.
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

/// The name of a service account in a spec, by the rules of group names. The server identifies the
/// account by its access key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that the name breaks.
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
    fn names_follow_the_rules_of_minio() {
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
