//! The schema of a new table: text, JSON, or the schema of a data file.

use std::fmt;
use std::path::Path;

use lakewright::arrow::datatypes::SchemaRef;
use lakewright::table::schema_from_types;
use lakewright::{Error, ErrorKind};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::input::{self, Format};
use crate::failure::io_error;

/// Parses `name: type, …`, or reads a schema file: text, JSON, Parquet or Arrow.
pub(super) fn parse(text: &str) -> Result<SchemaRef, Error> {
    let path = Path::new(text);
    // A text with a colon that is not an existing file is a list of columns.
    if text.contains(':') && !path.exists() {
        return schema(columns(text)?);
    }
    match Format::of(path) {
        Some(format @ (Format::Parquet | Format::Arrow)) => {
            Ok(input::open_binary(path, format)?.schema())
        }
        _ => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| io_error(error, path.display().to_string()))
                .map_err(|error| match error.kind() {
                    ErrorKind::NotFound => {
                        error.with_message("neither a file nor a list of columns 'name: type, …'")
                    }
                    _ => error,
                })?;
            parse_file(&text).map_err(|error| error.on(path.display().to_string()))
        }
    }
}

fn parse_file(text: &str) -> Result<SchemaRef, Error> {
    if !text.trim_start().starts_with('{') {
        return schema(columns(text)?);
    }
    let Columns(columns) = serde_json::from_str(text).map_err(|error| {
        let why = format!("a schema in JSON has the form {{\"name\": \"type\", …}}: {error}");
        Error::invalid_input(why).caused_by(error)
    })?;
    schema(columns)
}

/// Returns the schema, which must have at least one column.
fn schema(columns: Vec<(String, String)>) -> Result<SchemaRef, Error> {
    if columns.is_empty() {
        return Err(Error::invalid_input(
            "a table needs at least one column; write 'name: type, …'",
        ));
    }
    schema_from_types(columns)
}

/// Parses `a: long, b: struct<c: int, d: int>` into names and types. Columns are separated by
/// commas or line breaks; a name in double quotes may contain any character.
fn columns(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut columns = Vec::new();
    for column in split(text) {
        let column = column.trim();
        if column.is_empty() {
            continue;
        }
        let parts = match column.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((name, rest)) => {
                rest.trim_start().strip_prefix(':').map(|kind| (name.to_owned(), kind))
            }
            None => column.split_once(':').map(|(name, kind)| (name.trim().to_owned(), kind)),
        };
        match parts {
            Some((name, kind)) if !name.is_empty() => columns.push((name, kind.trim().to_owned())),
            _ => {
                return Err(Error::invalid_input(format!(
                    "{column:?} is not a column; write 'name: type', such as 'month: int'"
                )));
            }
        }
    }
    Ok(columns)
}

/// Splits text at commas and line breaks outside of brackets and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            ',' | '\n' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The columns of a JSON object, in the order of the text.
struct Columns(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Columns;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of column names and types")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
                let mut columns = Vec::new();
                while let Some(column) = map.next_entry()? {
                    columns.push(column);
                }
                Ok(Columns(columns))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(schema: &SchemaRef) -> Vec<String> {
        schema
            .fields()
            .iter()
            .map(|field| {
                let kind = lakewright::table::type_name(field.data_type());
                let null = if field.is_nullable() { "" } else { " not null" };
                format!("{}:{kind}{null}", field.name())
            })
            .collect()
    }

    #[test]
    fn columns_in_every_format() {
        let expected = ["z:long not null", "a:decimal(10,2)", "s:struct<b:integer,c:string>"];
        for text in [
            "z: long not null, a: decimal(10,2), s: struct<b: int, c: string>",
            "z:long not null\na:decimal(10,2)\ns:struct<b:int,\n c:string>\n",
            r#"{"z": "long not null", "a": "decimal(10,2)", "s": "struct<b:int,c:string>"}"#,
            r#""z": long not null, "a":decimal(10,2), s: struct<b: int, c: string>,"#,
        ] {
            assert_eq!(names(&parse_file(text).unwrap()), expected, "{text}");
        }
        assert_eq!(names(&parse(r#""a, b: c": int"#).unwrap()), ["a, b: c:integer"]);
    }

    #[test]
    fn invalid_schemas_are_rejected() {
        for bad in
            ["", ",", "a", "a long", ": long", "a: lang", "{}", r#"{"a": 1}"#, "a: int, a: int"]
        {
            assert!(parse_file(bad).is_err(), "{bad}");
        }
        let absent = parse("/nonexistent/schema.json").unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse_file(&text);
        }
    }
}
