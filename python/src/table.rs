//! Tables.

use std::future::Future;

use arrow::array::RecordBatchReader;
use lakewright::Result;
use lakewright::table::{At, Batches, OverwriteOptions, ScanOptions, WriteOptions};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString};
use pyo3::{Borrowed, IntoPyObjectExt, type_hint_identifier};
use pyo3_arrow::input::AnyRecordBatch;

use crate::convert::{Moment, Number, Opaque, Recipe};
use crate::error::{OrRaise, invalid};
use crate::lake::Lake;
use crate::runtime::{Awaitable, promise, wait};
use crate::scan::{Scan, export, export_schema};
use crate::schema::Schema;
use crate::types::{Commit, CommitInfo, FileInfo, TableInfo};

/// A handle on a Delta table. Made without a request by :meth:`Lake.table`; it may be shared
/// between threads, and pickles with its lake.
///
/// A table can be read like a scan of all of it: ``pyarrow.table(table)``.
#[pyclass(frozen, module = "lakewright", weakref, from_py_object)]
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) lake: Lake,
    /// On a loose connection: what is behind it lives as long as the lake is open, and as calls
    /// are under way.
    pub(crate) inner: lakewright::table::Table,
}

/// Rows on their way in.
pub(crate) enum Data {
    /// One of our own scans: it does not leave the runtime.
    Scan(Box<Scan>),
    /// Somebody else's.
    Reader(Box<dyn RecordBatchReader + Send>),
}

impl FromPyObject<'_, '_> for Data {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("lakewright.typing", "ArrowData");

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(scan) = object.cast::<Scan>() {
            return Ok(Self::Scan(Box::new(scan.get().clone())));
        }
        if let Ok(table) = object.cast::<Table>() {
            return Ok(Self::Scan(Box::new(table.get().all())));
        }
        let arrow = object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")?;
        if arrow {
            return Ok(Self::Reader(object.extract::<AnyRecordBatch>()?.into_reader()?));
        }
        let class = object.get_type();
        let pandas = class
            .module()
            .is_ok_and(|module| module.to_str().is_ok_and(|module| module.starts_with("pandas.")));
        if pandas && object.hasattr("columns")? {
            let table = object.py().import("pyarrow")?.getattr("Table")?;
            let table = table.call_method1("from_pandas", (object,))?;
            return Ok(Self::Reader(table.extract::<AnyRecordBatch>()?.into_reader()?));
        }
        Err(PyTypeError::new_err(format!(
            "rows come as anything with __arrow_c_stream__ or __arrow_c_array__ (pyarrow, polars, \
             duckdb, pandas, a lakewright scan), not {}",
            class.name()?
        )))
    }
}

impl Data {
    async fn batches(self) -> Result<Batches> {
        match self {
            Self::Scan(scan) => Ok(Batches::from_stream(scan.stream().await?)),
            Self::Reader(reader) => Ok(Batches::from_reader(reader)),
        }
    }
}

impl Table {
    pub(crate) fn new(lake: Lake, inner: lakewright::table::Table) -> Self {
        Self { lake, inner }
    }

    /// The table and what it needs open, unless its lake was closed.
    fn open(&self, py: Python<'_>) -> PyResult<(lakewright::Lake, lakewright::table::Table)> {
        Ok((self.lake.0.lake().or_raise(py)?, self.inner.clone()))
    }

    /// A scan of all of it.
    fn all(&self) -> Scan {
        Scan::new(vec![self.lake.clone()], self.inner.scan(ScanOptions::default()))
    }

    fn asking<T, F>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(lakewright::table::Table) -> F + Send + 'static,
    ) -> PyResult<impl Future<Output = Result<T>> + Send + 'static>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let (open, table) = self.open(py)?;
        Ok(async move {
            let answer = ask(table).await;
            drop(open);
            answer
        })
    }

    fn asking_exists(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<bool>> + Send + 'static> {
        self.asking(py, async |table| table.exists().await)
    }

    fn asking_version(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<u64>> + Send + 'static> {
        self.asking(py, async |table| table.version().await)
    }

    fn asking_schema(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<Schema>> + Send + 'static> {
        self.asking(py, async |table| table.schema().await.map(Schema))
    }

    fn asking_details(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<TableInfo>> + Send + 'static> {
        self.asking(py, async |table| table.details().await.map(Into::into))
    }

    fn asking_history(
        &self,
        py: Python<'_>,
        limit: Option<Number<usize>>,
    ) -> PyResult<impl Future<Output = Result<Vec<CommitInfo>>> + Send + 'static> {
        let limit = limit.map(|number| number.0);
        self.asking(py, async move |table| {
            Ok(table.history(limit).await?.into_iter().map(Into::into).collect())
        })
    }

    fn asking_files(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<Vec<FileInfo>>> + Send + 'static> {
        self.asking(py, async |table| {
            Ok(table.files().await?.into_iter().map(Into::into).collect())
        })
    }

    fn appending(
        &self,
        py: Python<'_>,
        data: Data,
        options: WriteOptions,
    ) -> PyResult<impl Future<Output = Result<Commit>> + Send + 'static> {
        self.asking(py, async move |table| {
            table.append(data.batches().await?, options).await.map(Into::into)
        })
    }

    fn overwriting(
        &self,
        py: Python<'_>,
        data: Data,
        options: OverwriteOptions,
    ) -> PyResult<impl Future<Output = Result<Commit>> + Send + 'static> {
        self.asking(py, async move |table| {
            table.overwrite(data.batches().await?, options).await.map(Into::into)
        })
    }
}

