//! A single thread makes all changes. It takes the changes that have arrived, decides each in order
//! within one transaction, commits once and replies to all, so that they share the flush to the
//! disk, which dominates the cost of a small write.

use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use redb::ReadableDatabase as _;
use tokio::sync::oneshot;

use super::{IndexError, Shared, Tables, View};
use crate::blob::{BlobStore, StagedBlob};
use crate::reserve::Reserve;

/// Largest number of changes in a transaction, so that the first of them does not wait for a queue
/// that never empties.
const BATCH: usize = 1024;

/// How long the queue must be empty, on a full disk, before the thread checks whether there is
/// space again. The check may compact the database, which blocks other requests.
const RESTORE_DELAY: Duration = Duration::from_secs(1);

/// A change: decided within a transaction, then notified of the outcome of the commit.
trait Job: Send {
    /// Decides the change; called again if there was no space at first. An `Err` is a failure of
    /// the database and ends the batch; a refusal is stored for the reply.
    fn decide(&mut self, tables: &mut Tables<'_>) -> Result<(), IndexError>;
    /// Sends the reply, and keeps or deletes the staged blobs.
    fn reply(self: Box<Self>, committed: Result<(), &IndexError>);
    fn purpose(&self) -> Purpose;
    /// Keeps the staged blobs, whatever the reply will be.
    fn keep_blobs(&mut self);
}

/// How a change affects the used space on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The change needs space.
    Store,
    /// The change frees space.
    Free,
}

struct Change<T, F> {
    decide: F,
    purpose: Purpose,
    decided: Option<Result<T, IndexError>>,
    staged: Vec<StagedBlob>,
    reply: oneshot::Sender<Result<T, IndexError>>,
}

impl<T, F> Job for Change<T, F>
where
    T: Send,
    F: FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send,
{
    fn decide(&mut self, tables: &mut Tables<'_>) -> Result<(), IndexError> {
        match (self.decide)(tables) {
            Err(IndexError::Storage(error)) => Err(IndexError::Storage(error)),
            decided => {
                self.decided = Some(decided);
                Ok(())
            }
        }
    }

    fn purpose(&self) -> Purpose {
        self.purpose
    }

    fn keep_blobs(&mut self) {
        self.staged.drain(..).for_each(StagedBlob::keep);
    }

    fn reply(mut self: Box<Self>, committed: Result<(), &IndexError>) {
        if committed.is_ok() && matches!(self.decided, Some(Ok(_))) {
            self.keep_blobs();
        }
        // The blobs are deleted before the reply, because the caller may then check for leftovers.
        self.staged.clear();
        let result = match (committed, self.decided) {
            (Ok(()), Some(decided)) => decided,
            // A refusal is also replaced by the error, because it may depend on a change that was
            // not committed.
            (Err(error), _) => Err(duplicate(error)),
            (Ok(()), None) => Err(IndexError::Closed),
        };
        // The receiver may have been dropped; the change is kept all the same.
        let _ = self.reply.send(result);
    }
}

/// Copies an error, so that every waiting caller gets one.
fn duplicate(error: &IndexError) -> IndexError {
    match error {
        IndexError::Storage(redb::Error::Io(error)) => {
            // `from(kind)` alone would lose the message, `new` alone the OS error code.
            IndexError::from(error.raw_os_error().map_or_else(
                || io::Error::new(error.kind(), error.to_string()),
                io::Error::from_raw_os_error,
            ))
        }
        IndexError::Closed => IndexError::Closed,
        error => IndexError::from(io::Error::other(error.to_string())),
    }
}

enum Message {
    Job(Box<dyn Job>),
    Finish,
}

/// A handle to the thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    sender: Sender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    pub(super) fn start(
        shared: Arc<Shared>,
        blobs: BlobStore,
        reserve: Arc<Reserve>,
    ) -> io::Result<Self> {
        let (sender, messages) = channel();
        let state = WriterState { shared, blobs, reserve, is_open: true, freed: false };
        let thread = std::thread::Builder::new()
            .name("embedded-index".into())
            .spawn(move || run(&messages, state))?;
        Ok(Self { sender, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
        purpose: Purpose,
    ) -> oneshot::Receiver<Result<T, IndexError>> {
        let (reply, result) = oneshot::channel();
        let change = Change { decide, purpose, decided: None, staged, reply };
        // If the thread has ended, the change is dropped with its reply, and its blobs are deleted.
        let _ = self.sender.send(Message::Job(Box::new(change)));
        result
    }

    /// Completes the submitted changes and ends the thread.
    pub(super) fn finish(&self) {
        let _ = self.sender.send(Message::Finish);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of the index panicked");
        }
    }
}

/// The state of the thread.
struct WriterState {
    shared: Arc<Shared>,
    blobs: BlobStore,
    reserve: Arc<Reserve>,
    /// Whether the database is open.
    is_open: bool,
    /// Whether anything was freed since the last compaction.
    freed: bool,
}

fn run(messages: &Receiver<Message>, mut state: WriterState) {
    loop {
        let first = if state.reserve.is_released() {
            match messages.recv_timeout(RESTORE_DELAY) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    state.restore_reserve();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        } else {
            let Ok(message) = messages.recv() else { return };
            message
        };
        let mut batch = Vec::new();
        let mut finish = false;
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Job(job) => batch.push(job),
                Message::Finish => finish = true,
            }
            if finish || batch.len() == BATCH {
                break;
            }
        }
        state.process(batch);
        if finish {
            return;
        }
    }
}

