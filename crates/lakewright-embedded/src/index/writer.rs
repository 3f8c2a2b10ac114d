//! One thread makes every change. It takes what has come in while it was busy, decides each in
//! turn within one transaction, commits once, and answers all: the flush to the disk, which is
//! what a small write costs, is shared by everybody who waits for it.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use redb::ReadableDatabase as _;
use tokio::sync::oneshot;

use super::{IndexError, Shared, Tables, View};
use crate::blob::{BlobStore, StagedBlob};

/// Changes that go into one transaction at most, so that the first of them does not wait for a
/// queue that never empties.
const BATCH: usize = 1024;

/// A change: decided once, then told whether it is durable.
trait Job: Send {
    /// Decides. An `Err` is a failure of the database and ends the batch; a refusal is kept for
    /// the answer.
    fn decide(&mut self, tables: &mut Tables<'_>) -> Result<(), IndexError>;
    /// Answers, and keeps or deletes the blobs.
    fn answer(self: Box<Self>, committed: Result<(), &IndexError>);
    /// Takes the blobs out of danger, whatever the answer will be.
    fn keep_blobs(&mut self);
}

struct Change<T, F> {
    decide: Option<F>,
    decided: Option<Result<T, IndexError>>,
    staged: Vec<StagedBlob>,
    reply: oneshot::Sender<Result<T, IndexError>>,
}

impl<T, F> Job for Change<T, F>
where
    T: Send,
    F: FnOnce(&mut Tables<'_>) -> Result<T, IndexError> + Send,
{
    fn decide(&mut self, tables: &mut Tables<'_>) -> Result<(), IndexError> {
        let Some(decide) = self.decide.take() else { return Ok(()) };
        match decide(tables) {
            Err(IndexError::Storage(error)) => Err(IndexError::Storage(error)),
            decided => {
                self.decided = Some(decided);
                Ok(())
            }
        }
    }

    fn keep_blobs(&mut self) {
        self.staged.drain(..).for_each(StagedBlob::keep);
    }

    fn answer(mut self: Box<Self>, committed: Result<(), &IndexError>) {
        if committed.is_ok() && matches!(self.decided, Some(Ok(_))) {
            self.keep_blobs();
        }
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
    pub(super) fn start(shared: Arc<Shared>, blobs: BlobStore) -> io::Result<Self> {
        let (inbox, messages) = channel();
        let thread = std::thread::Builder::new()
            .name("embedded-index".into())
            .spawn(move || run(&messages, &shared, &blobs))?;
        Ok(Self { inbox, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnOnce(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, IndexError>> {
        let (reply, answer) = oneshot::channel();
        let change = Change { decide: Some(decide), decided: None, staged, reply };
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

fn run(messages: &Receiver<Message>, shared: &Shared, blobs: &BlobStore) {
    let mut healthy = true;
    while let Ok(first) = messages.recv() {
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
        if !healthy {
            healthy = shared.reopen().is_ok();
        }
        let committed = commit(shared, &mut batch);
        let committed = match committed {
            Ok(retired) => {
                blobs.retire(retired);
                Ok(())
            }
            Err(Failure { error, batch: None }) => {
                healthy = shared.reopen().is_ok();
                Err(error)
            }
            Err(Failure { error, batch: Some(number) }) => {
                healthy = shared.reopen().is_ok();
                match is_committed(shared, number) {
                    // Blobs that it retired stay until the next start sweeps them.
                    Ok(true) => Ok(()),
                    Ok(false) => Err(error),
                    Err(unknown) => {
                        // Whether the database names the blobs is not known: deleting them could
                        // make an object that cannot be read, keeping them costs a sweep.
                        tracing::error!(%error, %unknown, "the index is out of order");
                        batch.iter_mut().for_each(|job| job.keep_blobs());
                        Err(error)
                    }
                }
            }
        };
        for job in batch {
            job.answer(committed.as_ref().copied());
        }
        if finish {
            break;
        }
    }
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