#[pymethods]
impl Table {
    /// Where the table lives, as ``s3://bucket/path``.
    #[getter]
    fn uri(&self) -> String {
        self.inner.uri().to_string()
    }

    /// The last part of its path.
    #[getter]
    fn name(&self) -> &str {
        self.inner.uri().name()
    }

    /// The lake it belongs to.
    #[getter]
    fn lake(&self) -> Lake {
        self.lake.clone()
    }

    /// The table as it was: a view that can be read and not written. Give the version, or the
    /// time as an aware ``datetime`` or RFC 3339 text.
    ///
    /// >>> t = lake.create_table("raw/doc", {"n": "long"})
    /// >>> t.at(version=0).version()
    /// 0
    /// >>> _ = lake.drop_table("raw/doc")
    #[pyo3(signature = (*, version=None, time=None))]
    fn at(
        &self,
        py: Python<'_>,
        version: Option<Number<u64>>,
        time: Option<Moment>,
    ) -> PyResult<Self> {
        let at = match (version, time) {
            (Some(version), None) => At::Version(version.0),
            (None, Some(time)) => At::Timestamp(time.0),
            _ => return Err(invalid(py, "at() takes a version or a time")),
        };
        Ok(Self { lake: self.lake.clone(), inner: self.inner.at(at) })
    }

    /// Whether there is a table.
    fn exists(&self, py: Python<'_>) -> PyResult<bool> {
        wait(py, self.asking_exists(py)?)
    }

    /// The asynchronous twin of :meth:`exists`.
    fn exists_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, bool>> {
        promise(py, self.asking_exists(py)?)
    }

