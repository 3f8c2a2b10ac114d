//! `add_columns`

use arrow::datatypes::SchemaRef;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use lakewright_core::{Error, Result};

use super::classify::Classify as _;
use super::{Table, schema};

impl Table {
    /// Adds nullable columns at the end; they are null in the existing rows. Columns that exist
    /// with the same type are left as they are.
    ///
    /// # Errors
    /// `InvalidInput` for a column that may not be null; `SchemaMismatch` for one that exists with
    /// another type; `Conflict` when another writer commits at the same time; `NotFound` when there
    /// is no table; any connection or server error.
    pub async fn add_columns(&self, columns: SchemaRef) -> Result<()> {
        const OPERATION: &str = "add_columns";
        let columns = schema::storable(&columns).classify(self, OPERATION)?;
        if let Some(column) = columns.fields().iter().find(|column| !column.is_nullable()) {
            let why = format!("the column {:?} must be nullable to be added", column.name());
            return Err(Error::invalid_input(why)).classify(self, OPERATION);
        }
        let there = self.schema().await?;
        let missing = columns.fields().iter().filter(|column| {
            !there.field_with_name(column.name()).is_ok_and(|same| {
                schema::type_name(same.data_type()) == schema::type_name(column.data_type())
            })
        });
        let missing: Vec<_> = missing.cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = arrow::datatypes::Schema::new(missing);
        let missing: StructType = (&missing).try_into_kernel().classify(self, OPERATION)?;
        let fields: Vec<_> = missing.fields().cloned().collect();
        self.alter(OPERATION, async move |table, properties| {
            table.add_columns().with_fields(fields).with_commit_properties(properties).await
        })
        .await
    }
}
