//! The tables of a connection. The operations are those of [`lakewright_delta::Delta`].

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use lakewright_core::{Creation, Result, TableUri};
use lakewright_delta::{CreateTableOptions, Scan, Table};

use crate::Lake;

impl Lake {
    /// Returns a handle on a table. No request is sent; the table need not exist.
    #[must_use]
    pub fn table(&self, uri: TableUri) -> Table {
        self.delta.table(uri)
    }

    /// Returns the tables below `prefix`, which is a bucket (`raw/`) or a folder in one
    /// (`raw/2013/`), sorted by path.
    ///
    /// # Errors
    /// Those of [`Delta::list_tables`](lakewright_delta::Delta::list_tables).
    pub async fn list_tables(&self, prefix: &str) -> Result<Vec<TableUri>> {
        self.delta.list_tables(prefix).await
    }

    /// Creates an empty table.
    ///
    /// # Errors
    /// Those of [`Delta::create_table`](lakewright_delta::Delta::create_table).
    pub async fn create_table(
        &self,
        uri: &TableUri,
        schema: SchemaRef,
        options: CreateTableOptions,
    ) -> Result<Table> {
        self.delta.create_table(uri, schema, options).await
    }

    /// As [`Self::create_table`], and also returns whether this call created the table.
    ///
    /// # Errors
    /// Those of [`Delta::create_table`](lakewright_delta::Delta::create_table).
    pub async fn create_table_with_status(
        &self,
        uri: &TableUri,
        schema: SchemaRef,
        options: CreateTableOptions,
    ) -> Result<(Table, Creation)> {
        self.delta.create_table_with_status(uri, schema, options).await
    }

    /// Drops a table: deletes every object below its path, and returns the number of objects.
    ///
    /// # Errors
    /// Those of [`Delta::drop_table`](lakewright_delta::Delta::drop_table).
    pub async fn drop_table(&self, uri: &TableUri) -> Result<u64> {
        self.delta.drop_table(uri).await
    }

    /// Creates a query over tables in DataFusion's SQL, each under its name in `tables`. No request
    /// is sent until the schema or the stream of the scan is requested.
    #[must_use]
    pub fn sql(&self, query: impl Into<String>, tables: BTreeMap<String, Table>) -> Scan {
        self.delta.sql(query, tables)
    }
}
