//! The handle on a table, and what its log says.

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

use crate::classify::{Classify as _, Failure};
use crate::store::Witness;
use crate::{At, log, schema};

/// A handle on a table. Made without a request; the log is read at the first verb and, from
/// then on, only what is new of it. Clones share what was read.
#[derive(Clone)]
pub struct Table {
    s3: S3,
    uri: TableUri,
    at: Option<At>,
    known: Arc<RwLock<Option<Known>>>,
}

/// What was read of the log, and which object its newest commit was: by that we know next time
/// that it is still the same table.
#[derive(Clone)]
struct Known {
    table: DeltaTable,
    commit: Option<String>,
}

/// What a table says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Where it lives.
    pub uri: TableUri,
    /// Delta's own id of the table.
    pub id: String,
    /// A name, if it was given one.
    pub name: Option<String>,
    /// A description, if it was given one.
    pub description: Option<String>,
    /// The version that all of this is true of.
    pub version: u64,
    /// Its columns.
    #[serde(rename = "columns", with = "schema::by_name", default = "schema::empty")]
    pub schema: SchemaRef,
    /// The columns its files are divided by.
    #[serde(rename = "partition_by", default)]
    pub partition_columns: Vec<String>,
    /// Its properties, such as `delta.appendOnly`.
    #[serde(default)]
    pub properties: std::collections::BTreeMap<String, String>,
    /// How many data files it has.
    #[serde(default)]
    pub files: usize,
    /// When it was made.
    pub created: Option<jiff::Timestamp>,
}

impl Table {
    pub(crate) fn new(s3: S3, uri: TableUri) -> Self {
        Self { s3, uri, at: None, known: Arc::default() }
    }

    /// Where the table lives.
    #[must_use]
    pub fn uri(&self) -> &TableUri {
        &self.uri
    }

    /// The connection it is reached through.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// The version or time this view is fixed to, `None` for the living table.
    #[must_use]
    pub fn fixed_at(&self) -> Option<&At> {
        self.at.as_ref()
    }

    /// The table as it was: a view that can be read and not written.
    #[must_use]
    pub fn at(&self, at: At) -> Self {
        Self { at: Some(at), known: Arc::default(), ..self.clone() }
    }

    /// Whether there is a table.
    ///
    /// # Errors
    /// Whatever keeps the server from answering; a missing table or bucket is `false`.
    pub async fn exists(&self) -> Result<bool> {
        match self.current("exists").await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The newest version, or the one this view is fixed to.
    ///
    /// # Errors
    /// `NotFound` when there is no table; whatever keeps the server from answering.
    pub async fn version(&self) -> Result<u64> {
        version_of(&self.current("version").await?).classify(self, "version")
    }

    /// The columns as Arrow names them.
    ///
    /// # Errors
    /// Those of [`Table::version`].
    pub async fn schema(&self) -> Result<SchemaRef> {
        let table = self.current("schema").await?;
        Ok(table.snapshot().classify(self, "schema")?.snapshot().arrow_schema())
    }

    /// What the table says of itself.
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

    /// The table as it stands in the log now (or then, in a fixed view).
    pub(crate) async fn current(&self, operation: &'static str) -> Result<DeltaTable> {
        let known = self.known.read().await.clone();
        let known = match (&self.at, known) {
            (Some(_), Some(known)) => return Ok(known.table),
            (Some(at), None) => self.load_at(at).await.map(|table| Known { table, commit: None }),
            (None, Some(known)) => self.refresh(known).await.map_err(Failure::from),
            (None, None) => self.load().await.map_err(Failure::from),
        };
        let known = known.classify(self, operation)?;
        let table = known.table.clone();
        *self.known.write().await = Some(known);
        Ok(table)
    }

    async fn load(&self) -> Result<Known, DeltaTableError> {
        let mut table = DeltaTable::new(log::open(self, Witness::default())?);
        table.load().await?;
        let commit = newest_commit(&table).await?;
        Ok(Known { table, commit })
    }

    /// Reads what is new of the log. deltalake asks for newer commits only, and so would not
    /// notice that the table was dropped, or made anew: the newest commit that we know has to be
    /// the same object still.
    async fn refresh(&self, known: Known) -> Result<Known, DeltaTableError> {
        let mut table = known.table.clone();
        let (found, updated) =
            futures::future::join(newest_commit(&known.table), table.update_state()).await;
        let found = found?;
        let same = found.is_some() && (known.commit.is_none() || known.commit == found);
        if !same {
            return self.load().await;
        }
        updated?;
        let commit = if table.version() == known.table.version() {
            found
        } else {
            newest_commit(&table).await?
        };
        Ok(Known { table, commit })
    }

    /// Keeps what a write of ours made of the table.
    pub(crate) async fn remember(&self, table: DeltaTable) {
        *self.known.write().await = Some(Known { table, commit: None });
    }

    /// The next verb reads the log anew.
    pub(crate) async fn forget(&self) {
        *self.known.write().await = None;
    }

    /// A table that is written must be the living one.
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

/// What tells the object of the newest commit from any other of its name; `None` when it is
/// gone.
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
