//! `create_table`

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use deltalake::DeltaTable;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::SaveMode;
use lakewright_core::{Creation, Error, ErrorKind, Result, TableUri};
use lakewright_macros::Builder;

use super::classify::Classify as _;
use super::log::{self, CommitLog};
use super::set_properties::check_properties;
use super::{Table, schema};
use crate::Delta;
use crate::store::FirstError;

/// The options of [`Delta::create_table`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct CreateTableOptions {
    /// The partition columns, outermost first.
    #[builder(default)]
    pub partition_by: Vec<String>,
    /// Whether an existing table with the same columns and partition columns is accepted.
    #[builder(default)]
    pub exist_ok: bool,
    /// Table properties: Delta's, such as `delta.appendOnly`, and others under names that do not
    /// begin with `delta.`.
    #[builder(default)]
    pub properties: BTreeMap<String, String>,
    /// A name for display.
    #[builder(into)]
    pub name: Option<String>,
    /// A description for display.
    #[builder(into)]
    pub description: Option<String>,
}

impl Delta {
    /// Creates an empty table. Of several concurrent callers one creates it; the others receive
    /// `AlreadyExists`, or the table if `exist_ok` is set.
    ///
    /// # Errors
    /// `AlreadyExists` when the table exists and `exist_ok` is not set; `SchemaMismatch` when it is
    /// set and the columns or partition columns differ; `InvalidInput` for a schema or property
    /// that Delta does not know; `NotFound` when the bucket is missing.
    pub async fn create_table(
        &self,
        uri: &TableUri,
        schema: SchemaRef,
        options: CreateTableOptions,
    ) -> Result<Table> {
        Ok(self.create_table_with_status(uri, schema, options).await?.0)
    }

    /// As [`Self::create_table`], and also returns whether this call created the table.
    ///
    /// # Errors
    /// Those of [`Self::create_table`].
    pub async fn create_table_with_status(
        &self,
        uri: &TableUri,
        schema: SchemaRef,
        options: CreateTableOptions,
    ) -> Result<(Table, Creation)> {
        const OPERATION: &str = "create_table";
        let table = self.table(uri.clone());
        let failed = |error: Error| error.during(OPERATION).on(uri.to_string());
        let schema = schema::storable(&schema).map_err(failed)?;
        check(&schema, &options).map_err(failed)?;
        check_properties(options.properties.keys()).map_err(failed)?;
        if table.exists().await.map_err(failed)? {
            let table = existing(table, &schema, &options).await.map_err(failed)?;
            return Ok((table, Creation::Exists));
        }
        let columns: StructType = schema.as_ref().try_into_kernel().classify(&table, OPERATION)?;
        let log =
            CommitLog::new(log::open(&table, FirstError::default()).classify(&table, OPERATION)?);
        let mut create = CreateBuilder::new()
            .with_log_store(log.clone())
            // A retry would apply this metadata to a table that another writer has just created.
            .with_commit_properties(CommitProperties::default().with_max_retries(0))
            .with_columns(columns.fields().cloned())
            .with_partition_columns(options.partition_by.clone())
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_raise_if_key_not_exists(false)
            .with_configuration(
                options.properties.iter().map(|(name, value)| (name.clone(), Some(value.clone()))),
            );
        if let Some(name) = &options.name {
            create = create.with_table_name(name);
        }
        if let Some(description) = &options.description {
            create = create.with_comment(description);
        }
        match create.await.classify(&table, OPERATION) {
            Ok(created) => {
                table.remember(DeltaTable::clone(&created)).await;
                Ok((table, Creation::Created))
            }
            // The commit succeeded; reading the new table failed.
            Err(_) if log.outcome().0.is_some() => Ok((table, Creation::Created)),
            Err(error) => {
                let error = table.commit_failed(&log, error, OPERATION);
                match table.exists().await {
                    // The commit with the unknown outcome may have created the table that exists.
                    Ok(true) if error.outcome_unknown() && !options.exist_ok => Err(error),
                    // A concurrent writer created the table, perhaps with the requested schema.
                    Ok(true) => {
                        let status = if error.outcome_unknown() {
                            Creation::CreatedOrExists
                        } else {
                            Creation::Exists
                        };
                        Ok((existing(table, &schema, &options).await.map_err(failed)?, status))
                    }
                    _ => Err(error),
                }
            }
        }
    }
}

fn check(schema: &SchemaRef, options: &CreateTableOptions) -> Result<()> {
    if schema.fields().is_empty() {
        return Err(Error::invalid_input("a table needs at least one column"));
    }
    for column in &options.partition_by {
        if schema.field_with_name(column).is_err() {
            return Err(Error::invalid_input(format!(
                "partition_by names {column:?}, which is no column; columns are {}",
                schema::names(schema)
            )));
        }
    }
    if options.partition_by.len() == schema.fields().len() {
        let why = "at least one column must not be a partition column: its values are the data";
        return Err(Error::invalid_input(why));
    }
    Ok(())
}

/// Returns the existing table if it has the requested columns and partition columns.
async fn existing(table: Table, schema: &SchemaRef, options: &CreateTableOptions) -> Result<Table> {
    if !options.exist_ok {
        return Err(Error::new(ErrorKind::AlreadyExists, "the table exists already"));
    }
    let there = table.details().await?;
    let differs = |what: &str, theirs: String, ours: String| {
        Err(Error::new(
            ErrorKind::SchemaMismatch,
            format!("the table exists with other {what}: {theirs}, not {ours}"),
        ))
    };
    let columns = |schema: &SchemaRef| {
        schema
            .fields()
            .iter()
            .map(|field| {
                let null = if field.is_nullable() { "" } else { " not null" };
                format!("{}: {}{null}", field.name(), schema::type_name(field.data_type()))
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    if columns(&there.schema) != columns(schema) {
        return differs("columns", columns(&there.schema), columns(schema));
    }
    if there.partition_columns != options.partition_by {
        let (theirs, ours) = (there.partition_columns.join(", "), options.partition_by.join(", "));
        return differs("partitions", format!("[{theirs}]"), format!("[{ours}]"));
    }
    Ok(table)
}
