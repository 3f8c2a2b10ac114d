//! The log store of lakewright's tables: deltalake's log store with retries that suit a network.
//! Writers that lose a race wait for a random delay before they retry, and a commit whose response
//! was lost is read back before it is retried or reported.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use delta_kernel::Engine;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::{
    CommitOrBytes, LogStore, LogStoreConfig, LogStoreFactory, LogStoreRef, ObjectStoreRef,
    StorageConfig, default_logstore, logstore_factories,
};
use deltalake::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError};
use lakewright_core::{Error, Outcome};
use object_store::ObjectStore;
use url::Url;
use uuid::Uuid;

use super::Table;
use super::classify::{Failure, request_error};
use crate::root::{self, RootEngine};
use crate::store::{BucketStore, FirstError};

type Version = u64;

/// The upper bound of the delay after the first lost race; it doubles with each loss.
const FIRST_DELAY: Duration = Duration::from_millis(20);

/// The upper bound of any delay: with many writers one of them wins every few milliseconds.
const MAX_DELAY: Duration = Duration::from_millis(640);

/// The number of times that a commit is sent again and read back before its failure is reported.
const RETRIES: u32 = 5;

/// Opens the log store of a table over its bucket. `first_error` records the first failure of a
/// request.
pub(super) fn open(table: &Table, first_error: FirstError) -> Result<LogStoreRef, Failure> {
    Ok(open_in(store(table, first_error)?, table.id())?)
}

/// Loads the newest version of a table and checks its files.
pub(super) async fn load(log: LogStoreRef) -> Result<DeltaTable, Failure> {
    let mut table = DeltaTable::new(log);
    table.load().await?;
    root::check_files(&table)?;
    Ok(table)
}

/// Returns the object store of a table. `first_error` records the first failure of a request.
pub(super) fn store(
    table: &Table,
    first_error: FirstError,
) -> lakewright_core::Result<Arc<dyn ObjectStore>> {
    let bucket = BucketStore::new(table.s3(), table.uri().bucket(), first_error);
    root::store(bucket, table.uri().path())
}

/// Opens the log store of the table that a store contains.
pub(super) fn open_in(
    store: Arc<dyn ObjectStore>,
    id: Uuid,
) -> Result<LogStoreRef, DeltaTableError> {
    // deltalake finds log stores by scheme in one registry per process. The factory has no state,
    // so it is registered once for all tables.
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        if let Ok(scheme) = Url::parse("s3://") {
            logstore_factories().insert(scheme, Arc::new(Factory));
        }
    });
    let url =
        root::url(id).map_err(|error| DeltaTableError::InvalidTableLocation(error.to_string()))?;
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
        let inner = default_logstore(prefixed_store, root_store, location, options);
        Ok(Arc::new(RootLog(inner)))
    }
}

/// deltalake's log store, whose engine reads nothing but files of the table.
struct RootLog(LogStoreRef);

#[async_trait]
impl LogStore for RootLog {
    fn engine(&self, operation_id: Option<Uuid>) -> Arc<dyn Engine> {
        Arc::new(RootEngine::new(self.0.engine(operation_id), self.root_url().clone()))
    }

    /// deltalake recognises by this name that commits are conditional PUTs.
    fn name(&self) -> String {
        self.0.name()
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.0.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.0.write_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.0.abort_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.0.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.0.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.0.root_object_store(operation_id)
    }

    fn config(&self) -> &LogStoreConfig {
        self.0.config()
    }
}

/// A log store for one commit that records the result of the commit.
pub(super) struct CommitLog {
    inner: LogStoreRef,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of lost races.
    lost: u32,
    /// The version that was committed, and its bytes.
    written: Option<(Version, Bytes)>,
    /// The error of a commit that may have been carried out.
    unknown: Option<Error>,
}

impl CommitLog {
    pub(super) fn new(inner: LogStoreRef) -> Arc<Self> {
        Arc::new(Self { inner, state: Mutex::default() })
    }

