//! Scans, and the record batches that they return.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, RecordBatch as Batch, RecordBatchIterator, RecordBatchReader, StructArray,
};
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use futures::{StreamExt, TryStreamExt};
use lakewright::table::BatchStream;
use lakewright::{Error, ErrorKind, Result};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{
    ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule,
};
use tokio::runtime::Handle as RuntimeHandle;
use tokio::sync::mpsc;

use crate::convert::Opaque;
use crate::error::OrRaise;
use crate::lake::Lake;
use crate::runtime::{Awaitable, SIGNAL_INTERVAL, on_main_thread, runtime, wait};
use crate::schema::Schema;
use crate::shared_stream::SharedStream;
use crate::verb::{Guarded, Handle, Open, verbs};

/// How many batches are buffered for a slower consumer.
const BUFFERED_BATCHES: usize = 2;

/// A query, which runs each time that it is read.
///
/// ``pyarrow.table(scan)``, ``polars.DataFrame(scan)``, ``duckdb.from_arrow(scan)`` and every
/// other consumer of ``__arrow_c_stream__`` reads it, also :meth:`Table.append`. It iterates over
/// :class:`RecordBatch`, with ``for`` and with ``async for``.
#[pyclass(frozen, module = "lakewright", weakref)]
#[derive(Clone)]
pub(crate) struct Scan {
    /// The lakes of the tables that the query reads.
    lakes: Vec<Lake>,
    scan: lakewright::table::Scan,
}

impl Scan {
    /// Wraps a scan that was created without a guard: the lakes keep its connection alive.
    pub(crate) fn new(lakes: Vec<Lake>, scan: lakewright::table::Scan) -> Self {
        Self { lakes, scan }
    }

    /// Runs the query. The stream keeps the lakes open until it is dropped.
    pub(crate) async fn stream(&self) -> Result<BatchStream> {
        let open = self.inner()?;
        let stream = open.stream().await?;
        let schema = stream.schema().clone();
        let guarded = stream.inspect(move |_| {
            let _ = &open;
        });
        Ok(BatchStream::new(schema, guarded))
    }

    fn batches(&self) -> BatchIterator {
        let scan = self.clone();
        let batches = futures::stream::once(async move { scan.stream().await }).try_flatten();
        BatchIterator(SharedStream::new(batches.map_ok(|batch| {
            if batch.num_rows() == 0 { Vec::new() } else { vec![RecordBatch(batch)] }
        })))
    }
}

impl Handle for Scan {
    type Inner = Guarded<lakewright::table::Scan>;

    fn inner(&self) -> Result<Self::Inner> {
        let lakes = self.lakes.iter().map(|lake| lake.0.lake()).collect::<Result<_>>()?;
        Ok(Guarded::new(self.scan.clone(), lakes))
    }
}

/// Runs a scan, and returns the capsule of an Arrow C stream of its batches.
pub(crate) fn export<'py>(
    py: Python<'py>,
    scan: Scan,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Opaque<'py>> {
    let stream = wait(py, async move { scan.stream().await })?;
    capsule(py, BlockingReader::new(stream).or_raise(py)?, requested_schema)
}

fn capsule<'py>(
    py: Python<'py>,
    reader: impl RecordBatchReader + Send + 'static,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Opaque<'py>> {
    let field = rows_of(&reader.schema());
    let rows = reader.map(|batch| Ok(Arc::new(StructArray::from(batch?)) as ArrayRef));
    let rows = Box::new(ArrayIterator::new(rows, Arc::new(field)));
    Ok(Opaque(to_stream_pycapsule(py, rows, requested_schema)?.into_any()))
}

/// Returns the field of a struct whose children are the columns: the C interface passes rows so.
fn rows_of(schema: &SchemaRef) -> Field {
    Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone())
}

/// Returns the capsule of an Arrow C schema.
pub(crate) fn export_schema<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Opaque<'py>> {
    Ok(Opaque(to_schema_pycapsule(py, schema.as_ref())?.into_any()))
}

#[verbs(Scan)]
impl Open<Scan> {
    /// Returns the columns of the result. Plans the query, and reads no data.
    ///
    /// Raises ``NotFoundError`` when there is no table; ``InvalidInputError`` for unknown columns,
    /// and for a condition or query that is not SQL.
    async fn schema(self) -> Result<Schema> {
        self.inner.schema().await.map(Schema)
    }
}

