//! The log store of our tables: deltalake's own, with what it lacks on a real network. Rivals
//! wait a random while before they try again, and a commit whose answer was lost is looked up
//! instead of being reported as lost to a rival, or repeated.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::{
    CommitOrBytes, LogStore, LogStoreConfig, LogStoreFactory, LogStoreRef, ObjectStoreRef,
    StorageConfig, default_logstore, logstore_factories,
};
use deltalake::{DeltaResult, DeltaTableBuilder, DeltaTableError};
use lakewright_core::{Error, ErrorKind};
use object_store::ObjectStore;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use uuid::Uuid;

use super::Table;
use crate::store::{BucketStore, Witness};

type Version = u64;

/// The longest first pause after a lost race; the bound doubles with each loss.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// No pause is longer: with many rivals somebody wins every few milliseconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

/// How often a commit whose fate is unknown is looked up before the caller hears of it.
const LOOKS: u32 = 5;

/// What need not be encoded in a table's URL.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'=');

/// The log store of a table, over its bucket. `witness` hears of every failure below it.
pub(super) fn open(table: &Table, witness: Witness) -> Result<LogStoreRef, DeltaTableError> {
    // deltalake finds log stores by scheme in one registry a process. Ours does nothing of its
    // own with the store it is given, so whoever comes first registers it for all.
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        if let Ok(scheme) = Url::parse("s3://") {
            logstore_factories().insert(scheme, Arc::new(Factory));
        }
    });
    let path = utf8_percent_encode(table.uri().path(), PLAIN);
    let url = Url::parse(&format!("s3://{}/{path}", table.uri().bucket()))
        .map_err(|error| DeltaTableError::InvalidTableLocation(error.to_string()))?;
    let store = Arc::new(BucketStore::new(table.s3(), table.uri().bucket(), witness));
    DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(store, url).build_storage()
}

#[derive(Clone, Debug)]
struct Factory;

impl LogStoreFactory for Factory {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// A log store for one commit: it remembers what it wrote.
pub(super) struct CommitLog {
    inner: LogStoreRef,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lost: u32,
    written: Option<(Version, Bytes)>,
}

impl CommitLog {
    pub(super) fn new(inner: LogStoreRef) -> Arc<Self> {
        Arc::new(Self { inner, state: Mutex::default() })
    }

    /// The version and bytes that were committed, and how many races were lost before.
    pub(super) fn outcome(&self) -> (Option<(Version, Bytes)>, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.written.clone(), state.lost.into())
    }

    fn won(&self, version: Version, bytes: Bytes) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.written = Some((version, bytes));
    }

    /// Notes a lost race and says how long to stay back.
    fn lost(&self) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bound = FIRST_PAUSE * 2_u32.saturating_pow(state.lost.min(10));
        state.lost += 1;
        jittered(bound.min(LONGEST_PAUSE))
    }

    async fn write(
        &self,
        version: Version,
        bytes: Bytes,
        id: Uuid,
    ) -> Result<(), TransactionError> {
        let mut looks = 0;
        loop {
            let entry = CommitOrBytes::LogBytes(bytes.clone());
            let failure = match self.inner.write_commit_entry(version, entry, id).await {
                Ok(()) => {
                    self.won(version, bytes);
                    return Ok(());
                }
                // A retry below us may have met its own first attempt.
                Err(failure @ TransactionError::VersionAlreadyExists(_)) => failure,
                Err(failure) if is_unclear(&failure) => failure,
                Err(failure) => return Err(failure),
            };
            let unclear = is_unclear(&failure);
            match self.inner.read_commit_entry(version).await {
                Ok(Some(found)) if found == bytes => {
                    self.won(version, bytes);
                    return Ok(());
                }
                Ok(Some(_)) => {
                    tokio::time::sleep(self.lost()).await;
                    return Err(TransactionError::VersionAlreadyExists(version));
                }
                Ok(None) if unclear && looks < LOOKS => {}
                Err(_) if unclear && looks < LOOKS => {}
                Ok(None) if unclear => return Err(unknown(version, &failure)),
                Err(_) if unclear => return Err(unknown(version, &failure)),
                Ok(None) | Err(_) => return Err(failure),
            }
            tokio::time::sleep(jittered(FIRST_PAUSE * 2_u32.pow(looks + 2))).await;
            looks += 1;
        }
    }
}

/// Between half of `bound` and all of it. Not for secrets: the process's hasher keys will do.
fn jittered(bound: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher};
    let dice = std::hash::RandomState::new().build_hasher().finish();
    bound / 2 + bound.mul_f64(0.5 * (dice as f64 / u64::MAX as f64))
}

/// Whether the commit may have been carried out although nobody said so.
fn is_unclear(failure: &TransactionError) -> bool {
    ours(failure)
        .is_some_and(|error| matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout))
}

fn ours(failure: &TransactionError) -> Option<&Error> {
    let TransactionError::ObjectStore { source } = failure else { return None };
    std::error::Error::source(source)?.downcast_ref::<Error>()
}

fn unknown(version: Version, failure: &TransactionError) -> TransactionError {
    let (kind, why) = ours(failure)
        .map_or((ErrorKind::Unavailable, String::new()), |e| (e.kind(), e.message().to_owned()));
    let why = format!(
        "{why}; whether version {version} was committed is not known: look at the history \
         before repeating the write"
    );
    let source = Box::new(Error::new(kind, why));
    TransactionError::ObjectStore { source: object_store::Error::Generic { store: "s3", source } }
}

#[async_trait]
impl LogStore for CommitLog {
    /// Not ours to choose: deltalake knows by this name that commits are conditional PUTs.
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn refresh(&self) -> DeltaResult<()> {
        self.inner.refresh().await
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.inner.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        match commit_or_bytes {
            CommitOrBytes::LogBytes(bytes) => self.write(version, bytes, operation_id).await,
            other @ CommitOrBytes::TmpCommit(_) => {
                self.inner.write_commit_entry(version, other, operation_id).await
            }
        }
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.inner.abort_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.inner.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.root_object_store(operation_id)
    }

    fn config(&self) -> &LogStoreConfig {
        self.inner.config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_random_and_bounded() {
        let bound = Duration::from_millis(100);
        let pauses: Vec<_> = (0..50).map(|_| jittered(bound)).collect();
        assert!(pauses.iter().all(|pause| (bound / 2..=bound).contains(pause)));
        assert!(pauses.iter().any(|pause| pause != &pauses[0]));
    }
}
