//! The connection: buckets, tables and queries.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use lakewright::{
    BucketName, CreateBucketOptions, CreateTableOptions, Error, Result, Settings, TableUri,
};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::bucket::Bucket;
use crate::convert::{Name, Reduced, TextMap, Texts};
use crate::error::OrRaise;
use crate::profile::Profile;
use crate::runtime::{Awaitable, Done, Ready};
use crate::scan::Scan;
use crate::schema::SchemaArgument;
use crate::table::Table;
use crate::types::BucketInfo;
use crate::verb::{Handle, Open, verbs};

/// A connection, shared by the handles that were created from it.
pub(crate) struct Connection {
    /// The settings that `connect` was given. Pickling keeps only these.
    settings: Settings,
    /// `None` once the lake was closed.
    open: RwLock<Option<lakewright::Lake>>,
}

impl Connection {
    /// Returns the lake for the length of a call.
    ///
    /// # Errors
    /// `InvalidInput` when the lake was closed.
    pub(crate) fn lake(&self) -> Result<lakewright::Lake> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.clone().ok_or_else(|| Error::invalid_input("this lake was closed"))
    }

    /// Returns the server as `repr` shows it.
    pub(crate) fn place(&self) -> String {
        match (&self.settings.endpoint, self.lake()) {
            (Some(endpoint), _) if endpoint.starts_with("embedded:") => endpoint.clone(),
            (_, Ok(lake)) => lake.profile().to_string(),
            (_, Err(_)) => "closed".into(),
        }
    }
}

/// A connection to one endpoint. Its methods create, find and delete buckets and tables; the
/// methods of the handles that it returns work inside one bucket or table.
///
/// It may be shared between threads, and used with ``with``. It is pickled as the arguments of
/// :func:`connect`: a worker resolves profile and environment anew. A lake that was connected
/// with literal secrets refuses to be pickled.
#[pyclass(frozen, module = "lakewright", weakref, from_py_object)]
#[derive(Clone)]
pub(crate) struct Lake(pub(crate) Arc<Connection>);

impl Handle for Lake {
    type Inner = lakewright::Lake;

    fn inner(&self) -> Result<lakewright::Lake> {
        self.0.lake()
    }
}

/// Makes the directory of an `embedded:` endpoint absolute: a pickle may be opened in a process
/// with another working directory.
fn absolute(endpoint: String) -> String {
    let directory = endpoint.strip_prefix("embedded:").filter(|directory| !directory.is_empty());
    let Some(Ok(directory)) = directory.map(std::path::absolute) else { return endpoint };
    // An endpoint is text, so a path that is not Unicode stays as it was given.
    directory.to_str().map(|directory| format!("embedded:{directory}")).unwrap_or(endpoint)
}

impl Lake {
    /// Connects with these settings.
    pub(crate) async fn connect(mut settings: Settings) -> Result<Self> {
        settings.endpoint = settings.endpoint.map(absolute);
        let lake = lakewright::connect(settings.clone()).await?;
        Ok(Self(Arc::new(Connection { settings, open: RwLock::new(Some(lake)) })))
    }
}

#[verbs(Lake)]
impl Open<Lake> {
    /// Lists the buckets that these credentials may see, by name.
    ///
    /// >>> _ = lake.create_bucket("raw", exist_ok=True)
    /// >>> "raw" in [bucket.name for bucket in lake.buckets()]
    /// True
    async fn buckets(self) -> Result<Vec<BucketInfo>> {
        Ok(self.inner.list_buckets().await?.into_iter().map(BucketInfo).collect())
    }

    /// Creates a bucket in the profile's region and returns its handle.
    ///
    /// With ``exist_ok`` a bucket of that name that you own already is not an error.
    /// ``object_lock`` can be enabled at creation only, and switches versioning on.
    ///
    /// Raises ``AlreadyExistsError``, ``AccessDeniedError``.
    ///
    /// >>> lake.create_bucket("raw", exist_ok=True).name
    /// 'raw'
    #[pyo3(signature = (name, *, exist_ok=false, object_lock=false))]
    async fn create_bucket(
        self,
        name: Name<BucketName>,
        exist_ok: bool,
        object_lock: bool,
    ) -> Result<Bucket> {
        let options =
            CreateBucketOptions::builder().exist_ok(exist_ok).object_lock(object_lock).build();
        self.inner.create_bucket(&name.0, options).await?;
        Ok(Bucket::new(self.handle, name.0))
    }

