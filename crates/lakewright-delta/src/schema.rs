//! Schemas of tables: column types of Delta and of Arrow, and whether data fits into a table.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use lakewright_core::spec::{Column, ColumnType, field_name};
use lakewright_core::{Error, ErrorKind, Result};

/// The maximum depth of nested types. Deeper types are refused, because a hostile schema must not
/// exhaust the stack.
const DEEPEST: usize = 32;

/// Makes a schema from Delta's names of types. Columns are nullable unless the type ends in
/// ` not null`: `long`, `integer` (`int`), `short`, `byte`, `double`, `float`, `string`,
/// `boolean`, `binary`, `date`, `timestamp`, `timestamp_ntz`, `decimal(p,s)`, `array<t>`,
/// `map<k,v>`, `struct<name:t,…>`
/// (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#primitive-types>; nested ones as
/// Spark writes them). [`ColumnType`] parses them.
///
/// # Errors
/// `InvalidInput` with the column and the fault in its type.
///
/// ```
/// let schema = lakewright_delta::schema_from_types([("day", "date"), ("delay", "double")])?;
/// assert_eq!(schema.fields().len(), 2);
/// # Ok::<(), lakewright_core::Error>(())
/// ```
pub fn schema_from_types<N, T>(columns: impl IntoIterator<Item = (N, T)>) -> Result<SchemaRef>
where
    N: Into<String>,
    T: AsRef<str>,
{
    let columns = columns.into_iter().map(|(name, text)| {
        let name = name.into();
        Column::new(&*name, text.as_ref()).map_err(|error| {
            Error::invalid_input(format!("the column {name:?}: {}", error.message()))
        })
    });
    schema_of_columns(&columns.collect::<Result<Vec<_>>>()?)
}

/// Creates a schema from declared columns.
///
/// # Errors
/// `InvalidInput` for a name that occurs twice.
pub fn schema_of_columns(columns: &[Column]) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
    for Column { name, data_type, nullable } in columns {
        if fields.iter().any(|field| field.name().eq_ignore_ascii_case(name)) {
            return Err(Error::invalid_input(format!("the column {name:?} is named twice")));
        }
        fields.push(Field::new(name, arrow_type(data_type), *nullable));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// Converts a column type of Delta to the Arrow type in which its values are read and written.
fn arrow_type(data_type: &ColumnType) -> DataType {
    match data_type {
        ColumnType::Long => DataType::Int64,
        ColumnType::Integer => DataType::Int32,
        ColumnType::Short => DataType::Int16,
        ColumnType::Byte => DataType::Int8,
        ColumnType::Double => DataType::Float64,
        ColumnType::Float => DataType::Float32,
        ColumnType::String => DataType::Utf8,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Binary => DataType::Binary,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
        // The scale is at most 38.
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
        ColumnType::Array(element) => {
            DataType::List(Arc::new(Field::new("element", arrow_type(element), true)))
        }
        ColumnType::Map(key, value) => {
            let entries = Fields::from(vec![
                Field::new("key", arrow_type(key), false),
                Field::new("value", arrow_type(value), true),
            ]);
            let entries = Field::new("key_value", DataType::Struct(entries), false);
            DataType::Map(Arc::new(entries), false)
        }
        ColumnType::Struct(fields) => {
            let fields = fields.iter().map(|(name, one)| Field::new(name, arrow_type(one), true));
            DataType::Struct(fields.collect())
        }
    }
}

/// Returns the name and the Delta type of each column, with `not null` after the type of a column
/// without nulls, in the form that [`schema_from_types`] accepts.
#[must_use]
pub fn column_types(schema: &SchemaRef) -> Vec<(String, String)> {
    let column = |field: &arrow::datatypes::FieldRef| {
        let required = if field.is_nullable() { "" } else { " not null" };
        (field.name().clone(), format!("{}{required}", type_name(field.data_type())))
    };
    schema.fields().iter().map(column).collect()
}

/// Returns a schema without columns.
pub(super) fn empty() -> SchemaRef {
    Arc::new(Schema::empty())
}

/// The serialisation of a schema: a list of name and Delta type.
pub(super) mod by_name {
    use arrow::datatypes::SchemaRef;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        schema: &SchemaRef,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::column_types(schema).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SchemaRef, D::Error> {
        let columns = Vec::<(String, String)>::deserialize(deserializer)?;
        super::schema_from_types(columns).map_err(serde::de::Error::custom)
    }
}

/// Returns Delta's name of an Arrow type.
#[must_use]
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int64 => "long".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int16 => "short".into(),
        DataType::Int8 => "byte".into(),
        DataType::Float64 => "double".into(),
        DataType::Float32 => "float".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".into(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".into(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) => {
            format!("array<{}>", type_name(f.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(kv) if kv.len() == 2 => {
                format!("map<{},{}>", type_name(kv[0].data_type()), type_name(kv[1].data_type()))
            }
            other => other.to_string(),
        },
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{}:{}", field_name(f.name()), type_name(f.data_type())))
                .collect();
            format!("struct<{}>", fields.join(","))
        }
        DataType::Dictionary(_, value) => type_name(value),
        other => other.to_string(),
    }
}

