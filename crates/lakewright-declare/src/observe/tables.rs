//! Reads tables.

use std::collections::BTreeMap;

use lakewright_core::spec::{Column, ColumnType, Columns};
use lakewright_core::state::{Needs, ObservedTable};
use lakewright_core::{Error, ErrorKind, ResourceId, Result, TableUri};

use super::Lookup;
use crate::Provisioner;
use lakewright_delta::{Table, type_name};

/// The prefix of properties that are constraints
/// (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#check-constraints>).
const CONSTRAINT: &str = "delta.constraints.";

impl Provisioner {
    /// Reads the logs of the tables.
    pub(super) async fn observe_tables(
        &self,
        needs: &Needs,
    ) -> Result<BTreeMap<TableUri, ObservedTable>> {
        let mut lookups: Vec<Lookup<'_, Option<(TableUri, ObservedTable)>>> = Vec::new();
        for uri in &needs.tables {
            lookups.push(Box::pin(async move {
                match observe_table(&self.delta.table(uri.clone())).await {
                    Ok(table) => Ok(Some((uri.clone(), table))),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error.on(ResourceId::Table(uri.clone()).to_string())),
                }
            }));
        }
        let found = self.at_once(lookups).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

async fn observe_table(table: &Table) -> Result<ObservedTable> {
    let details = table.details().await?;
    let columns = details.schema.fields().iter().map(|field| {
        Ok(Column {
            name: field.name().clone(),
            data_type: ColumnType::new(type_name(field.data_type())).map_err(|error| {
                let why = format!("its column {:?}: {}", field.name(), error.message());
                Error::new(ErrorKind::Unsupported, why)
            })?,
            nullable: field.is_nullable(),
        })
    });
    let schema = Columns(columns.collect::<Result<_>>()?);
    let (constraints, properties): (BTreeMap<_, _>, BTreeMap<_, _>) =
        details.properties.into_iter().partition(|(name, _)| name.starts_with(CONSTRAINT));
    let constraints = constraints
        .into_iter()
        .map(|(name, condition)| (name.trim_start_matches(CONSTRAINT).to_owned(), condition));
    let constraints = constraints.collect();
    Ok(ObservedTable {
        schema,
        partition_by: details.partition_columns,
        properties,
        constraints,
        empty: table.is_empty().await?.into(),
    })
}