    /// Checks that a bucket exists and may be used, and describes it.
    ///
    /// Raises ``NotFoundError``, ``AccessDeniedError``.
    ///
    /// >>> lake.head_bucket("no-such-bucket")
    /// Traceback (most recent call last):
    /// lakewright.exceptions.NotFoundError: ...
    #[pyo3(signature = (name))]
    async fn head_bucket(self, name: Name<BucketName>) -> Result<BucketInfo> {
        self.inner.head_bucket(&name.0).await.map(BucketInfo)
    }

    /// Deletes an empty bucket.
    ///
    /// Raises ``NotFoundError``; ``ConflictError`` while it holds objects.
    #[pyo3(signature = (name))]
    async fn delete_bucket(self, name: Name<BucketName>) -> Result<()> {
        self.inner.delete_bucket(&name.0).await
    }

    /// Returns handles on the tables below ``prefix``, which is a bucket (``raw/``) or a folder
    /// in one.
    ///
    /// Raises ``NotFoundError`` when the bucket is missing.
    #[pyo3(signature = (prefix))]
    async fn tables(self, prefix: &str) -> Result<Vec<Table>> {
        let uris = self.inner.list_tables(prefix).await?;
        let table = |uri| Table::new(self.handle.clone(), self.inner.without_guard().table(uri));
        Ok(uris.into_iter().map(table).collect())
    }

