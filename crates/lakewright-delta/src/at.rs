//! `at`: an earlier version of a table.

use std::fmt;

use deltalake::logstore::{LogStoreRef, commit_uri_from_version};
use deltalake::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;
use jiff::Timestamp;
use lakewright_core::{Error, ErrorKind};

use super::classify::Failure;
use super::{CommitInfo, Table, log};
use crate::root;
use crate::store::FirstError;

/// An earlier version of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// The version with this number.
    Version(u64),
    /// The newest version that was committed at this time or before. The times are those of
    /// [`Table::history`].
    Timestamp(Timestamp),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Timestamp(at) => write!(f, "{at}"),
        }
    }
}

impl Table {
    pub(super) async fn load_at(&self, at: &At) -> Result<DeltaTable, Failure> {
        let log = log::open(self, FirstError::default())?;
        let version = match at {
            At::Version(version) => *version,
            At::Timestamp(at) => version_at(&log, *at).await?,
        };
        let mut table = DeltaTable::new(log);
        match table.load_version(version).await {
            Ok(()) => {
                root::check_files(&table)?;
                Ok(table)
            }
            // deltalake reports a version that does not exist yet as a broken log.
            Err(error) => Err(match table.get_latest_version().await {
                Ok(newest) if newest < version => DeltaTableError::InvalidVersion(version),
                _ => error,
            }
            .into()),
        }
    }
}

/// Returns the version at a time, found by binary search. deltalake's own search compares the
/// modification times of objects, which HEAD returns in whole seconds, and so finds the wrong
/// version among several commits of one second.
async fn version_at(log: &LogStoreRef, at: Timestamp) -> Result<u64, Failure> {
    let newest = log.get_latest_version(0).await?;
    let mut oldest = oldest_commit(log).await?;
    let asked = at.as_millisecond();
    if commit_time(log, oldest).await? > asked {
        let why = format!(
            "the table is not that old: the oldest version that its log still has is {oldest}"
        );
        return Err(Error::new(ErrorKind::NotFound, why).into());
    }
    let mut newest = newest;
    while oldest < newest {
        let middle = oldest + (newest - oldest).div_ceil(2);
        if commit_time(log, middle).await? <= asked {
            oldest = middle;
        } else {
            newest = middle - 1;
        }
    }
    Ok(oldest)
}

/// Returns the oldest version whose commit is still in the log.
async fn oldest_commit(log: &LogStoreRef) -> Result<u64, DeltaTableError> {
    let store = log.object_store(None);
    let mut entries = store.list(Some(log.log_path()));
    while let Some(entry) = entries.try_next().await? {
        let name = entry.location.filename().unwrap_or_default();
        let version = name.strip_suffix(".json").and_then(|version| version.parse().ok());
        if let Some(version) = version {
            return Ok(version);
        }
    }
    Err(DeltaTableError::NotATable("its log is empty".into()))
}

/// Returns the time of a commit in milliseconds since 1970: the one in its commitInfo action, or
/// else the modification time of its object.
async fn commit_time(log: &LogStoreRef, version: u64) -> Result<i64, DeltaTableError> {
    use object_store::ObjectStoreExt;

    let entry = log.read_commit_entry(version).await?.unwrap_or_default();
    match CommitInfo::read(version, &entry).timestamp {
        Some(at) => Ok(at.as_millisecond()),
        None => {
            let path = commit_uri_from_version(Some(version));
            let written = log.object_store(None).head(&path).await?.last_modified;
            Ok(written.timestamp_millis())
        }
    }
}
