//! One thread makes every change. It takes what has come in while it was busy, decides each in
//! turn within one transaction, commits once, and answers all: the flush to the disk, which is
//! what a small write costs, is shared by everybody who waits for it.

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

/// Changes that go into one transaction at most, so that the first of them does not wait for a
/// queue that never empties.
const BATCH: usize = 1024;

/// How long nothing must have been asked for, on a full disk, before the thread looks whether
/// there is room again. It may compact the database then, which keeps others waiting.
const MEND_AFTER: Duration = Duration::from_secs(1);

/// A change: decided, then told whether it is durable.
trait Job: Send {
    /// Decides, and decides again if there was no room at first. An `Err` is a failure of the database and ends the batch; a refusal is kept for
    /// the answer.
    fn decide(&mut self, tables: &mut Tables<'_>) -> Result<(), IndexError>;
    /// Answers, and keeps or deletes the blobs.
    fn answer(self: Box<Self>, committed: Result<(), &IndexError>);
    fn purpose(&self) -> Purpose;
    /// Takes the blobs out of danger, whatever the answer will be.
    fn keep_blobs(&mut self);
}

/// What a change does to the room on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It takes some.
    Store,
    /// It leaves less than there was.
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

    fn answer(mut self: Box<Self>, committed: Result<(), &IndexError>) {
        if committed.is_ok() && matches!(self.decided, Some(Ok(_))) {
            self.keep_blobs();
        }
        // Before the answer: who has it may look whether anything was left.
        self.staged.clear();
        let answer = match (committed, self.decided) {
            (Ok(()), Some(decided)) => decided,
            // Also when refused: the refusal may rest on a change that was not committed.
            (Err(error), _) => Err(copy(error)),
            (Ok(()), None) => Err(IndexError::Closed),
        };
        // Nobody may be waiting any more. What was done stays done.
        let _ = self.reply.send(answer);
    }
}