#[pymethods]
impl Scan {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Opaque<'py>> {
        export_schema(py, &self.schema(py)?.0)
    }

    #[pyo3(signature = (requested_schema: "object | None" = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Opaque<'py>> {
        export(py, self.clone(), requested_schema)
    }

    fn __iter__(&self) -> BatchIterator {
        self.batches()
    }

    fn __aiter__(&self) -> BatchIterator {
        self.batches()
    }

    fn __repr__(&self) -> &'static str {
        "Scan(…)"
    }
}

/// The batches of one run of a scan: an iterator, also an asynchronous one.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct BatchIterator(SharedStream<RecordBatch>);

#[pymethods]
impl BatchIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<RecordBatch> {
        self.0.next(py)
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, RecordBatch>> {
        self.0.next_async(py)
    }
}

/// Rows, stored column by column. ``pyarrow.record_batch(batch)``, ``polars.DataFrame(batch)`` and
/// every other consumer of ``__arrow_c_array__`` or ``__arrow_c_stream__`` reads it without a
/// copy.
#[pyclass(frozen, module = "lakewright", weakref)]
pub(crate) struct RecordBatch(Batch);

#[pymethods]
impl RecordBatch {
    /// The columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.0.schema())
    }

    /// The number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    /// The number of columns.
    #[getter]
    fn num_columns(&self) -> usize {
        self.0.num_columns()
    }

    /// The memory that the buffers take, in bytes.
    #[getter]
    fn nbytes(&self) -> usize {
        self.0.get_array_memory_size()
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Opaque<'py>> {
        export_schema(py, &self.0.schema())
    }

    #[pyo3(signature = (requested_schema: "object | None" = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Opaque<'py>> {
        let field = Arc::new(rows_of(&self.0.schema()));
        let rows = StructArray::from(self.0.clone());
        let capsules = to_array_pycapsules(py, field, &rows, requested_schema)?;
        Ok(Opaque(capsules.into_any()))
    }

    #[pyo3(signature = (requested_schema: "object | None" = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Opaque<'py>> {
        let rows = RecordBatchIterator::new([Ok(self.0.clone())], self.0.schema());
        capsule(py, rows, requested_schema)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let columns = self.schema().to_dict(py)?.0;
        Ok(format!("RecordBatch({} rows, {})", self.0.num_rows(), columns.repr()?))
    }
}

/// A stream for a consumer that blocks. A task that never takes the GIL fills it through a
/// bounded channel, so that it works whether or not the consumer holds the GIL.
struct BlockingReader {
    schema: SchemaRef,
    receiver: mpsc::Receiver<Result<Batch>>,
    runtime: RuntimeHandle,
}

impl BlockingReader {
    fn new(mut stream: BatchStream) -> Result<Self> {
        let runtime = runtime()?.clone();
        let schema = stream.schema().clone();
        let (sender, receiver) = mpsc::channel(BUFFERED_BATCHES);
        runtime.spawn(async move {
            loop {
                let batch = tokio::select! {
                    batch = stream.next() => batch,
                    () = sender.closed() => return,
                };
                let Some(batch) = batch else { return };
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { schema, receiver, runtime })
    }

    /// Blocks for the next batch. In the main thread it checks for Ctrl-C meanwhile.
    fn receive(&mut self) -> Option<Result<Batch>> {
        if let Ok(batch) = self.receiver.try_recv() {
            return Some(batch);
        }
        // In a forked process the runtime has no threads, and this would wait for ever.
        if let Err(error) = runtime() {
            return Some(Err(error));
        }
        loop {
            let next = self.runtime.block_on(async {
                tokio::time::timeout(SIGNAL_INTERVAL, self.receiver.recv()).await
            });
            match next {
                Ok(batch) => return batch,
                Err(_) if on_main_thread() && Python::attach(interrupted) => {
                    // The consumer turns this into an exception. Ending the stream instead would
                    // make it take a part of the rows for all of them.
                    let why = "interrupted (Ctrl-C)";
                    return Some(Err(Error::new(ErrorKind::Unavailable, why).during("scan")));
                }
                Err(_) => {}
            }
        }
    }
}

/// Returns whether a signal handler raised. A consumer in C cannot pass the exception on, so
/// Ctrl-C is raised again when the consumer has returned to Python.
fn interrupted(py: Python<'_>) -> bool {
    let Err(raised) = py.check_signals() else { return false };
    if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
        let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
    }
    true
}

impl Iterator for BlockingReader {
    type Item = Result<Batch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.receive()?;
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for BlockingReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
