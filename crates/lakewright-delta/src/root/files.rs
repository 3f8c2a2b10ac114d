//! The checks of the files that belong to a version of a table.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use deltalake::DeltaTable;
use lakewright_core::{Error, ErrorKind, Result};

use super::check_path;
use crate::classify::Failure;

/// Checks the paths and the statistics of the files of the version that was loaded. Files that an
/// earlier version had do not matter: nothing reads them.
///
/// # Errors
/// `Unsupported` for an absolute path; `Corrupt` for a relative one that is not below the table,
/// and for a negative number.
pub(crate) fn check(table: &DeltaTable) -> Result<(), Failure> {
    let batches = table.snapshot()?.add_actions_batches(false)?;
    batches.iter().try_for_each(check_batch)?;
    Ok(())
}

fn check_batch(batch: &RecordBatch) -> Result<()> {
    const ACTION: &str = "an add action";
    if let Some(paths) = batch.column_by_name("path").and_then(|c| c.as_string_opt::<i32>()) {
        paths.iter().flatten().try_for_each(|path| check_path(ACTION, path))?;
    }
    for counts in ["num_records", "null_count"] {
        if let Some(column) = batch.column_by_name(counts)
            && let Some(count) = negative(column)
        {
            let why = format!("the statistics of {ACTION} count {count} rows");
            return Err(Error::new(ErrorKind::Corrupt, why));
        }
    }
    Ok(())
}

/// Returns a negative number of a column, or of a field in it.
fn negative(column: &dyn Array) -> Option<i64> {
    match column.data_type() {
        DataType::Int64 => {
            column.as_primitive::<Int64Type>().iter().flatten().find(|count| *count < 0)
        }
        DataType::Struct(_) => {
            column.as_struct().columns().iter().find_map(|field| negative(field))
        }
        _ => None,
    }
}