/// One failure for each of those who wait.
fn copy(error: &IndexError) -> IndexError {
    match error {
        IndexError::Storage(redb::Error::Io(error)) => {
            // `from(kind)` alone would lose the text, `new` alone the code of the system.
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

/// A handle of the thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    inbox: Sender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    pub(super) fn start(
        shared: Arc<Shared>,
        blobs: BlobStore,
        reserve: Arc<Reserve>,
    ) -> io::Result<Self> {
        let (inbox, messages) = channel();
        let work = Work { shared, blobs, reserve, healthy: true, freed: false };
        let thread = std::thread::Builder::new()
            .name("embedded-index".into())
            .spawn(move || run(&messages, work))?;
        Ok(Self { inbox, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
        purpose: Purpose,
    ) -> oneshot::Receiver<Result<T, IndexError>> {
        let (reply, answer) = oneshot::channel();
        let change = Change { decide, purpose, decided: None, staged, reply };
        // When the thread is gone the reply is dropped with the change, and its blobs are deleted.
        let _ = self.inbox.send(Message::Job(Box::new(change)));
        answer
    }

    /// Does what was submitted before, and ends the thread.
    pub(super) fn finish(&self) {
        let _ = self.inbox.send(Message::Finish);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of the index panicked");
        }
    }
}

/// What the thread works with.
struct Work {
    shared: Arc<Shared>,
    blobs: BlobStore,
    reserve: Arc<Reserve>,
    /// Whether the database is open.
    healthy: bool,
    /// Whether anything was freed since the database was compacted last.
    freed: bool,
}

fn run(messages: &Receiver<Message>, mut work: Work) {
    loop {
        let first = if work.reserve.is_out() {
            match messages.recv_timeout(MEND_AFTER) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    work.mend();
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
        work.take(batch);
        if finish {
            return;
        }
    }
}

/// How a batch ended.
enum End {
    Committed,
    /// Nothing of it is in the database.
    Failed(IndexError),
    /// It is in the database or not.
    Unknown(IndexError),
}

impl Work {
    /// Does a batch and answers it.
    fn take(&mut self, mut batch: Vec<Box<dyn Job>>) {
        if let Err(error) = self.reserve.admit() {
            batch = refuse_stores(batch, &error.into());
        }
        let mut end = self.commit(&mut batch);
        if let End::Failed(error) = &end
            && error.is_full()
            && batch.iter().any(|job| job.purpose() == Purpose::Free)
        {
            batch = refuse_stores(batch, error);
            self.reserve.release();
            end = self.commit(&mut batch);
        }
        let answer = match end {
            End::Committed => {
                self.freed |= batch.iter().any(|job| job.purpose() == Purpose::Free);
                Ok(())
            }
            End::Failed(error) => Err(error),
            End::Unknown(error) => {
                // Deleting the blobs could make an object that cannot be read, keeping them costs
                // a sweep.
                batch.iter_mut().for_each(|job| job.keep_blobs());
                Err(error)
            }
        };
        for job in batch {
            job.answer(answer.as_ref().copied());
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> End {
        if batch.is_empty() {
            return End::Committed;
        }
        if !self.healthy {
            self.reopen();
        }
        let committed = catch_unwind(AssertUnwindSafe(|| commit(&self.shared, batch)));
        let Ok(committed) = committed else {
            // redb panics on some damage. Without this thread nothing could be written any more.
            self.reopen();
            return End::Unknown(IndexError::Record("redb panicked: the index is damaged".into()));
        };
        match committed {
            Ok(retired) => {
                self.blobs.retire(retired);
                End::Committed
            }
            Err(Failure { error, batch: None }) => {
                self.reopen();
                End::Failed(error)
            }
            Err(Failure { error, batch: Some(number) }) => {
                self.reopen();
                match is_committed(&self.shared, number) {
                    // Blobs that it retired stay until the next start sweeps them.
                    Ok(true) => End::Committed,
                    Ok(false) => End::Failed(error),
                    Err(unknown) => {
                        tracing::error!(%error, %unknown, "the index is out of order");
                        End::Unknown(error)
                    }
                }
            }
        }
    }

    /// Opens the database anew, with the room of the reserve if it takes that.
    fn reopen(&mut self) {
        let mut opened = self.shared.reopen();
        if opened.as_ref().is_err_and(IndexError::is_full) && self.reserve.release() {
            opened = self.shared.reopen();
        }
        if let Err(error) = &opened {
            tracing::error!(%error, "the index cannot be opened again; the next change tries");
        }
        self.healthy = opened.is_ok();
    }

    /// Tries to have the reserve again, when there is nothing else to do.
    fn mend(&mut self) {
        let mut taken = self.reserve.take();
        if matches!(taken, Ok(false)) && self.freed {
            // What was deleted lay in the database, whose file does not shrink by itself.
            self.freed = false;
            if let Err(error) = self.shared.compact() {
                tracing::warn!(%error, "the index could not be compacted");
                self.reopen();
            }
            taken = self.reserve.take();
        }
        match taken {
            Ok(true) => tracing::info!("there is room on the disk again"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the reserve cannot be made again"),
        }
    }
}

/// Answers those that would store something, and leaves those that free.
fn refuse_stores(batch: Vec<Box<dyn Job>>, error: &IndexError) -> Vec<Box<dyn Job>> {
    let (free, store) = batch.into_iter().partition(|job| job.purpose() == Purpose::Free);
    let store: Vec<Box<dyn Job>> = store;
    for job in store {
        job.answer(Err(error));
    }
    free
}

struct Failure {
    error: IndexError,
    /// Number of the batch, if its commit was tried: then it may be in the database.
    batch: Option<u64>,
}

impl<E: Into<IndexError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), batch: None }
    }
}

/// Decides and commits a batch. What it retired, when it is durable.
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

/// Whether a batch whose commit reported a failure is in the database.
fn is_committed(shared: &Shared, number: u64) -> Result<bool, IndexError> {
    shared.with(|database| Ok(View::open(&database.begin_read()?)?.batch()? >= number))
}
