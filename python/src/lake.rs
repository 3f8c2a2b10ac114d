//! The connection.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use lakewright::{
    BucketName, CreateBucketOptions, CreateTableOptions, Error, Result, Settings, TableUri,
};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::bucket::Bucket;
use crate::convert::{Recipe, named};
use crate::error::OrRaise;
use crate::profile::Profile;
use crate::runtime::{Awaitable, Done, Ready, promise, wait};
use crate::scan::Scan;
use crate::schema::SchemaArgument;
use crate::table::Table;
use crate::types::BucketInfo;

/// A connection as its handles share it.
pub(crate) struct Connection {
    /// What it was asked for: all that a pickle takes along.
    asked: Settings,
    /// `None` once it was closed.
    open: RwLock<Option<lakewright::Lake>>,
}

impl Connection {
    /// The connection, for the length of a call.
    pub(crate) fn lake(&self) -> Result<lakewright::Lake> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.clone().ok_or_else(|| Error::invalid_input("this lake was closed"))
    }

    /// How reprs call the other end.
    pub(crate) fn place(&self) -> String {
        match (&self.asked.endpoint, self.lake()) {
            (Some(endpoint), _) if endpoint.starts_with("embedded:") => endpoint.clone(),
            (_, Ok(lake)) => lake.profile().to_string(),
            (_, Err(_)) => "closed".into(),
        }
    }
}

/// A connection to one endpoint. What makes, finds or ends a container is a verb of the lake;
/// what happens inside one is a verb of its handle.
///
/// It may be shared between threads, and used with ``with``. It pickles as what it was asked
/// for: a worker resolves profile and environment anew. One that was given literal secrets
/// refuses to be pickled.
#[pyclass(frozen, module = "lakewright", weakref, from_py_object)]
#[derive(Clone)]
pub(crate) struct Lake(pub(crate) Arc<Connection>);

/// The same endpoint, its directory named from the root if it is one of this machine's.
fn absolute(endpoint: String) -> String {
    let directory = endpoint.strip_prefix("embedded:").filter(|directory| !directory.is_empty());
    let Some(Ok(directory)) = directory.map(std::path::absolute) else { return endpoint };
    // A path of other letters than Unicode's cannot be said in an endpoint.
    directory.to_str().map(|directory| format!("embedded:{directory}")).unwrap_or(endpoint)
}

impl Lake {
    async fn connecting(mut asked: Settings) -> Result<Self> {
        // A pickle may be opened in another directory.
        asked.endpoint = asked.endpoint.map(absolute);
        let lake = lakewright::connect(asked.clone()).await?;
        Ok(Self(Arc::new(Connection { asked, open: RwLock::new(Some(lake)) })))
    }

    pub(crate) fn connect(py: Python<'_>, asked: Settings) -> PyResult<Self> {
        wait(py, Self::connecting(asked))
    }

    pub(crate) fn connect_async(py: Python<'_>, asked: Settings) -> PyResult<Awaitable<'_, Self>> {
        promise(py, Self::connecting(asked))
    }

    fn inner(&self, py: Python<'_>) -> PyResult<lakewright::Lake> {
        self.0.lake().or_raise(py)
    }

    fn listing_buckets(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<Vec<BucketInfo>>> + Send + 'static> {
        let lake = self.inner(py)?;
        Ok(
            async move { Ok(lake.list_buckets().await?.into_iter().map(BucketInfo::from).collect()) },
        )
    }

    fn creating_bucket(
        &self,
        py: Python<'_>,
        name: &str,
        exist_ok: bool,
        object_lock: bool,
    ) -> PyResult<impl Future<Output = Result<Bucket>> + Send + 'static> {
        let (lake, name) = (self.inner(py)?, named::<BucketName>(py, name)?);
        let handle = Bucket::new(self.clone(), name.clone());
        Ok(async move {
            lake.create_bucket(&name, CreateBucketOptions { exist_ok, object_lock }).await?;
            Ok(handle)
        })
    }

