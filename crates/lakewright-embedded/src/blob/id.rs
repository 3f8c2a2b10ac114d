//! Blob ids, which are also file names.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of a blob: a version 7 UUID. Ids created later sort later, so new rows of the table of
/// small blobs are appended at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct BlobId(Uuid);

impl BlobId {
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the key in the table of small blobs.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Returns the last byte, which is random; the first bytes are the time.
    pub(crate) fn shard(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl BlobId {
    /// Returns the id that a file is named after; `None` for a file that no blob store wrote.
    pub(crate) fn of_file_name(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        // A UUID has other notations, which are never names of blobs.
        name.parse().ok().filter(|id: &Self| id.to_string() == name)
    }
}

impl FromStr for BlobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

impl TryFrom<String> for BlobId {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.to_string()
    }
}
