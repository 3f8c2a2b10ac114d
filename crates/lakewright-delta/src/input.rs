//! Streams of record batches into a table and out of one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use arrow::array::RecordBatchReader;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::{Stream, StreamExt};
use lakewright_core::{Error, ErrorKind, Result};

use super::classify::Failure;
use crate::store::FirstError;

/// The number of batches that are buffered between a blocking reader and the runtime.
const WAITING: usize = 4;

/// A stream of batches of one schema.
pub struct BatchStream {
    schema: SchemaRef,
    stream: Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>,
}

impl BatchStream {
    /// Creates a stream whose batches have this schema.
    pub fn new(
        schema: SchemaRef,
        stream: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    ) -> Self {
        Self { schema, stream: Box::pin(stream) }
    }

    /// Returns the schema of every batch.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Collects all batches in memory.
    ///
    /// # Errors
    /// The first error of the stream.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        futures::TryStreamExt::try_collect(self.stream).await
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The data that is written into a table: batches in memory, a stream, or a reader.
#[derive(Debug)]
pub struct Batches(pub(super) BatchStream);

impl Batches {
    /// Creates the data from batches in memory. All must have this schema.
    #[must_use]
    pub fn from_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self(BatchStream::new(schema, futures::stream::iter(batches.into_iter().map(Ok))))
    }

    /// Creates the data from a stream, which may be a scan of lakewright.
    #[must_use]
    pub fn from_stream(stream: BatchStream) -> Self {
        Self(stream)
    }

    /// Creates the data from a reader that may block, such as a file or a stream of another Arrow
    /// library. It is read on a separate thread, never on a worker of the runtime: it may wait for
    /// a scan of lakewright, which needs those workers.
    #[must_use]
    pub fn from_reader(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        let schema = reader.schema();
        let (into, from) = tokio::sync::mpsc::channel(WAITING);
        let mut source = Some((reader, into));
        // The thread is started at the first poll, because there may be no runtime before.
        let stream = futures::stream::unfold(from, move |mut from| {
            if let Some((reader, into)) = source.take() {
                tokio::task::spawn_blocking(move || forward_batches(reader, &into));
            }
            async move { from.recv().await.map(|batch| (batch, from)) }
        });
        Self(BatchStream::new(schema, stream))
    }

    /// Returns the schema of every batch.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.0.schema()
    }

    /// Counts the rows as they pass and records the first error in `first_error`. Metadata of the
    /// source besides the columns (such as the index of pandas) is no part of the data and is
    /// removed.
    pub(super) fn watched(self, first_error: FirstError) -> (BatchStream, Arc<AtomicU64>) {
        let rows = Arc::new(AtomicU64::new(0));
        let schema: SchemaRef = Arc::new(Schema::new(self.schema().fields().clone()));
        let (count, bare) = (rows.clone(), schema.clone());
        let stream = self.0.map(move |batch| {
            let batch = batch.and_then(|batch| {
                count.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                RecordBatch::try_new_with_options(bare.clone(), batch.columns().to_vec(), &rows)
                    .map_err(|error| Failure::from(error).explain())
            });
            batch.inspect_err(|error| first_error.record(error))
        });
        (BatchStream::new(schema, stream), rows)
    }
}

/// Converts an error of another library's reader. It may be the text of an exception with its whole
/// trace: the first line contains the cause, and the rest does not belong in messages.
fn foreign(error: ArrowError) -> Error {
    if let ArrowError::ExternalError(inner) = &error
        && let Some(ours) = inner.downcast_ref::<Error>()
    {
        return ours.without_source();
    }
    let text = error.to_string();
    let first = text.split("Detail:").next().and_then(|text| text.lines().next());
    let why = format!("the data's own reader failed: {}", first.unwrap_or_default().trim());
    Error::new(ErrorKind::InvalidInput, why)
}

/// Sends batches until the reader ends or the receiver is dropped. A panic of the reader is sent as
/// an error, because it must not look like the end of the data.
fn forward_batches(
    reader: Box<dyn RecordBatchReader + Send>,
    into: &tokio::sync::mpsc::Sender<Result<RecordBatch>>,
) {
    let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for batch in reader {
            let batch = batch.map_err(foreign);
            if into.blocking_send(batch).is_err() {
                return;
            }
        }
    }));
    if sent.is_err() {
        let error = Error::new(ErrorKind::Internal, "the reader of the data panicked");
        // Sending fails only if the receiver has been dropped, and then the error is not needed.
        let _ = into.blocking_send(Err(error));
    }
}