    fn heading_bucket(
        &self,
        py: Python<'_>,
        name: &str,
    ) -> PyResult<impl Future<Output = Result<BucketInfo>> + Send + 'static> {
        let (lake, name) = (self.inner(py)?, named::<BucketName>(py, name)?);
        Ok(async move { lake.head_bucket(&name).await.map(Into::into) })
    }

    fn deleting_bucket(
        &self,
        py: Python<'_>,
        name: &str,
    ) -> PyResult<impl Future<Output = Result<Done>> + Send + 'static> {
        let (lake, name) = (self.inner(py)?, named::<BucketName>(py, name)?);
        Ok(async move { lake.delete_bucket(&name).await.map(|()| Done) })
    }

    fn listing_tables(
        &self,
        py: Python<'_>,
        prefix: String,
    ) -> PyResult<impl Future<Output = Result<Vec<Table>>> + Send + 'static> {
        let (lake, handle) = (self.inner(py)?, self.clone());
        Ok(async move {
            let uris = lake.list_tables(&prefix).await?;
            let table = |uri| Table::new(handle.clone(), lake.without_guard().table(uri));
            Ok(uris.into_iter().map(table).collect())
        })
    }

    fn creating_table(
        &self,
        py: Python<'_>,
        uri: &str,
        schema: SchemaArgument,
        options: CreateTableOptions,
    ) -> PyResult<impl Future<Output = Result<Table>> + Send + 'static> {
        let (lake, uri) = (self.inner(py)?, named::<TableUri>(py, uri)?);
        let handle = self.clone();
        Ok(async move {
            lake.create_table(&uri, schema.0, options).await?;
            Ok(Table::new(handle, lake.without_guard().table(uri)))
        })
    }

    fn dropping_table(
        &self,
        py: Python<'_>,
        uri: &str,
    ) -> PyResult<impl Future<Output = Result<u64>> + Send + 'static> {
        let (lake, uri) = (self.inner(py)?, named::<TableUri>(py, uri)?);
        Ok(async move { lake.drop_table(&uri).await })
    }

    fn telling_storage_options(
        &self,
        py: Python<'_>,
    ) -> PyResult<impl Future<Output = Result<BTreeMap<String, String>>> + Send + 'static> {
        let lake = self.inner(py)?;
        Ok(async move {
            let options = lake.storage_options().await?;
            Ok(options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        })
    }
}

#[pymethods]
impl Lake {
    /// What requests are made with, after everything was looked up.
    #[getter]
    fn profile(&self, py: Python<'_>) -> PyResult<Profile> {
        Ok(Profile::resolved(self.inner(py)?.profile()))
    }

    /// A handle on a bucket. Nothing is sent; the bucket need not exist.
    ///
    /// Raises ``InvalidInputError`` for what cannot name a bucket.
    ///
    /// >>> lake.bucket("raw").name
    /// 'raw'
    #[pyo3(signature = (name))]
    fn bucket(&self, py: Python<'_>, name: &str) -> PyResult<Bucket> {
        Ok(Bucket::new(self.clone(), named(py, name)?))
    }

    /// Every bucket these credentials may see, by name.
    ///
    /// >>> _ = lake.create_bucket("raw", exist_ok=True)
    /// >>> "raw" in [bucket.name for bucket in lake.buckets()]
    /// True
    fn buckets(&self, py: Python<'_>) -> PyResult<Vec<BucketInfo>> {
        wait(py, self.listing_buckets(py)?)
    }

    /// The asynchronous twin of :meth:`buckets`.
    fn buckets_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, Vec<BucketInfo>>> {
        promise(py, self.listing_buckets(py)?)
    }

    /// Makes a bucket in the profile's region and returns its handle.
    ///
    /// With ``exist_ok`` a bucket that is yours already is as good as a new one.
    /// ``object_lock`` can be granted at creation only, and switches versioning on.
    ///
    /// Raises ``AlreadyExistsError``, ``AccessDeniedError``.
    ///
    /// >>> lake.create_bucket("raw", exist_ok=True).name
    /// 'raw'
    #[pyo3(signature = (name, *, exist_ok=false, object_lock=false))]
    fn create_bucket(
        &self,
        py: Python<'_>,
        name: &str,
        exist_ok: bool,
        object_lock: bool,
    ) -> PyResult<Bucket> {
        wait(py, self.creating_bucket(py, name, exist_ok, object_lock)?)
    }

