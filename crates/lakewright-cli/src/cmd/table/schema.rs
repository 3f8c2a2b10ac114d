//! The columns of a table as people write them down.

use std::fmt;
use std::path::Path;

use lakewright::arrow::datatypes::SchemaRef;
use lakewright::table::schema_from_types;
use lakewright::{Error, ErrorKind};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::input::{self, Format};
use crate::failure::local;

/// `name: type, …`, or a file with that, with JSON, or with data that has columns.
pub(super) fn understood(text: &str) -> Result<SchemaRef, Error> {
    let path = Path::new(text);
    // A colon never stands in what is meant as a file without being one.
    if text.contains(':') && !path.exists() {
        return some(columns(text)?);
    }
    match Format::of(path) {
        Some(format @ (Format::Parquet | Format::Arrow)) => {
            Ok(input::open_binary(path, format)?.schema())
        }
        _ => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| local(error, path.display().to_string()))
                .map_err(|error| match error.kind() {
                    ErrorKind::NotFound => {
                        error.saying("this is neither a file nor columns, 'name: type, …'")
                    }
                    _ => error,
                })?;
            in_file(&text).map_err(|error| error.on(path.display().to_string()))
        }
    }
}

fn in_file(text: &str) -> Result<SchemaRef, Error> {
    if !text.trim_start().starts_with('{') {
        return some(columns(text)?);
    }
    let Columns(columns) = serde_json::from_str(text).map_err(|error| {
        let why = format!("a schema in JSON is {{\"name\": \"type\", …}}: {error}");
        Error::invalid_input(why).caused_by(error)
    })?;
    some(columns)
}

/// A schema of at least one column.
fn some(columns: Vec<(String, String)>) -> Result<SchemaRef, Error> {
    if columns.is_empty() {
        return Err(Error::invalid_input("a table needs a column; write 'name: type, …'"));
    }
    schema_from_types(columns)
}

/// Cuts `a: long, b: struct<c: int, d: int>` into names and types. Line breaks separate like
/// commas; a name in double quotes may hold anything.
fn columns(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut columns = Vec::new();
    for column in split(text) {
        let column = column.trim();
        if column.is_empty() {
            continue;
        }
        let cut = match column.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((name, rest)) => {
                rest.trim_start().strip_prefix(':').map(|kind| (name.to_owned(), kind))
            }
            None => column.split_once(':').map(|(name, kind)| (name.trim().to_owned(), kind)),
        };
        match cut {
            Some((name, kind)) if !name.is_empty() => columns.push((name, kind.trim().to_owned())),
            _ => {
                return Err(Error::invalid_input(format!(
                    "{column:?} is no column; write 'name: type', such as 'month: int'"
                )));
            }
        }
    }
    Ok(columns)
}

/// At commas and line breaks outside of brackets and quotes.
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

/// A JSON object whose order counts, as that of columns does.
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
    fn columns_in_every_way() {
        let expected = ["z:long not null", "a:decimal(10,2)", "s:struct<b:integer,c:string>"];
        for text in [
            "z: long not null, a: decimal(10,2), s: struct<b: int, c: string>",
            "z:long not null\na:decimal(10,2)\ns:struct<b:int,\n c:string>\n",
            r#"{"z": "long not null", "a": "decimal(10,2)", "s": "struct<b:int,c:string>"}"#,
            r#""z": long not null, "a":decimal(10,2), s: struct<b: int, c: string>,"#,
        ] {
            assert_eq!(names(&in_file(text).unwrap()), expected, "{text}");
        }
        assert_eq!(names(&understood(r#""a, b: c": int"#).unwrap()), ["a, b: c:integer"]);
    }

    #[test]
    fn what_is_no_schema() {
        for bad in
            ["", ",", "a", "a long", ": long", "a: lang", "{}", r#"{"a": 1}"#, "a: int, a: int"]
        {
            assert!(in_file(bad).is_err(), "{bad}");
        }
        let absent = understood("/nonexistent/schema.json").unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = in_file(&text);
        }
    }
}