    /// Creates an empty table and returns its handle.
    ///
    /// ``schema`` is anything with ``__arrow_c_schema__``, or a dict ``{"name": "type"}`` in
    /// Delta's names: ``long``, ``integer``, ``short``, ``byte``, ``double``, ``float``,
    /// ``string``, ``boolean``, ``binary``, ``date``, ``timestamp``, ``timestamp_ntz``,
    /// ``decimal(p,s)``, ``array<t>``, ``map<k,v>``, ``struct<name:t>``, each with an optional
    /// ``not null`` after it. ``partition_by`` is a list of the columns that partition the table,
    /// outermost first. With ``exist_ok`` a table that exists with the same columns and
    /// partitions is not an error.
    ///
    /// Raises ``AlreadyExistsError``; ``SchemaMismatchError`` when it exists and differs;
    /// ``InvalidInputError`` for a schema or property that Delta does not know.
    ///
    /// >>> flights = lake.create_table("raw/doc", {"month": "integer", "delay": "double"},
    /// ...                             partition_by=["month"])
    /// >>> flights.version()
    /// 0
    /// >>> _ = lake.drop_table("raw/doc")
    #[pyo3(signature = (
        uri, schema, *, partition_by=None, exist_ok=false, properties=None,
        name=None, description=None,
    ))]
    async fn create_table(
        self,
        uri: Name<TableUri>,
        schema: SchemaArgument,
        partition_by: Option<Texts>,
        exist_ok: bool,
        properties: Option<TextMap>,
        name: Option<String>,
        description: Option<String>,
    ) -> Result<Table> {
        let partition_by = partition_by.unwrap_or_default().0;
        let properties = properties.unwrap_or_default().0;
        let options = CreateTableOptions::builder()
            .partition_by(partition_by)
            .exist_ok(exist_ok)
            .properties(properties)
            .maybe_name(name)
            .maybe_description(description)
            .build();
        self.inner.create_table(&uri.0, schema.0, options).await?;
        Ok(Table::new(self.handle, self.inner.without_guard().table(uri.0)))
    }

    /// Drops a table: deletes every object below its path. Returns how many there were.
    ///
    /// Raises ``NotFoundError``.
    #[pyo3(signature = (uri))]
    async fn drop_table(self, uri: Name<TableUri>) -> Result<u64> {
        self.inner.drop_table(&uri.0).await
    }

    /// Returns the connection as a dict of ``AWS_*`` options, for polars, deltalake and other
    /// programs that use object_store. **The dict holds the secrets.**
    async fn storage_options(self) -> Result<BTreeMap<String, String>> {
        let options = self.inner.storage_options().await?;
        Ok(options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

#[pymethods]
impl Lake {
    /// The profile that requests are made with, after every setting was resolved.
    #[getter]
    fn profile(&self, py: Python<'_>) -> PyResult<Profile> {
        Ok(Profile::resolved(self.inner().or_raise(py)?.profile()))
    }

    /// Returns a handle on a bucket. No request is sent; the bucket need not exist.
    ///
    /// Raises ``InvalidInputError`` for an invalid bucket name.
    ///
    /// >>> lake.bucket("raw").name
    /// 'raw'
    #[pyo3(signature = (name))]
    fn bucket(&self, name: Name<BucketName>) -> Bucket {
        Bucket::new(self.clone(), name.0)
    }

    /// Returns a handle on a table, named ``bucket/path`` or ``s3://bucket/path``. No request is
    /// sent; the table need not exist.
    ///
    /// Raises ``InvalidInputError`` for an invalid name.
    ///
    /// >>> lake.table("raw/flights").uri
    /// 's3://raw/flights'
    #[pyo3(signature = (uri))]
    fn table(&self, py: Python<'_>, uri: Name<TableUri>) -> PyResult<Table> {
        let lake = self.inner().or_raise(py)?;
        Ok(Table::new(self.clone(), lake.without_guard().table(uri.0)))
    }

    /// Returns a scan over an SQL query (DataFusion's dialect) of tables, each under the name
    /// that it has in ``tables``. No request is sent until the scan is read.
    ///
    /// >>> t = lake.create_table("raw/doc", {"n": "long"})
    /// >>> scan = lake.sql("SELECT count(*) AS n FROM t", tables={"t": t})
    /// >>> [batch.num_rows for batch in scan]
    /// [1]
    /// >>> _ = lake.drop_table("raw/doc")
    #[pyo3(signature = (query, *, tables=None))]
    fn sql(
        &self,
        py: Python<'_>,
        query: String,
        tables: Option<BTreeMap<String, Table>>,
    ) -> PyResult<Scan> {
        let tables = tables.unwrap_or_default();
        let lakes = [self].into_iter().chain(tables.values().map(|table| &table.lake)).cloned();
        let lakes = lakes.collect();
        let tables = tables.into_iter().map(|(name, table)| (name, table.inner)).collect();
        Ok(Scan::new(lakes, self.inner().or_raise(py)?.without_guard().sql(query, tables)))
    }

    /// Closes the connection. Handles and scans that were created from it raise from then on;
    /// calls and reads that are running are not affected.
    fn close(&self, py: Python<'_>) {
        let open = self.0.open.write().unwrap_or_else(PoisonError::into_inner).take();
        // An embedded server behind the lake may take a moment to stop.
        py.detach(move || drop(open));
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (kind: "object", error: "object", trace: "object", /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        trace: &Bound<'_, PyAny>,
    ) {
        let _ = (kind, error, trace);
        self.close(py);
    }

    fn __aenter__<'py>(slf: Bound<'py, Self>) -> PyResult<Awaitable<'py, Bound<'py, Self>>> {
        Ready::with(slf.py(), slf)
    }

    #[pyo3(signature = (kind: "object", error: "object", trace: "object", /))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        kind: &Bound<'py, PyAny>,
        error: &Bound<'py, PyAny>,
        trace: &Bound<'py, PyAny>,
    ) -> PyResult<Awaitable<'py, Done>> {
        let _ = (kind, error, trace);
        self.close(py);
        Ready::with(py, Done)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Lake({})", PyString::new(py, &self.0.place()).repr()?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let profile = Profile(self.0.settings.clone());
        profile.check_portable(py)?;
        let connect = py.import("lakewright")?.getattr("connect")?;
        let arguments = PyDict::new(py);
        arguments.set_item("profile", profile)?;
        let partial = py.import("functools")?.getattr("partial")?;
        let reconnect = partial.call((connect,), Some(&arguments))?;
        Ok(Reduced((reconnect, ()).into_bound_py_any(py)?))
    }
}
