//! CSV files, read with the columns of a table.

use std::io::{BufRead, Read};
use std::sync::Arc;

use lakewright::Error;
use lakewright::arrow::array::RecordBatchReader;
use lakewright::arrow::csv::ReaderBuilder;
use lakewright::arrow::csv::reader::Format;
use lakewright::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use regex::Regex;

use crate::failure::io_error;

/// The number of rows per batch: the default of arrow's readers.
pub(super) const BATCH_ROWS: usize = 1024 * 8;

/// The maximum length of a header, in bytes: a file with a longer one is not CSV.
const MAX_HEADER: usize = 1 << 20;

/// The UTF-8 byte order mark, which some programs write at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The format of a CSV file.
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// The text that is read as null, besides the empty text.
    pub(super) null: Option<String>,
    pub(super) header: bool,
}

/// Parses a delimiter: one ASCII character, or `\t`.
pub(super) fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [one] if one.is_ascii() && !b"\"\r\n".contains(one) => Ok(*one),
        _ => Err("write one ASCII character, or \\t for the tab"),
    }
}

/// Reads the rows of `source`. The header assigns fields to columns of `table` by name; a column
/// that the table does not have is read as text, so that writing it fails with the column's name.
pub(super) fn open(
    mut source: Box<dyn BufRead + Send>,
    table: &SchemaRef,
    dialect: &Dialect,
) -> Result<Box<dyn RecordBatchReader + Send>, Error> {
    let schema = if dialect.header {
        let header = header(&mut source)?;
        if header.is_empty() {
            return Err(Error::invalid_input("the file is empty; a header is required"));
        }
        Arc::new(columns(&header, table, dialect)?)
    } else {
        Arc::clone(table)
    };
    let mut builder = ReaderBuilder::new(schema)
        .with_batch_size(BATCH_ROWS)
        .with_delimiter(dialect.delimiter)
        // The header has been read above.
        .with_header(false);
    if let Some(null) = &dialect.null {
        let null = Regex::new(&format!("^(?:{})?$", regex::escape(null)))
            .map_err(|error| Error::invalid_input(format!("--null is too long: {error}")))?;
        builder = builder.with_null_regex(null);
    }
    let reader = builder
        .build_buffered(source)
        .map_err(|error| Error::invalid_input(format!("invalid CSV: {error}")))?;
    Ok(Box::new(reader))
}

fn columns(header: &[u8], table: &Schema, dialect: &Dialect) -> Result<Schema, Error> {
    // Reading no rows infers only the names.
    let format = Format::default().with_header(true).with_delimiter(dialect.delimiter);
    let (names, _) = format
        .infer_schema(header, Some(0))
        .map_err(|error| Error::invalid_input(format!("invalid CSV header: {error}")))?;
    let column = |field: &Arc<Field>| {
        let kind = table.field_with_name(field.name()).map(|known| known.data_type().clone());
        Field::new(field.name(), kind.unwrap_or(DataType::Utf8), true)
    };
    Ok(Schema::new(names.fields().iter().map(column).collect::<Vec<_>>()))
}

/// Reads the first record, which may contain quoted line breaks.
fn header(source: &mut dyn BufRead) -> Result<Vec<u8>, Error> {
    let mut header = Vec::new();
    loop {
        let room = (MAX_HEADER + 1 - header.len()) as u64;
        let read = source.take(room).read_until(b'\n', &mut header);
        let read = read.map_err(|error| io_error(error, ""))?;
        if header.len() > MAX_HEADER {
            return Err(Error::invalid_input("invalid CSV: the first line is too long"));
        }
        let quotes = header.iter().filter(|byte| **byte == b'"').count();
        if read == 0 || (quotes % 2 == 0 && !header.trim_ascii().is_empty()) {
            break;
        }
    }
    if header.starts_with(BYTE_ORDER_MARK) {
        header.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright::arrow::array::RecordBatch;
    use lakewright::arrow::json::LineDelimitedWriter;
    use lakewright::table::schema_from_types;
    use proptest::prelude::*;

    fn dialect(delimiter: u8, null: Option<&str>, header: bool) -> Dialect {
        Dialect { delimiter, null: null.map(Into::into), header }
    }

    fn read(text: &str, dialect: &Dialect) -> Result<String, String> {
        let table =
            schema_from_types([("n", "long"), ("name", "string"), ("day", "date")]).unwrap();
        let source = Box::new(std::io::Cursor::new(text.to_owned().into_bytes()));
        let reader = open(source, &table, dialect).map_err(|error| error.to_string())?;
        let batches: Vec<RecordBatch> =
            reader.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let mut lines = Vec::new();
        let mut writer = LineDelimitedWriter::new(&mut lines);
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
        Ok(String::from_utf8(lines).unwrap())
    }

    #[test]
    fn columns_are_matched_by_name() {
        let plain = dialect(b',', None, true);
        let text = "name,day,n\n\"a, \"\"b\"\"\n\",2013-01-02,1\n,,\n";
        assert_eq!(
            read(text, &plain).unwrap(),
            "{\"name\":\"a, \\\"b\\\"\\n\",\"day\":\"2013-01-02\",\"n\":1}\n{}\n"
        );
        // An unknown column is read as text.
        assert_eq!(read("nme\nx\n", &plain).unwrap(), "{\"nme\":\"x\"}\n");
        // A byte order mark, CRLF, a quoted header, no rows.
        assert_eq!(read("\u{feff}n\r\n1\r\n", &plain).unwrap(), "{\"n\":1}\n");
        assert_eq!(
            read("\"n\",\"na\nme\"\n1,x\n", &plain).unwrap(),
            "{\"n\":1,\"na\\nme\":\"x\"}\n"
        );
        assert_eq!(read("n,name", &plain).unwrap(), "");
    }

    #[test]
    fn delimiter_null_and_header() {
        assert_eq!(
            read("n\tname\n1\ta,b\n", &dialect(b'\t', None, true)).unwrap(),
            "{\"n\":1,\"name\":\"a,b\"}\n"
        );
        assert_eq!(read("n,name\nN.A,N.A\n", &dialect(b',', Some("N.A"), true)).unwrap(), "{}\n");
        assert_eq!(
            read("n,name\n1,NXA\n", &dialect(b',', Some("N.A"), true)).unwrap(),
            "{\"n\":1,\"name\":\"NXA\"}\n"
        );
        assert_eq!(
            read("1,x,\n", &dialect(b',', None, false)).unwrap(),
            "{\"n\":1,\"name\":\"x\"}\n"
        );
        assert_eq!((delimiter(";"), delimiter("\\t")), (Ok(b';'), Ok(b'\t')));
        for bad in ["", "ab", "\"", "\n", "ä"] {
            assert!(delimiter(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn invalid_csv_is_rejected() {
        let plain = dialect(b',', None, true);
        for bad in ["", "n\nx\n", "n,name\n1\n", "day\n2013-13-01\n"] {
            assert!(read(bad, &plain).is_err(), "{bad:?}");
        }
        assert!(read(&"x".repeat(MAX_HEADER + 1), &plain).unwrap_err().contains("too long"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), header in any::<bool>()) {
            let _ = read(&text, &dialect(b',', None, header));
        }
    }
}