/// Returns the names of the columns, for messages.
pub(super) fn names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns the schema of a table that is created from `schema`. A type that Delta cannot store is
/// refused; a type that Delta stores as another Arrow type is replaced by that.
///
/// # Errors
/// `InvalidInput` with the column, its type and what to use instead.
pub(super) fn storable(schema: &Schema) -> Result<SchemaRef> {
    let fields: Result<Vec<FieldRef>> = schema.fields().iter().map(storable_field).collect();
    Ok(Arc::new(Schema::new(fields?)))
}

fn storable_field(field: &FieldRef) -> Result<FieldRef> {
    let stored = storable_type(field.data_type(), 0).map_err(|why| {
        Error::invalid_input(format!("the column {:?} cannot be stored: {why}", field.name()))
    })?;
    Ok(Arc::new(field.as_ref().clone().with_data_type(stored)))
}

fn storable_type(data_type: &DataType, depth: usize) -> Result<DataType, String> {
    if depth > DEEPEST {
        return Err(format!("types nest more than {DEEPEST} deep"));
    }
    let inner = |field: &FieldRef| -> Result<FieldRef, String> {
        let stored = storable_type(field.data_type(), depth + 1)?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(stored)))
    };
    Ok(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Utf8
        | DataType::Binary => data_type.clone(),
        // Each type is replaced by one that can hold all of its values.
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Dictionary(_, value) => storable_type(value, depth + 1)?,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            return Err("Delta's timestamps have microseconds; cast it to timestamp[us]".into());
        }
        DataType::Timestamp(_, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s)
            if *s >= 0 =>
        {
            DataType::Decimal128(*p, *s)
        }
        DataType::List(f)
        | DataType::LargeList(f)
        | DataType::ListView(f)
        | DataType::LargeListView(f)
        | DataType::FixedSizeList(f, _) => {
            let f = inner(f)?;
            DataType::List(Arc::new(f.as_ref().clone().with_name("element")))
        }
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(inner).collect::<Result<Fields, _>>()?)
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(kv) = entries.data_type() else {
                return Err("its map has no entries".into());
            };
            let kv = kv.iter().map(inner).collect::<Result<Vec<_>, _>>()?;
            let [key, value] = &kv[..] else { return Err("its map has no key and value".into()) };
            let kv = vec![
                key.as_ref().clone().with_name("key").with_nullable(false),
                value.as_ref().clone().with_name("value"),
            ];
            DataType::Map(
                Arc::new(Field::new("key_value", DataType::Struct(kv.into()), false)),
                *sorted,
            )
        }
        DataType::UInt64 => {
            return Err(
                "Delta has no unsigned 64-bit numbers; cast it to int64 or decimal(20,0)".into()
            );
        }
        DataType::Null => return Err("a column of nothing has no type; give it one".into()),
        other => return Err(format!("Delta has no type for Arrow's {other}")),
    })
}

/// Checks that data with the columns of `input` fits into `table`.
///
/// # Errors
/// `SchemaMismatch` with the names of the columns.
pub(super) fn check(table: &Schema, input: &Schema) -> Result<()> {
    let mismatch = |why: String| Err(Error::new(ErrorKind::SchemaMismatch, why));
    for field in input.fields() {
        if input.fields().iter().filter(|other| other.name() == field.name()).count() > 1 {
            return mismatch(format!("the data has the column {:?} twice", field.name()));
        }
        let Ok(column) = table.field_with_name(field.name()) else {
            return mismatch(format!(
                "the data has a column {:?} that the table does not have; its columns are {}",
                field.name(),
                names(table)
            ));
        };
        if !fits(column.data_type(), field.data_type(), 0) {
            return mismatch(format!(
                "the column {:?} is {} in the table and {} in the data",
                field.name(),
                type_name(column.data_type()),
                type_name(field.data_type())
            ));
        }
    }
    for column in table.fields().iter().filter(|column| !column.is_nullable()) {
        if input.field_with_name(column.name()).is_err() {
            return mismatch(format!(
                "the table's column {:?} must not be null and is missing in the data",
                column.name()
            ));
        }
    }
    Ok(())
}

