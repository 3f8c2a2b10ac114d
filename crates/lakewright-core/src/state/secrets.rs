//! The results of trying declared secrets on the server.

use std::collections::BTreeMap;

use crate::identity::AccessKey;

/// Whether a declared secret is the one that the server has. The server returns no secret, so the
/// declared one is compared by a request that is signed with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretMatch {
    /// The server accepted a request that was signed with the declared secret.
    Matches,
    /// The server refused the signature.
    Differs,
    /// No request was made: no secret is declared, or the user is disabled and MinIO refuses the
    /// user before it checks the signature.
    #[default]
    NotCompared,
}

/// The results of the secret checks, by access key. They contain no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretChecks(BTreeMap<AccessKey, SecretMatch>);

impl SecretChecks {
    /// Returns the result for an access key; [`SecretMatch::NotCompared`] for one that was not
    /// checked.
    #[must_use]
    pub fn get(&self, access_key: &AccessKey) -> SecretMatch {
        self.0.get(access_key).copied().unwrap_or_default()
    }
}

impl FromIterator<(AccessKey, SecretMatch)> for SecretChecks {
    fn from_iter<I: IntoIterator<Item = (AccessKey, SecretMatch)>>(results: I) -> Self {
        Self(results.into_iter().collect())
    }
}
