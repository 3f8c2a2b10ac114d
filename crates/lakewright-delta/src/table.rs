//! The handle on a table and the state that it has read from the log.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::logstore::commit_uri_from_version;
use deltalake::{DeltaTable, DeltaTableError};
use lakewright_core::{Error, ErrorKind, Result, TableUri};
use lakewright_s3::S3;
use object_store::ObjectStoreExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::classify::{Classify as _, Failure};
use crate::root;
use crate::store::FirstError;
use crate::{At, log, schema};

/// A handle on a table. Creating it sends no request; the log is read by the first operation, and
/// later operations read only new entries. Clones share the state that was read.
#[derive(Clone)]
pub struct Table {
    s3: S3,
    uri: TableUri,
    /// Identifies the object store of the table in this process.
    id: Uuid,
    at: Option<At>,
    cached: Arc<RwLock<Option<CachedState>>>,
}

/// The state that was read from the log, and the identity of the object of its newest commit. The
/// next operation compares the identity to find out whether the table is still the same.
#[derive(Clone)]
struct CachedState {
    table: DeltaTable,
    commit: Option<String>,
}

/// The description of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableInfo {
    /// The URI of the table.
    pub uri: TableUri,
    /// The id that Delta assigned to the table.
    pub id: String,
    /// The name, if the table has one.
    pub name: Option<String>,
    /// The description, if the table has one.
    pub description: Option<String>,
    /// The version that this describes.
    pub version: u64,
    /// The columns.
    #[serde(rename = "columns", with = "schema::by_name", default = "schema::empty")]
    pub schema: SchemaRef,
    /// The partition columns.
    #[serde(rename = "partition_by", default)]
    pub partition_columns: Vec<String>,
    /// The properties, such as `delta.appendOnly`.
    #[serde(default)]
    pub properties: std::collections::BTreeMap<String, String>,
    /// The number of data files.
    #[serde(default)]
    pub files: usize,
    /// The time at which the table was created.
    pub created: Option<jiff::Timestamp>,
}

impl Table {
    pub(crate) fn new(s3: S3, uri: TableUri) -> Self {
        Self { s3, uri, id: Uuid::new_v4(), at: None, cached: Arc::default() }
    }

    /// Returns the URI of the table.
    #[must_use]
    pub fn uri(&self) -> &TableUri {
        &self.uri
    }

    /// Returns the connection through which the table is reached.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Returns the version or time at which this view is fixed; `None` for the current table.
    #[must_use]
    pub fn fixed_at(&self) -> Option<&At> {
        self.at.as_ref()
    }

    /// Returns a read-only view of an earlier version of the table.
    #[must_use]
    pub fn at(&self, at: At) -> Self {
        Self { at: Some(at), cached: Arc::default(), ..self.clone() }
    }

    /// Returns whether the table exists.
    ///
    /// # Errors
    /// Any connection or server error; a missing table or bucket is `false`.
    pub async fn exists(&self) -> Result<bool> {
        match self.current("exists").await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the newest version, or the version at which this view is fixed.
    ///
    /// # Errors
    /// `NotFound` when there is no table; any connection or server error.
    pub async fn version(&self) -> Result<u64> {
        version_of(&self.current("version").await?).classify(self, "version")
    }

    /// Returns the columns as an Arrow schema.
    ///
    /// # Errors
    /// Those of [`Table::version`].
    pub async fn schema(&self) -> Result<SchemaRef> {
        let table = self.current("schema").await?;
        Ok(table.snapshot().classify(self, "schema")?.snapshot().arrow_schema())
    }

    /// Returns the description of the table.
    ///
    /// # Errors
    /// Those of [`Table::version`].
    pub async fn details(&self) -> Result<TableInfo> {
        let table = self.current("details").await?;
        let state = table.snapshot().classify(self, "details")?;
        let metadata = state.metadata();
        Ok(TableInfo {
            uri: self.uri.clone(),
            id: metadata.id().to_owned(),
            name: metadata.name().map(Into::into),
            description: metadata.description().map(Into::into),
            version: state.version(),
            schema: state.snapshot().arrow_schema(),
            partition_columns: metadata.partition_columns().to_vec(),
            properties: metadata.configuration().clone().into_iter().collect(),
            files: state.log_data().num_files(),
            created: metadata
                .created_time()
                .and_then(|at| jiff::Timestamp::from_millisecond(at).ok()),
        })
    }

    /// Returns the table with its newest version, or with the version at which this view is fixed.
    pub(crate) async fn current(&self, operation: &'static str) -> Result<DeltaTable> {
        let cached = self.cached.read().await.clone();
        let cached = match (&self.at, cached) {
            (Some(_), Some(cached)) => return Ok(cached.table),
            (Some(at), None) => {
                self.load_at(at).await.map(|table| CachedState { table, commit: None })
            }
            (None, Some(cached)) => self.refresh(cached).await,
            (None, None) => self.load().await,
        };
        let cached = cached.classify(self, operation)?;
        let table = cached.table.clone();
        *self.cached.write().await = Some(cached);
        Ok(table)
    }

    async fn load(&self) -> Result<CachedState, Failure> {
        let table = log::load(log::open(self, FirstError::default())?).await?;
        let commit = newest_commit(&table).await?;
        Ok(CachedState { table, commit })
    }

    /// Reads the new entries of the log. deltalake requests newer commits only, and so would not
    /// notice that the table was dropped or created again: the object of the newest known commit
    /// has to be unchanged.
    async fn refresh(&self, cached: CachedState) -> Result<CachedState, Failure> {
        let mut table = cached.table.clone();
        let (found, updated) =
            futures::future::join(newest_commit(&cached.table), table.update_state()).await;
        let found = found?;
        let same = found.is_some() && (cached.commit.is_none() || cached.commit == found);
        if !same {
            return self.load().await;
        }
        updated?;
        let commit = if table.version() == cached.table.version() {
            found
        } else {
            root::check_files(&table)?;
            newest_commit(&table).await?
        };
        Ok(CachedState { table, commit })
    }

    /// Stores the state of the table after a write through this handle.
    pub(crate) async fn remember(&self, table: DeltaTable) {
        *self.cached.write().await = Some(CachedState { table, commit: None });
    }

    /// Discards the stored state, so that the next operation reads the log again.
    pub(crate) async fn forget(&self) {
        *self.cached.write().await = None;
    }

    /// Refuses writes to a view of an earlier version.
    pub(crate) fn writable(&self, operation: &'static str) -> Result<()> {
        match &self.at {
            None => Ok(()),
            Some(at) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("this is the table as it was at {at}; write to the table itself"),
            )
            .during(operation)
            .on(self.uri.to_string())),
        }
    }
}

/// Returns the ETag of the object of the newest commit, or its modification time if it has none;
/// `None` if the object does not exist.
async fn newest_commit(table: &DeltaTable) -> Result<Option<String>, DeltaTableError> {
    let commit = commit_uri_from_version(table.version());
    match table.log_store().object_store(None).head(&commit).await {
        Ok(found) => Ok(Some(found.e_tag.unwrap_or_else(|| found.last_modified.to_rfc3339()))),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn version_of(table: &DeltaTable) -> Result<u64, DeltaTableError> {
    table.version().ok_or(DeltaTableError::NotInitialized)
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Table");
        shown.field("uri", &self.uri.to_string());
        if let Some(at) = &self.at {
            shown.field("at", &at.to_string());
        }
        shown.finish_non_exhaustive()
    }
}