/// The outcome of a batch.
enum BatchOutcome {
    Committed,
    /// Nothing of the batch is in the database.
    Failed(IndexError),
    /// The batch may or may not be in the database.
    Unknown(IndexError),
}

impl WriterState {
    /// Commits a batch and replies to its changes.
    fn process(&mut self, mut batch: Vec<Box<dyn Job>>) {
        if let Err(error) = self.reserve.check_writable() {
            batch = reject_stores(batch, &error.into());
        }
        let mut outcome = self.commit(&mut batch);
        if let BatchOutcome::Failed(error) = &outcome
            && error.is_full()
            && batch.iter().any(|job| job.purpose() == Purpose::Free)
        {
            batch = reject_stores(batch, error);
            self.reserve.release();
            outcome = self.commit(&mut batch);
        }
        let result = match outcome {
            BatchOutcome::Committed => {
                self.freed |= batch.iter().any(|job| job.purpose() == Purpose::Free);
                Ok(())
            }
            BatchOutcome::Failed(error) => Err(error),
            BatchOutcome::Unknown(error) => {
                // The blobs are kept: deleting them could leave an object without its bytes,
                // whereas unused blobs are removed by the next sweep.
                batch.iter_mut().for_each(|job| job.keep_blobs());
                Err(error)
            }
        };
        for job in batch {
            job.reply(result.as_ref().copied());
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> BatchOutcome {
        if batch.is_empty() {
            return BatchOutcome::Committed;
        }
        if !self.is_open {
            self.reopen();
        }
        let committed = catch_unwind(AssertUnwindSafe(|| commit(&self.shared, batch)));
        let Ok(committed) = committed else {
            // redb panics on some damage. The thread must survive it, or no change could be made
            // any more.
            self.reopen();
            return BatchOutcome::Unknown(IndexError::Record(
                "redb panicked: the index is damaged".into(),
            ));
        };
        match committed {
            Ok(retired) => {
                self.blobs.retire(retired);
                BatchOutcome::Committed
            }
            Err(Failure { error, batch: None }) => {
                self.reopen();
                BatchOutcome::Failed(error)
            }
            Err(Failure { error, batch: Some(number) }) => {
                self.reopen();
                match is_committed(&self.shared, number) {
                    // The blobs that it retired are deleted by the sweep of the next start.
                    Ok(true) => BatchOutcome::Committed,
                    Ok(false) => BatchOutcome::Failed(error),
                    Err(unknown) => {
                        tracing::error!(%error, %unknown, "the state of the index is unknown");
                        BatchOutcome::Unknown(error)
                    }
                }
            }
        }
    }

    /// Reopens the database, and releases the reserve if the disk is full.
    fn reopen(&mut self) {
        let mut opened = self.shared.reopen();
        if opened.as_ref().is_err_and(IndexError::is_full) && self.reserve.release() {
            opened = self.shared.reopen();
        }
        if let Err(error) = &opened {
            tracing::error!(%error, "the index cannot be reopened; the next change tries again");
        }
        self.is_open = opened.is_ok();
    }

    /// Tries to create the reserve again while the queue is empty.
    fn restore_reserve(&mut self) {
        let mut restored = self.reserve.try_restore();
        if matches!(restored, Ok(false)) && self.freed {
            // The freed space lies within the database file, which shrinks only by compaction.
            self.freed = false;
            if let Err(error) = self.shared.compact() {
                tracing::warn!(%error, "the index could not be compacted");
                self.reopen();
            }
            restored = self.reserve.try_restore();
        }
        match restored {
            Ok(true) => tracing::info!("there is space on the disk again"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the reserve cannot be restored"),
        }
    }
}

/// Replies with the error to the changes that need space, and returns those that free it.
fn reject_stores(batch: Vec<Box<dyn Job>>, error: &IndexError) -> Vec<Box<dyn Job>> {
    let (free, store) = batch.into_iter().partition(|job| job.purpose() == Purpose::Free);
    let store: Vec<Box<dyn Job>> = store;
    for job in store {
        job.reply(Err(error));
    }
    free
}

struct Failure {
    error: IndexError,
    /// Number of the batch, if a commit was attempted: it may then be in the database.
    batch: Option<u64>,
}

impl<E: Into<IndexError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), batch: None }
    }
}

/// Decides and commits a batch. Returns the retired blobs once the commit is durable.
fn commit(
    shared: &Shared,
    batch: &mut [Box<dyn Job>],
) -> Result<Vec<crate::blob::BlobId>, Failure> {
    let mut outcome = Ok(Vec::new());
    shared.with(|database| {
        let txn = database.begin_write()?;
        let mut tables = Tables::open(&txn)?;
        for job in batch {
            job.decide(&mut tables)?;
        }
        if !tables.changed {
            drop(tables);
            return Ok(txn.abort()?);
        }
        let number = tables.count_batch()?;
        let retired = mem::take(&mut tables.retired);
        drop(tables);
        outcome = match txn.commit() {
            Ok(()) => Ok(retired),
            Err(error) => Err(Failure { error: error.into(), batch: Some(number) }),
        };
        Ok(())
    })?;
    outcome
}

/// Returns whether a batch whose commit failed is in the database nevertheless.
fn is_committed(shared: &Shared, number: u64) -> Result<bool, IndexError> {
    shared.with(|database| Ok(View::open(&database.begin_read()?)?.batch()? >= number))
}