/// Returns whether every value of `from` is a value of `to`, regardless of its layout in memory.
fn fits(to: &DataType, from: &DataType, depth: usize) -> bool {
    use DataType as D;
    let number = |t: &DataType| match t {
        D::Int8 => Some((8, true)),
        D::Int16 => Some((16, true)),
        D::Int32 => Some((32, true)),
        D::Int64 => Some((64, true)),
        D::UInt8 => Some((8, false)),
        D::UInt16 => Some((16, false)),
        D::UInt32 => Some((32, false)),
        D::UInt64 => Some((64, false)),
        _ => None,
    };
    if depth > DEEPEST {
        return false;
    }
    if to == from {
        return true;
    }
    if let (Some((to, true)), Some((from, signed))) = (number(to), number(from)) {
        return if signed { from <= to } else { from < to };
    }
    match (to, from) {
        (_, D::Null) => true,
        (_, D::Dictionary(_, from)) => fits(to, from, depth + 1),
        (D::Utf8, D::LargeUtf8 | D::Utf8View) => true,
        (D::Binary, D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_)) => true,
        (D::Float64, D::Float32 | D::Float16) | (D::Float32, D::Float16) => true,
        (D::Timestamp(_, to), D::Timestamp(_, from)) => to.is_some() == from.is_some(),
        (D::Date32, D::Date64) => true,
        (
            D::Decimal128(p, s),
            D::Decimal32(fp, fs)
            | D::Decimal64(fp, fs)
            | D::Decimal128(fp, fs)
            | D::Decimal256(fp, fs),
        ) => fs <= s && i16::from(*fp) - i16::from(*fs) <= i16::from(*p) - i16::from(*s),
        (
            D::List(to),
            D::List(from)
            | D::LargeList(from)
            | D::ListView(from)
            | D::LargeListView(from)
            | D::FixedSizeList(from, _),
        ) => fits(to.data_type(), from.data_type(), depth + 1),
        (D::Map(to, _), D::Map(from, _)) => match (to.data_type(), from.data_type()) {
            (D::Struct(to), D::Struct(from)) => {
                to.len() == from.len()
                    && to
                        .iter()
                        .zip(from)
                        .all(|(to, from)| fits(to.data_type(), from.data_type(), depth + 1))
            }
            _ => false,
        },
        (D::Struct(to), D::Struct(from)) => {
            from.iter().all(|field| {
                to.iter().any(|column| {
                    column.name() == field.name()
                        && fits(column.data_type(), field.data_type(), depth + 1)
                })
            }) && to.iter().all(|column| {
                column.is_nullable() || from.iter().any(|field| field.name() == column.name())
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn types() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("long".to_owned()),
            Just("integer".to_owned()),
            Just("string".to_owned()),
            Just("timestamp".to_owned()),
            Just("timestamp_ntz".to_owned()),
            (1u8..=38)
                .prop_flat_map(|p| (Just(p), 0..=p))
                .prop_map(|(p, s)| format!("decimal({p},{s})")),
        ];
        leaf.prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|t| format!("array<{t}>")),
                (inner.clone(), inner.clone()).prop_map(|(k, v)| format!("map<{k},{v}>")),
                prop::collection::vec(inner, 1..3).prop_map(|ts| {
                    let fields: Vec<String> = ["f", "a:b", "`<"]
                        .iter()
                        .zip(&ts)
                        .map(|(name, t)| format!("{}:{t}", field_name(name)))
                        .collect();
                    format!("struct<{}>", fields.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn types_round_trip_fit_themselves_and_are_storable(text in types()) {
            let schema = schema_from_types([("a", &text)]).unwrap();
            let parsed = schema.field(0).data_type();
            prop_assert_eq!(type_name(parsed), text);
            prop_assert!(fits(parsed, parsed, 0));
            prop_assert!(check(&schema, &schema).is_ok());
            prop_assert_eq!(storable(&schema).unwrap(), schema);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = schema_from_types([("a", text)]);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for (depth, why) in [(1_000, "nest"), (100_000, "bytes")] {
            let deep = format!("{}long{}", "array<".repeat(depth), ">".repeat(depth));
            let error = schema_from_types([("a", deep)]).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_mismatch_names_the_column() {
        let table = schema_from_types([("id", "long not null"), ("name", "string")]).unwrap();
        let with = |columns: Vec<(&str, DataType)>| {
            Schema::new(
                columns.into_iter().map(|(n, t)| Field::new(n, t, true)).collect::<Vec<_>>(),
            )
        };
        for (columns, word) in [
            (vec![("id", DataType::Int64), ("nmae", DataType::Utf8)], "nmae"),
            (vec![("name", DataType::Utf8)], "\"id\""),
            (vec![("id", DataType::Utf8)], "\"id\" is long in the table and string"),
            (vec![("id", DataType::UInt64)], "\"id\""),
            (vec![("id", DataType::Int64), ("id", DataType::Int64)], "twice"),
        ] {
            let error = check(&table, &with(columns)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(check(&table, &with(vec![("id", DataType::Int32)])).is_ok());
        assert!(
            check(&table, &with(vec![("id", DataType::UInt32), ("name", DataType::LargeUtf8)]))
                .is_ok()
        );
    }

    #[test]
    fn a_type_that_cannot_be_stored_is_named() {
        for (bad, word) in [
            (DataType::UInt64, "int64"),
            (DataType::Null, "type"),
            (DataType::Timestamp(TimeUnit::Nanosecond, None), "timestamp[us]"),
            (DataType::Duration(TimeUnit::Second), "Duration"),
        ] {
            let schema = Schema::new(vec![Field::new("x", bad, true)]);
            let error = storable(&schema).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
