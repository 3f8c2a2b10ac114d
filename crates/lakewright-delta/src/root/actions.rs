//! The checks of file actions as they are read from a log.

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{Int32Type, Int64Type};
use lakewright_core::{Error, ErrorKind, Result};

use super::check_path;
use super::vectors::check_inline;

/// The number of characters of a UUID in Z85, with which the path of a deletion vector ends.
pub(super) const UUID_CHARACTERS: usize = 20;

/// The fewest characters of an inline deletion vector: its magic number of 4 bytes in Z85.
const MAGIC_CHARACTERS: usize = 5;

/// Checks the numbers and the deletion vectors of the file actions in a batch of a log. The kernel
/// and DataFusion take them for valid, and compute with them.
///
/// # Errors
/// `Corrupt` for a negative number or a deletion vector that cannot be one; `Unsupported` for a
/// deletion vector with an absolute path.
pub(super) fn check(batch: &RecordBatch) -> Result<()> {
    for (name, what) in [("add", "an add action"), ("remove", "a remove action")] {
        let Some(actions) = batch.column_by_name(name).and_then(|c| c.as_struct_opt()) else {
            continue;
        };
        for row in (0..actions.len()).filter(|row| actions.is_valid(*row)) {
            check_number(what, "size", long(actions, "size", row))?;
        }
        if let Some(vectors) = field(actions, "deletionVector").and_then(|c| c.as_struct_opt()) {
            for row in (0..vectors.len()).filter(|row| vectors.is_valid(*row)) {
                check_deletion_vector(what, vectors, row)?;
            }
        }
    }
    Ok(())
}

fn check_deletion_vector(what: &str, vector: &StructArray, row: usize) -> Result<()> {
    let Some(storage) = text(vector, "storageType", row) else { return Ok(()) };
    let what = &format!("the deletion vector of {what}");
    for (field, number) in [
        ("offset", int(vector, "offset", row)),
        ("sizeInBytes", int(vector, "sizeInBytes", row)),
        ("cardinality", long(vector, "cardinality", row)),
    ] {
        check_number(what, field, number)?;
    }
    let path = text(vector, "pathOrInlineDv", row).unwrap_or_default();
    let malformed = |why: &str| Err(Error::new(ErrorKind::Corrupt, format!("{what} {why}")));
    match storage {
        "p" => check_path(what, path),
        "u" => match path.len().checked_sub(UUID_CHARACTERS) {
            // The prefix is a folder of the table.
            Some(prefix) if path.is_char_boundary(prefix) => match &path[..prefix] {
                "" => Ok(()),
                prefix => check_path(what, &format!("{prefix}/vector")),
            },
            _ => malformed("has a path that does not end in the id of a file"),
        },
        "i" if path.len() < MAGIC_CHARACTERS => malformed("is too short"),
        "i" => check_inline(path),
        other => malformed(&format!("has the unknown storage type {other:?}")),
    }
}

fn check_number(what: &str, field: &str, number: Option<i64>) -> Result<()> {
    match number {
        Some(number @ ..0) => {
            let why = format!("{what} has the {field} {number}");
            Err(Error::new(ErrorKind::Corrupt, why))
        }
        _ => Ok(()),
    }
}

fn field<'a>(actions: &'a StructArray, name: &str) -> Option<&'a dyn Array> {
    actions.column_by_name(name).map(AsRef::as_ref)
}

fn long(actions: &StructArray, name: &str, row: usize) -> Option<i64> {
    let column = field(actions, name)?.as_primitive_opt::<Int64Type>()?;
    column.is_valid(row).then(|| column.value(row))
}

fn int(actions: &StructArray, name: &str, row: usize) -> Option<i64> {
    let column = field(actions, name)?.as_primitive_opt::<Int32Type>()?;
    column.is_valid(row).then(|| column.value(row).into())
}

fn text<'a>(actions: &'a StructArray, name: &str, row: usize) -> Option<&'a str> {
    let column = field(actions, name)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row))
}
