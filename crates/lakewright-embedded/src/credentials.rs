//! The credentials of a data directory: generated once and stored in a file of mode 0600.

use std::fmt;
use std::io;

use lakewright_core::Secret;
use serde::{Deserialize, Serialize};

use crate::folder::Folder;

/// Name of the file in the data directory.
const FILE: &str = "credentials.json";

/// Characters of a generated access key id: capitals and digits without those that are easily
/// confused. There are 32, so that five random bits choose one without bias.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of an access key id, as many as in those of AWS.
const KEY_ID_CHARACTERS: usize = 20;
/// 240 bits, which are 40 characters of base64 without padding, as many as in the secrets of AWS.
const SECRET_BYTES: usize = 30;

/// An access key id and its secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The file format. `Secret` deliberately does not implement `Serialize`.
#[derive(Serialize, Deserialize)]
struct Stored {
    access_key_id: String,
    secret_access_key: String,
}

impl Credentials {
    /// Returns the credentials of this data directory; generates them on the first call.
    pub(crate) fn load_or_generate(data: &Folder) -> io::Result<Self> {
        if let Some(content) = data.read_private(FILE)? {
            // serde's error may quote its input, which contains the secret, so only the position is
            // used.
            let stored: Stored = serde_json::from_slice(&content).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                let message = format!(
                    "{FILE} is not a valid credentials file (line {line}, column {column})"
                );
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?;
            return Ok(Self {
                access_key_id: stored.access_key_id,
                secret_access_key: Secret::new(stored.secret_access_key),
            });
        }
        let credentials = Self::generate()?;
        let stored = Stored {
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.expose().to_owned(),
        };
        data.write_private(FILE, &serde_json::to_vec_pretty(&stored)?)?;
        Ok(credentials)
    }

    fn generate() -> io::Result<Self> {
        use base64::Engine as _;
        let mut id = [0; KEY_ID_CHARACTERS];
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut id).map_err(io::Error::other)?;
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let character = |byte: u8| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]);
        Ok(Self {
            access_key_id: id.into_iter().map(character).collect(),
            // The URL-safe alphabet is used because some tools paste secrets into URLs and shells.
            secret_access_key: Secret::new(
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust;

    #[test]
    fn credentials_are_generated_once() {
        let dir = tempfile::tempdir().unwrap();
        let load = |dir: &tempfile::TempDir| {
            Credentials::load_or_generate(&trust::open_or_create(dir.path()).unwrap())
        };
        let first = load(&dir).unwrap();
        assert_eq!(first.access_key_id.len(), 20);
        assert_eq!(first.secret_access_key.expose().len(), 40);
        assert_eq!(load(&dir).unwrap(), first);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(load(&elsewhere).unwrap(), first);
        let path = elsewhere.path().join(FILE);
        std::fs::write(&path, r#""QUOTED-SECRET""#).unwrap();
        let damaged = load(&elsewhere).unwrap_err();
        assert_eq!(damaged.kind(), io::ErrorKind::InvalidData);
        assert!(!format!("{damaged:?} {damaged}").contains("QUOTED"), "{damaged:?}");
        assert!(!format!("{first:?}").contains(first.secret_access_key.expose()));
    }
}
