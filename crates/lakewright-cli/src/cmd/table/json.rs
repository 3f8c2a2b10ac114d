//! Tables as JSON.

use lakewright::table::{TableInfo, type_name};
use serde_json::{Value, json};

/// Returns a table with its metadata.
pub(super) fn table_json(info: &TableInfo) -> Value {
    let columns = info.schema.fields().iter().map(|field| {
        json!({
            "name": field.name(),
            "type": type_name(field.data_type()),
            "nullable": field.is_nullable(),
        })
    });
    json!({
        "uri": info.uri.to_string(),
        "id": info.id,
        "name": info.name,
        "description": info.description,
        "version": info.version,
        "schema": columns.collect::<Vec<_>>(),
        "partition_by": info.partition_columns,
        "properties": info.properties,
        "files": info.files,
        "created": info.created.map(|at| at.to_string()),
    })
}
