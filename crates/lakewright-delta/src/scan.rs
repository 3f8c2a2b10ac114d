//! `scan` and `sql`

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use deltalake::datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::StreamExt;
use lakewright_core::{Error, Result};
use lakewright_macros::Builder;

use super::classify::{Classify as _, Failure};
use super::{BatchStream, Table, session};
use crate::Delta;

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
        Ok(self.plan().await?.schema().inner().clone())
    }

    /// Runs the query.
    ///
    /// # Errors
    /// Those of [`Scan::schema`]; while the stream is read, any connection or server error, and
    /// `Corrupt` for files that differ from their description in the log.
    pub async fn stream(&self) -> Result<BatchStream> {
        let stream = self.plan().await?.execute_stream().await;
        let stream = stream.map_err(|error| self.failed(error))?;
        let (schema, scan) = (stream.schema(), self.clone());
        Ok(BatchStream::new(
            schema,
            stream.map(move |batch| batch.map_err(|error| scan.failed(error))),
        ))
    }

    async fn plan(&self) -> Result<DataFrame> {
        match &self.query {
            Query::Table(table, options) => {
                let session = session::new().classify(table, "scan")?;
                let frame = open(&session, table, "scan").await?;
                shape(frame, options).classify(table, "scan")
            }
            Query::Sql(query, tables) => {
                let session = session::new().map_err(|error| self.failed(error))?;
                for (name, table) in tables {
                    let provider = provider(&session, table, "sql").await?;
                    session
                        .register_table(quoted(name), provider)
                        .map_err(|error| self.failed(error))?;
                }
                session
                    .sql_with_options(query, read_only_options())
                    .await
                    .map_err(|error| self.failed(error))
            }
        }
    }

    fn failed(&self, error: impl Into<Failure>) -> Error {
        let error = error.into().explain();
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

async fn open(
    session: &SessionContext,
    table: &Table,
    operation: &'static str,
) -> Result<DataFrame> {
    let provider = provider(session, table, operation).await?;
    // The table is registered under its own name, which messages contain in the names of columns.
    let name = quoted(table.uri().name());
    session.register_table(name.clone(), provider).classify(table, operation)?;
    session.table(name).await.classify(table, operation)
}

async fn provider(
    session: &SessionContext,
    table: &Table,
    operation: &'static str,
) -> Result<std::sync::Arc<dyn deltalake::datafusion::catalog::TableProvider>> {
    let delta = table.current(operation).await?;
    delta.update_datafusion_session(&session.state()).classify(table, operation)?;
    let session = std::sync::Arc::new(session.state());
    delta.table_provider().with_session(session).await.classify(table, operation)
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
