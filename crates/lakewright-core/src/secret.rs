//! Secrets in memory ([`Secret`]) and references to secrets ([`SecretRef`]).

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A secret in memory: never printed, never serialised, overwritten when dropped.
///
/// ```
/// use lakewright_core::Secret;
/// let secret = Secret::new("correct horse");
/// assert_eq!(format!("{secret:?} {secret}"), "*** ***");
/// assert_eq!(secret.expose(), "correct horse");
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Creates a secret from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text. The name of this function is chosen to be noticed in a review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether the secret is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The place from which a secret is read when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretRef {
    /// A file whose content, without surrounding white space, is the secret.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A systemd credential: a file of that name in `$CREDENTIALS_DIRECTORY`
    /// (systemd.exec(5), `LoadCredential=`).
    Credential(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Credential(name) => write!(f, "systemd credential {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_map_with_one_entry() {
        for (json, reference) in [
            (r#"{"file":"/run/agenix/etl"}"#, SecretRef::File("/run/agenix/etl".into())),
            (r#"{"env":"KEY"}"#, SecretRef::Env("KEY".into())),
            (r#"{"credential":"etl"}"#, SecretRef::Credential("etl".into())),
        ] {
            assert_eq!(serde_json::from_str::<SecretRef>(json).unwrap(), reference);
            assert_eq!(serde_json::to_string(&reference).unwrap(), json);
        }
        assert!(serde_json::from_str::<SecretRef>(r#"{"literal":"x"}"#).is_err());
    }
}