    /// The asynchronous twin of :meth:`create_bucket`.
    #[pyo3(signature = (name, *, exist_ok=false, object_lock=false))]
    fn create_bucket_async<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        exist_ok: bool,
        object_lock: bool,
    ) -> PyResult<Awaitable<'py, Bucket>> {
        promise(py, self.creating_bucket(py, name, exist_ok, object_lock)?)
    }

    /// Asks whether a bucket is there and may be used.
    ///
    /// Raises ``NotFoundError``, ``AccessDeniedError``.
    ///
    /// >>> lake.head_bucket("no-such-bucket")
    /// Traceback (most recent call last):
    /// lakewright.exceptions.NotFoundError: ...
    #[pyo3(signature = (name))]
    fn head_bucket(&self, py: Python<'_>, name: &str) -> PyResult<BucketInfo> {
        wait(py, self.heading_bucket(py, name)?)
    }

    /// The asynchronous twin of :meth:`head_bucket`.
    #[pyo3(signature = (name))]
    fn head_bucket_async<'py>(
        &self,
        py: Python<'py>,
        name: &str,
    ) -> PyResult<Awaitable<'py, BucketInfo>> {
        promise(py, self.heading_bucket(py, name)?)
    }

    /// Ends an empty bucket.
    ///
    /// Raises ``NotFoundError``; ``ConflictError`` while it holds objects.
    #[pyo3(signature = (name))]
    fn delete_bucket(&self, py: Python<'_>, name: &str) -> PyResult<Done> {
        wait(py, self.deleting_bucket(py, name)?)
    }

    /// The asynchronous twin of :meth:`delete_bucket`.
    #[pyo3(signature = (name))]
    fn delete_bucket_async<'py>(
        &self,
        py: Python<'py>,
        name: &str,
    ) -> PyResult<Awaitable<'py, Done>> {
        promise(py, self.deleting_bucket(py, name)?)
    }

    /// A handle on a table, named ``bucket/path`` or ``s3://bucket/path``. Nothing is sent; the
    /// table need not exist.
    ///
    /// Raises ``InvalidInputError`` for what cannot name a table.
    ///
    /// >>> lake.table("raw/flights").uri
    /// 's3://raw/flights'
    #[pyo3(signature = (uri))]
    fn table(&self, py: Python<'_>, uri: &str) -> PyResult<Table> {
        let lake = self.inner(py)?;
        Ok(Table::new(self.clone(), lake.without_guard().table(named(py, uri)?)))
    }

    /// Handles on the tables below ``prefix``, which is a bucket (``raw/``) or a folder in one.
    ///
    /// Raises ``NotFoundError`` when the bucket is missing.
    #[pyo3(signature = (prefix))]
    fn tables(&self, py: Python<'_>, prefix: String) -> PyResult<Vec<Table>> {
        wait(py, self.listing_tables(py, prefix)?)
    }

    /// The asynchronous twin of :meth:`tables`.
    #[pyo3(signature = (prefix))]
    fn tables_async<'py>(
        &self,
        py: Python<'py>,
        prefix: String,
    ) -> PyResult<Awaitable<'py, Vec<Table>>> {
        promise(py, self.listing_tables(py, prefix)?)
    }

    /// Makes an empty table and returns its handle.
    ///
    /// ``schema`` is anything with ``__arrow_c_schema__``, or a dict ``{"name": "type"}`` in
    /// Delta's names: ``long``, ``integer``, ``short``, ``byte``, ``double``, ``float``,
    /// ``string``, ``boolean``, ``binary``, ``date``, ``timestamp``, ``timestamp_ntz``,
    /// ``decimal(p,s)``, ``array<t>``, ``map<k,v>``, ``struct<name:t>``, each with an optional
    /// ``not null`` behind it. ``partition_by`` names the columns that files are divided by, outermost
    /// first. With ``exist_ok`` a table that is there with the same columns and partitions is as
    /// good as a new one.
    ///
    /// Raises ``AlreadyExistsError``; ``SchemaMismatchError`` when it is there and differs;
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
    #[allow(clippy::too_many_arguments)]
    fn create_table(
        &self,
        py: Python<'_>,
        uri: &str,
        schema: SchemaArgument,
        partition_by: Option<Vec<String>>,
        exist_ok: bool,
        properties: Option<BTreeMap<String, String>>,
        name: Option<String>,
        description: Option<String>,
    ) -> PyResult<Table> {
        let options = CreateTableOptions {
            partition_by: partition_by.unwrap_or_default(),
            exist_ok,
            properties: properties.unwrap_or_default(),
            name,
            description,
        };
        wait(py, self.creating_table(py, uri, schema, options)?)
    }

    /// The asynchronous twin of :meth:`create_table`.
    #[pyo3(signature = (
        uri, schema, *, partition_by=None, exist_ok=false, properties=None,
        name=None, description=None,
    ))]
    #[allow(clippy::too_many_arguments)]
    fn create_table_async<'py>(
        &self,
        py: Python<'py>,
        uri: &str,
        schema: SchemaArgument,
        partition_by: Option<Vec<String>>,
        exist_ok: bool,
        properties: Option<BTreeMap<String, String>>,
        name: Option<String>,
        description: Option<String>,
    ) -> PyResult<Awaitable<'py, Table>> {
        let options = CreateTableOptions {
            partition_by: partition_by.unwrap_or_default(),
            exist_ok,
            properties: properties.unwrap_or_default(),
            name,
            description,
        };
        promise(py, self.creating_table(py, uri, schema, options)?)
    }

    /// Ends a table: every object below its path. Returns how many there were.
    ///
    /// Raises ``NotFoundError``.
    #[pyo3(signature = (uri))]
    fn drop_table(&self, py: Python<'_>, uri: &str) -> PyResult<u64> {
        wait(py, self.dropping_table(py, uri)?)
    }

    /// The asynchronous twin of :meth:`drop_table`.
    #[pyo3(signature = (uri))]
    fn drop_table_async<'py>(&self, py: Python<'py>, uri: &str) -> PyResult<Awaitable<'py, u64>> {
        promise(py, self.dropping_table(py, uri)?)
    }

    /// A query over tables, each under the name it is given here; DataFusion's SQL. Nothing is
    /// sent until the scan is read.
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
        Ok(Scan::new(lakes, self.inner(py)?.without_guard().sql(query, tables)))
    }

    /// The same connection for polars, deltalake and other programs on object_store: a dict of
    /// ``AWS_*`` options. **Secrets are in it**, and nowhere else.
    fn storage_options(&self, py: Python<'_>) -> PyResult<BTreeMap<String, String>> {
        wait(py, self.telling_storage_options(py)?)
    }

    /// The asynchronous twin of :meth:`storage_options`.
    fn storage_options_async<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Awaitable<'py, BTreeMap<String, String>>> {
        promise(py, self.telling_storage_options(py)?)
    }

    /// Ends the connection. Handles and scans made from it refuse from then on; calls and reads
    /// under way end as they would have.
    fn close(&self, py: Python<'_>) {
        let open = self.0.open.write().unwrap_or_else(PoisonError::into_inner).take();
        // An embedded server behind it may take a moment to stop.
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
        Ok(format!("Lake({})", pyo3::types::PyString::new(py, &self.0.place()).repr()?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Recipe<'py>> {
        let profile = Profile(self.0.asked.clone());
        profile.portable(py)?;
        let connect = py.import("lakewright")?.getattr("connect")?;
        let named = PyDict::new(py);
        named.set_item("profile", profile)?;
        let partial = py.import("functools")?.getattr("partial")?;
        let again = partial.call((connect,), Some(&named))?;
        Ok(Recipe((again, ()).into_bound_py_any(py)?))
    }
}
