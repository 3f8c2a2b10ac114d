//! Scans, and the batches they come to.

use std::future::Future;
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
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::convert::Opaque;
use crate::error::OrRaise;
use crate::lake::Lake;
use crate::runtime::{Awaitable, LOOK_EVERY, on_main_thread, promise, runtime, wait};
use crate::schema::Schema;
use crate::turns::Turns;

/// How many batches wait for a consumer that is slower than we are.
const WAITING: usize = 2;

/// A query that runs when it is read, each time anew.
///
/// ``pyarrow.table(scan)``, ``polars.DataFrame(scan)``, ``duckdb.from_arrow(scan)`` and whatever
/// else takes ``__arrow_c_stream__`` reads it, also ``append``. It iterates over
/// :class:`RecordBatch`, with ``for`` and with ``async for``.
#[pyclass(frozen, module = "lakewright", weakref)]
#[derive(Clone)]
pub(crate) struct Scan {
    /// Whose tables it reads.
    lakes: Vec<Lake>,
    scan: lakewright::table::Scan,
}

impl Scan {
    /// `scan` is made on a loose connection.
    pub(crate) fn new(lakes: Vec<Lake>, scan: lakewright::table::Scan) -> Self {
        Self { lakes, scan }
    }

    /// What must stay open while it is read.
    fn open(&self) -> Result<Vec<lakewright::Lake>> {
        self.lakes.iter().map(|lake| lake.0.lake()).collect()
    }

    fn planning(&self) -> impl Future<Output = Result<Schema>> + Send + 'static {
        let scan = self.clone();
        async move {
            let open = scan.open()?;
            let schema = scan.scan.schema().await.map(Schema);
            drop(open);
            schema
        }
    }

    pub(crate) async fn stream(&self) -> Result<BatchStream> {
        let open = self.open()?;
        let stream = self.scan.stream().await?;
        let schema = stream.schema().clone();
        let reading = stream.inspect(move |_| {
            let _ = &open;
        });
        Ok(BatchStream::new(schema, reading))
    }

    fn batches(&self) -> BatchIterator {
        let scan = self.clone();
        let batches = futures::stream::once(async move { scan.stream().await }).try_flatten();
        BatchIterator(Turns::new(batches.map_ok(|batch| {
            if batch.num_rows() == 0 { Vec::new() } else { vec![RecordBatch(batch)] }
        })))
    }
}

/// Runs a scan into a capsule for whoever reads Arrow's C streams.
pub(crate) fn export<'py>(
    py: Python<'py>,
    scan: Scan,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Opaque<'py>> {
    let stream = wait(py, async move { scan.stream().await })?;
    capsule(py, Feed::new(stream).or_raise(py)?, requested_schema)
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

/// Rows cross as one struct whose fields are the columns.
fn rows_of(schema: &SchemaRef) -> Field {
    Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone())
}

/// The columns of a scan as a capsule.
pub(crate) fn export_schema<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Opaque<'py>> {
    Ok(Opaque(to_schema_pycapsule(py, schema.as_ref())?.into_any()))
}

#[pymethods]
impl Scan {
    /// The columns of the answer. Plans the query, reads no data.
    ///
    /// Raises ``NotFoundError`` when there is no table; ``InvalidInputError`` for columns that
    /// are not there, or a condition or query that is no SQL.
    fn schema(&self, py: Python<'_>) -> PyResult<Schema> {
        wait(py, self.planning())
    }

    /// The asynchronous twin of :meth:`schema`.
    fn schema_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, Schema>> {
        promise(py, self.planning())
    }

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
pub(crate) struct BatchIterator(Turns<RecordBatch>);

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

/// Some rows, column by column. ``pyarrow.record_batch(batch)``, ``polars.DataFrame(batch)`` and
/// whatever else takes ``__arrow_c_array__`` or ``__arrow_c_stream__`` reads it without a copy.
#[pyclass(frozen, module = "lakewright", weakref)]
pub(crate) struct RecordBatch(Batch);

#[pymethods]
impl RecordBatch {
    /// The columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.0.schema())
    }

    /// How many rows there are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    /// How many columns there are.
    #[getter]
    fn num_columns(&self) -> usize {
        self.0.num_columns()
    }

    /// How many bytes of memory its buffers take.
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

/// A stream for a consumer that blocks: fed through a bounded channel by a task that never
/// needs the GIL, so that it does not matter whether the consumer holds it.
struct Feed {
    schema: SchemaRef,
    from: mpsc::Receiver<Result<Batch>>,
    runtime: Handle,
}

impl Feed {
    fn new(mut stream: BatchStream) -> Result<Self> {
        let runtime = runtime()?.clone();
        let schema = stream.schema().clone();
        let (into, from) = mpsc::channel(WAITING);
        runtime.spawn(async move {
            loop {
                let batch = tokio::select! {
                    batch = stream.next() => batch,
                    () = into.closed() => return,
                };
                let Some(batch) = batch else { return };
                if into.send(batch).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { schema, from, runtime })
    }

    /// Blocks for the next batch and lets Ctrl-C through, where this is the thread it goes to.
    fn receive(&mut self) -> Option<Result<Batch>> {
        if let Ok(batch) = self.from.try_recv() {
            return Some(batch);
        }
        // In a fork the runtime is not there; waiting for it would be for ever.
        if let Err(error) = runtime() {
            return Some(Err(error));
        }
        loop {
            let next = self
                .runtime
                .block_on(async { tokio::time::timeout(LOOK_EVERY, self.from.recv()).await });
            match next {
                Ok(batch) => return batch,
                Err(_) if on_main_thread() && Python::attach(interrupted) => {
                    // The consumer makes an exception of its own of this; to end the stream
                    // instead would make it take half the rows for all.
                    let why = "interrupted (Ctrl-C)";
                    return Some(Err(Error::new(ErrorKind::Unavailable, why).during("scan")));
                }
                Err(_) => {}
            }
        }
    }
}

/// Whether a signal's handler raised. A consumer in C cannot pass that on, so Ctrl-C is noted
/// again, for when it is back in Python.
fn interrupted(py: Python<'_>) -> bool {
    let Err(raised) = py.check_signals() else { return false };
    if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
        let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
    }
    true
}

impl Iterator for Feed {
    type Item = Result<Batch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.receive()?;
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Feed {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