    /// The newest version, or the one this view is fixed to.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    fn version(&self, py: Python<'_>) -> PyResult<u64> {
        wait(py, self.asking_version(py)?)
    }

    /// The asynchronous twin of :meth:`version`.
    fn version_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, u64>> {
        promise(py, self.asking_version(py)?)
    }

    /// The columns.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    fn schema(&self, py: Python<'_>) -> PyResult<Schema> {
        wait(py, self.asking_schema(py)?)
    }

    /// The asynchronous twin of :meth:`schema`.
    fn schema_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, Schema>> {
        promise(py, self.asking_schema(py)?)
    }

    /// What the table says of itself.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    fn details(&self, py: Python<'_>) -> PyResult<TableInfo> {
        wait(py, self.asking_details(py)?)
    }

    /// The asynchronous twin of :meth:`details`.
    fn details_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, TableInfo>> {
        promise(py, self.asking_details(py)?)
    }

    /// What was done to the table, newest first; at most ``limit`` entries.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    #[pyo3(signature = (*, limit=None))]
    fn history(&self, py: Python<'_>, limit: Option<Number<usize>>) -> PyResult<Vec<CommitInfo>> {
        wait(py, self.asking_history(py, limit)?)
    }

    /// The asynchronous twin of :meth:`history`.
    #[pyo3(signature = (*, limit=None))]
    fn history_async<'py>(
        &self,
        py: Python<'py>,
        limit: Option<Number<usize>>,
    ) -> PyResult<Awaitable<'py, Vec<CommitInfo>>> {
        promise(py, self.asking_history(py, limit)?)
    }

    /// The data files that make up the table, without reading any of them.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    fn files(&self, py: Python<'_>) -> PyResult<Vec<FileInfo>> {
        wait(py, self.asking_files(py)?)
    }

    /// The asynchronous twin of :meth:`files`.
    fn files_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, Vec<FileInfo>>> {
        promise(py, self.asking_files(py)?)
    }

    /// Adds rows in one commit. Concurrent appends all succeed.
    ///
    /// ``data`` is anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``: of pyarrow,
    /// polars, duckdb, pandas, or a scan of lakewright's own. It is read batch by batch and may
    /// be larger than memory. Columns are matched by name; missing ones are filled with nulls
    /// where the table allows it; numbers are widened, never narrowed. Data files are closed at
    /// about ``target_file_bytes`` bytes.
    ///
    /// Raises ``SchemaMismatchError`` when a column is unknown, missing or of another type;
    /// ``InvalidInputError`` when a row breaks a constraint; ``NotFoundError``;
    /// ``ConflictError`` when the table was changed in a way that stands against it.
    ///
    /// >>> import pyarrow
    /// >>> t = lake.create_table("raw/doc", {"n": "long"})
    /// >>> commit = t.append(pyarrow.table({"n": [1, 2, 3]}))
    /// >>> commit.version, commit.rows
    /// (1, 3)
    /// >>> _ = lake.drop_table("raw/doc")
    #[pyo3(signature = (data, *, target_file_bytes=None))]
    fn append(
        &self,
        py: Python<'_>,
        data: Data,
        target_file_bytes: Option<Number<u64>>,
    ) -> PyResult<Commit> {
        let options = WriteOptions { target_file_bytes: target_file_bytes.map(|n| n.0) };
        wait(py, self.appending(py, data, options)?)
    }

    /// The asynchronous twin of :meth:`append`.
    #[pyo3(signature = (data, *, target_file_bytes=None))]
    fn append_async<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        target_file_bytes: Option<Number<u64>>,
    ) -> PyResult<Awaitable<'py, Commit>> {
        let options = WriteOptions { target_file_bytes: target_file_bytes.map(|n| n.0) };
        promise(py, self.appending(py, data, options)?)
    }

    /// Replaces rows in one commit: all of them, or those for which the SQL condition
    /// ``replace_where`` holds (the new ones must fulfil it). Readers see all of the old or all
    /// of the new; older versions stay readable.
    ///
    /// Raises what :meth:`append` raises; ``InvalidInputError`` for a condition that is no SQL,
    /// names no column, or does not hold for a new row; ``UnsupportedError`` on an append-only
    /// table.
    #[pyo3(signature = (data, *, replace_where=None, target_file_bytes=None))]
    fn overwrite(
        &self,
        py: Python<'_>,
        data: Data,
        replace_where: Option<String>,
        target_file_bytes: Option<Number<u64>>,
    ) -> PyResult<Commit> {
        let write = WriteOptions { target_file_bytes: target_file_bytes.map(|n| n.0) };
        wait(py, self.overwriting(py, data, OverwriteOptions { replace_where, write })?)
    }

    /// The asynchronous twin of :meth:`overwrite`.
    #[pyo3(signature = (data, *, replace_where=None, target_file_bytes=None))]
    fn overwrite_async<'py>(
        &self,
        py: Python<'py>,
        data: Data,
        replace_where: Option<String>,
        target_file_bytes: Option<Number<u64>>,
    ) -> PyResult<Awaitable<'py, Commit>> {
        let write = WriteOptions { target_file_bytes: target_file_bytes.map(|n| n.0) };
        promise(py, self.overwriting(py, data, OverwriteOptions { replace_where, write })?)
    }

    /// Reads rows: only these columns in this order, only rows for which the SQL condition
    /// ``where`` holds, at most ``limit`` of them. Nothing is sent until the scan is read.
    ///
    /// >>> import pyarrow
    /// >>> t = lake.create_table("raw/doc", {"n": "long", "s": "string"})
    /// >>> _ = t.append(pyarrow.table({"n": [1, 2, 3], "s": ["a", "b", "c"]}))
    /// >>> pyarrow.table(t.scan(columns=["s"], where="n > 2")).to_pydict()
    /// {'s': ['c']}
    /// >>> _ = lake.drop_table("raw/doc")
    #[pyo3(signature = (*, columns=None, r#where=None, limit=None))]
    fn scan(
        &self,
        py: Python<'_>,
        columns: Option<Vec<String>>,
        r#where: Option<String>,
        limit: Option<Number<u64>>,
    ) -> PyResult<Scan> {
        let limit = limit.map(|rows| rows.0);
        let (_, table) = self.open(py)?;
        let scan = table.scan(ScanOptions { columns, filter: r#where, limit });
        Ok(Scan::new(vec![self.lake.clone()], scan))
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
        export(py, self.all(), requested_schema)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let uri = PyString::new(py, &self.uri()).repr()?;
        let at = self.inner.fixed_at().map(|at| format!(", at {at}")).unwrap_or_default();
        let place = PyString::new(py, &self.lake.0.place()).repr()?;
        Ok(format!("Table({uri}{at}, {place})"))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Recipe<'py>> {
        let table = Bound::new(py, self.lake.clone())?.getattr("table")?;
        let Some(at) = self.inner.fixed_at() else {
            return Ok(Recipe((table, (self.uri(),)).into_bound_py_any(py)?));
        };
        let living = table.call1((self.uri(),))?;
        let named = PyDict::new(py);
        match at {
            At::Version(version) => named.set_item("version", version)?,
            At::Timestamp(time) => named.set_item("time", time.to_string())?,
        }
        let partial = py.import("functools")?.getattr("partial")?;
        let again = partial.call((living.getattr("at")?,), Some(&named))?;
        Ok(Recipe((again, ()).into_bound_py_any(py)?))
    }
}
