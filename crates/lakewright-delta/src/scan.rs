//! `scan` and `sql`

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::DeltaTable;
use deltalake::datafusion::catalog::TableProvider;
use deltalake::datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::StreamExt;
use lakewright_core::{Error, ErrorKind, Result};
use lakewright_macros::Builder;
use object_store::ObjectStore;

use super::classify::{Classify as _, Failure};
use super::{BatchStream, Table, log, session, sql_limits};
use crate::Delta;
use crate::large_stack::on_large_stack;
use crate::store::FirstError;

/// The options of [`Table::scan`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct ScanOptions {
    /// The columns to read, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// The SQL condition that the returned rows meet. Files that cannot contain such rows according
    /// to their partition or statistics are not read.
    #[builder(into)]
    pub filter: Option<String>,
    /// The maximum number of rows.
    pub limit: Option<u64>,
}

/// A query that has not run yet. Each [`Scan::stream`] runs it again, on the current version of the
/// table (or on the version at which the table is fixed).
#[derive(Clone, Debug)]
pub struct Scan {
    query: Query,
}

#[derive(Clone, Debug)]
enum Query {
    Table(Table, ScanOptions),
    Sql(String, BTreeMap<String, Table>),
}

impl Table {
    /// Creates a scan of the rows. Nothing is sent until the schema or the stream of the scan is
    /// requested.
    #[must_use]
    pub fn scan(&self, options: ScanOptions) -> Scan {
        Scan { query: Query::Table(self.clone(), options) }
    }
}

impl Delta {
    /// Creates a query over tables, each under its name in `tables`. The dialect is DataFusion's
    /// SQL; names are case-sensitive. Nothing is sent until the schema or the stream of the scan is
    /// requested.
    #[must_use]
    pub fn sql(&self, query: impl Into<String>, tables: BTreeMap<String, Table>) -> Scan {
        Scan { query: Query::Sql(query.into(), tables) }
    }
}

impl Scan {
    /// Returns the columns of the result. Plans the query but reads no data.
    ///
    /// # Errors
    /// `NotFound` when there is no table; `InvalidInput` for unknown columns, or a condition or
    /// query that is not valid SQL.
    pub async fn schema(&self) -> Result<SchemaRef> {
        on_large_stack(async { Ok(self.plan().await?.0.schema().inner().clone()) }).await
    }

    /// Runs the query.
    ///
    /// # Errors
    /// Those of [`Scan::schema`]; while the stream is read, any connection or server error, and
    /// `Corrupt` for files that differ from their description in the log.
    pub async fn stream(&self) -> Result<BatchStream> {
        let (stream, first_error) = on_large_stack(async {
            let (frame, first_error) = self.plan().await?;
            let stream = frame.execute_stream().await;
            Ok((stream.map_err(|error| self.failed(error, &first_error))?, first_error))
        })
        .await?;
        let (schema, scan) = (stream.schema(), self.clone());
        Ok(BatchStream::new(
            schema,
            stream.map(move |batch| batch.map_err(|error| scan.failed(error, &first_error))),
        ))
    }

    /// Plans the query. The second value records the first failure of a request for data.
    async fn plan(&self) -> Result<(DataFrame, FirstError)> {
        let first_error = FirstError::default();
        self.check_size()?;
        let session = session::new().map_err(|error| self.failed(error, &first_error))?;
        let frame = match &self.query {
            Query::Table(table, options) => {
                // The table is registered under its own name, which messages contain in the names
                // of columns.
                let name = quoted(table.uri().name());
                let provider = current_provider(&session, table, "scan", &first_error).await?;
                session.register_table(name.clone(), provider).classify(table, "scan")?;
                let frame = session.table(name).await.classify(table, "scan")?;
                shape(frame, options).classify(table, "scan")
            }
            Query::Sql(query, tables) => {
                for (name, table) in tables {
                    let provider = current_provider(&session, table, "sql", &first_error).await?;
                    session
                        .register_table(quoted(name), provider)
                        .map_err(|error| self.failed(error, &first_error))?;
                }
                session
                    .sql_with_options(query, read_only_options())
                    .await
                    .map_err(|error| self.failed(error, &first_error))
            }
        };
        Ok((frame?, first_error))
    }

    fn check_size(&self) -> Result<()> {
        let checked = match &self.query {
            Query::Table(_, options) => options.filter.as_deref().map_or(Ok(()), sql_limits::check),
            Query::Sql(query, _) => sql_limits::check(query),
        };
        checked.map_err(|error| self.failed(error, &FirstError::default()))
    }

    /// Explains a failure. DataFusion reports a file whose request failed as it does a damaged
    /// file, so a failed request comes first.
    fn failed(&self, error: impl Into<Failure>, first_error: &FirstError) -> Error {
        let mut error = error.into().explain();
        if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt)
            && let Some(first) = first_error.take()
            // A range outside of an object shows that the log has the wrong size for it.
            && first.kind() != ErrorKind::InvalidInput
        {
            error = first.caused_by(error);
        }
        match &self.query {
            Query::Table(table, _) => error.during("scan").on(table.uri().to_string()),
            Query::Sql(..) => error.during("sql"),
        }
    }
}

/// Returns options that restrict queries to reading: statements that write files, change settings
/// or create tables are refused.
fn read_only_options() -> deltalake::datafusion::execution::context::SQLOptions {
    deltalake::datafusion::execution::context::SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
}

/// Returns a reference to a table whose name is one identifier, including any dots in it.
fn quoted(name: &str) -> deltalake::datafusion::common::TableReference {
    deltalake::datafusion::common::TableReference::bare(name)
}

async fn current_provider(
    session: &SessionContext,
    table: &Table,
    operation: &'static str,
    first_error: &FirstError,
) -> Result<Arc<dyn TableProvider>> {
    let version = table.current(operation).await?;
    let store = log::store(table, first_error.clone()).classify(table, operation)?;
    provider(session, &version, store).await.classify(table, operation)
}

/// Returns the rows of a version of a table, whose files are in `store`.
pub(super) async fn provider(
    session: &SessionContext,
    version: &DeltaTable,
    store: Arc<dyn ObjectStore>,
) -> Result<Arc<dyn TableProvider>, Failure> {
    session::add_store(session, version, store)?;
    let session = Arc::new(session.state());
    Ok(version.table_provider().with_session(session).await?)
}

fn shape(
    mut frame: DataFrame,
    options: &ScanOptions,
) -> Result<DataFrame, deltalake::datafusion::error::DataFusionError> {
    if let Some(condition) = &options.filter {
        let condition = frame.parse_sql_expr(condition)?;
        frame = frame.filter(condition)?;
    }
    if let Some(columns) = &options.columns {
        frame = frame.select(columns.iter().map(ident))?;
    }
    if let Some(rows) = options.limit {
        frame = frame.limit(0, Some(usize::try_from(rows).unwrap_or(usize::MAX)))?;
    }
    Ok(frame)
}