    /// Returns the version and bytes that were committed, and the number of races lost before.
    pub(super) fn outcome(&self) -> (Option<(Version, Bytes)>, u64) {
        let state = self.state();
        (state.written.clone(), state.lost.into())
    }

    /// Returns the error of a commit that may have been carried out. deltalake does not retry after
    /// it.
    pub(super) fn unknown(&self) -> Option<Error> {
        self.state().unknown.as_ref().map(Error::without_source)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn won(&self, version: Version, bytes: Bytes) {
        self.state().written = Some((version, bytes));
    }

    /// Counts a lost race and returns the delay before the next attempt.
    fn lost(&self) -> Duration {
        let mut state = self.state();
        let bound = FIRST_DELAY * 2_u32.saturating_pow(state.lost.min(10));
        state.lost += 1;
        jittered(bound.min(MAX_DELAY))
    }

    /// Records that `version` may have been committed although its commit returned `error`.
    fn unclear(&self, version: Version, error: &Error) -> TransactionError {
        let message = format!(
            "{} while version {version} was committed; the table's history shows whether it is \
             there",
            error.message()
        );
        let error = error.without_source().with_message(message).with_outcome(Outcome::Unknown);
        self.state().unknown = Some(error.without_source());
        let source = Box::new(error);
        TransactionError::ObjectStore {
            source: object_store::Error::Generic { store: "s3", source },
        }
    }

    async fn write(
        &self,
        version: Version,
        bytes: Bytes,
        id: Uuid,
    ) -> Result<(), TransactionError> {
        // The first error after which the commit may be there. Only reading the entry shows whether
        // it is: a later attempt that is refused may have been refused because of this one.
        let mut unclear: Option<Error> = None;
        let mut attempt = 0;
        loop {
            let entry = CommitOrBytes::LogBytes(bytes.clone());
            let failure = match self.inner.write_commit_entry(version, entry, id).await {
                Ok(()) => {
                    self.won(version, bytes);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            let exists = matches!(failure, TransactionError::VersionAlreadyExists(_));
            let error = request_error(&failure);
            if let Some(error) = error.filter(|error| error.outcome_unknown()) {
                unclear.get_or_insert_with(|| error.without_source());
            }
            let again = unclear.is_some() || error.is_some_and(Error::is_retryable);
            if !again && !exists {
                return Err(failure);
            }
            match self.inner.read_commit_entry(version).await {
                Ok(Some(found)) if found == bytes => {
                    self.won(version, bytes);
                    return Ok(());
                }
                Ok(Some(_)) => {
                    tokio::time::sleep(self.lost()).await;
                    return Err(TransactionError::VersionAlreadyExists(version));
                }
                Ok(None) | Err(_) if again && attempt < RETRIES => {}
                Ok(None) | Err(_) => {
                    return Err(match unclear {
                        Some(error) => self.unclear(version, &error),
                        None => failure,
                    });
                }
            }
            tokio::time::sleep(jittered(FIRST_DELAY * 2_u32.pow(attempt + 2))).await;
            attempt += 1;
        }
    }
}

/// Returns a random delay between half of `bound` and all of it. The randomness of the standard library's
/// hasher is sufficient here.
fn jittered(bound: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher};
    let dice = std::hash::RandomState::new().build_hasher().finish();
    bound / 2 + bound.mul_f64(0.5 * (dice as f64 / u64::MAX as f64))
}

#[async_trait]
impl LogStore for CommitLog {
    fn engine(&self, operation_id: Option<Uuid>) -> Arc<dyn Engine> {
        self.inner.engine(operation_id)
    }

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
    fn delays_are_random_and_bounded() {
        let bound = Duration::from_millis(100);
        let delays: Vec<_> = (0..50).map(|_| jittered(bound)).collect();
        assert!(delays.iter().all(|delay| (bound / 2..=bound).contains(delay)));
        assert!(delays.iter().any(|delay| delay != &delays[0]));
    }
}
