//! Tables: description, history, writes and scans.

use arrow::array::RecordBatchReader;
use lakewright::Result;
use lakewright::table::{At, Batches, OverwriteOptions, ScanOptions, WriteOptions};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString};
use pyo3::{Borrowed, IntoPyObjectExt, type_hint_identifier};
use pyo3_arrow::input::AnyRecordBatch;

use crate::convert::{Moment, Number, Opaque, Reduced, Texts};
use crate::error::{OrRaise, invalid};
use crate::lake::Lake;
use crate::scan::{Scan, export, export_schema};
use crate::schema::Schema;
use crate::types::{Commit, CommitInfo, FileInfo, TableInfo};
use crate::verb::{Guarded, Handle, Open, verbs};

/// A handle on a Delta table. :meth:`Lake.table` returns one without a request. It may be shared
/// between threads, and is pickled with its lake.
///
/// A table can be read like a scan of all its rows: ``pyarrow.table(table)``.
#[pyclass(frozen, module = "lakewright", weakref, from_py_object)]
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) lake: Lake,
    /// Created without a guard: the connection is kept alive by `lake` until that is closed, and
    /// by running calls.
    pub(crate) inner: lakewright::table::Table,
}

/// The rows that a write takes.
pub(crate) enum Data {
    /// A scan of lakewright: its batches stay inside the runtime.
    Scan(Box<Scan>),
    /// Batches of another library.
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

    /// Returns a scan of all rows.
    fn all(&self) -> Scan {
        Scan::new(vec![self.lake.clone()], self.inner.scan(ScanOptions::default()))
    }
}

impl Handle for Table {
    type Inner = Guarded<lakewright::table::Table>;

    fn inner(&self) -> Result<Self::Inner> {
        Ok(Guarded::new(self.inner.clone(), vec![self.lake.0.lake()?]))
    }
}

#[verbs(Table)]
impl Open<Table> {
    /// Returns whether the table exists.
    async fn exists(self) -> Result<bool> {
        self.inner.exists().await
    }

    /// Returns the newest version, or the one that this view is fixed to.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    async fn version(self) -> Result<u64> {
        self.inner.version().await
    }

    /// Returns the columns.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    async fn schema(self) -> Result<Schema> {
        self.inner.schema().await.map(Schema)
    }

    /// Describes the table: columns, partitions, properties, number of files.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    async fn details(self) -> Result<TableInfo> {
        self.inner.details().await.map(TableInfo)
    }

    /// Returns the commits of the table, newest first; at most ``limit`` of them.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    #[pyo3(signature = (*, limit=None))]
    async fn history(self, limit: Option<Number<usize>>) -> Result<Vec<CommitInfo>> {
        let history = self.inner.history(Number::get(limit)).await?;
        Ok(history.into_iter().map(CommitInfo).collect())
    }

    /// Returns the data files of the table. None of them is read.
    ///
    /// Raises ``NotFoundError`` when there is no table.
    async fn files(self) -> Result<Vec<FileInfo>> {
        Ok(self.inner.files().await?.into_iter().map(FileInfo).collect())
    }

    /// Adds rows in one commit. Concurrent appends all succeed.
    ///
    /// ``data`` is anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``: of pyarrow,
    /// polars, duckdb, pandas, or a scan of lakewright. It is read batch by batch and may be
    /// larger than memory. Columns are matched by name; missing ones are filled with nulls where
    /// the table allows it; numbers are widened, never narrowed. Data files are closed at about
    /// ``target_file_bytes`` bytes.
    ///
    /// Raises ``SchemaMismatchError`` when a column is unknown, missing or of another type;
    /// ``InvalidInputError`` when a row violates a constraint; ``NotFoundError``;
    /// ``ConflictError`` when a concurrent change of the table rules the write out.
    ///
    /// >>> import pyarrow
    /// >>> t = lake.create_table("raw/doc", {"n": "long"})
    /// >>> commit = t.append(pyarrow.table({"n": [1, 2, 3]}))
    /// >>> commit.version, commit.rows
    /// (1, 3)
    /// >>> _ = lake.drop_table("raw/doc")
    #[pyo3(signature = (data, *, target_file_bytes=None))]
    async fn append(self, data: Data, target_file_bytes: Option<Number<u64>>) -> Result<Commit> {
        let options =
            WriteOptions::builder().maybe_target_file_bytes(Number::get(target_file_bytes)).build();
        self.inner.append(data.batches().await?, options).await.map(Commit)
    }

    /// Replaces rows in one commit: all of them, or those for which the SQL condition
    /// ``replace_where`` holds (the new rows must fulfil it). Readers see all of the old rows or
    /// all of the new ones; older versions stay readable.
    ///
    /// Raises what :meth:`append` raises; ``InvalidInputError`` for a condition that is not SQL,
    /// names an unknown column, or does not hold for a new row; ``UnsupportedError`` on an
    /// append-only table.
    #[pyo3(signature = (data, *, replace_where=None, target_file_bytes=None))]
    async fn overwrite(
        self,
        data: Data,
        replace_where: Option<String>,
        target_file_bytes: Option<Number<u64>>,
    ) -> Result<Commit> {
        let write =
            WriteOptions::builder().maybe_target_file_bytes(Number::get(target_file_bytes)).build();
        let options =
            OverwriteOptions::builder().maybe_replace_where(replace_where).write(write).build();
        self.inner.overwrite(data.batches().await?, options).await.map(Commit)
    }
}

#[pymethods]
impl Table {
    /// The table's location, as ``s3://bucket/path``.
    #[getter]
    fn uri(&self) -> String {
        self.inner.uri().to_string()
    }

    /// The last part of the table's path.
    #[getter]
    fn name(&self) -> &str {
        self.inner.uri().name()
    }

    /// The lake that the table belongs to.
    #[getter]
    fn lake(&self) -> Lake {
        self.lake.clone()
    }

    /// Returns a read-only view of an older state of the table: at a version, or at a time given
    /// as an aware ``datetime`` or RFC 3339 text.
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

    /// Returns a scan of the rows for which the SQL condition ``where`` holds, at most ``limit``
    /// of them, with these columns in this order. No request is sent until the scan is read.
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
        columns: Option<Texts>,
        r#where: Option<String>,
        limit: Option<Number<u64>>,
    ) -> PyResult<Scan> {
        let columns = columns.map(|columns| columns.0);
        let options = ScanOptions::builder()
            .maybe_columns(columns)
            .maybe_filter(r#where)
            .maybe_limit(Number::get(limit))
            .build();
        let scan = self.inner().or_raise(py)?.scan(options);
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

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let table = Bound::new(py, self.lake.clone())?.getattr("table")?;
        let Some(at) = self.inner.fixed_at() else {
            return Ok(Reduced((table, (self.uri(),)).into_bound_py_any(py)?));
        };
        let newest = table.call1((self.uri(),))?;
        let arguments = PyDict::new(py);
        match at {
            At::Version(version) => arguments.set_item("version", version)?,
            At::Timestamp(time) => arguments.set_item("time", time.to_string())?,
        }
        let partial = py.import("functools")?.getattr("partial")?;
        let view = partial.call((newest.getattr("at")?,), Some(&arguments))?;
        Ok(Reduced((view, ()).into_bound_py_any(py)?))
    }
}
