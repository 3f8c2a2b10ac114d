//! Files with rows: Parquet, CSV, JSON lines, Arrow IPC.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use lakewright::arrow::array::RecordBatchReader;
use lakewright::arrow::datatypes::SchemaRef;
use lakewright::arrow::error::ArrowError;
use lakewright::arrow::ipc::reader::{FileReader, StreamReader};
use lakewright::arrow::json;
use lakewright::arrow::record_batch::RecordBatch;
use lakewright::table::{Batches, Table};
use lakewright::{Error, ErrorKind};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use super::csv;
use crate::failure::io_error;
use crate::progress::Meter;

/// The magic bytes of an Arrow IPC file, which an Arrow IPC stream does not have.
const ARROW_FILE: &[u8] = b"ARROW1";

/// The file with the rows, and its format.
#[derive(Args, Debug)]
pub(crate) struct Input {
    /// The file with the rows; - for stdin
    file: PathBuf,
    /// Format of the file, if its extension does not tell
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_format: Option<Format>,
    /// CSV: delimiter of the fields
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = csv::delimiter)]
    delimiter: u8,
    /// CSV: text that is read as null besides the empty text, such as NA
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// CSV: the file has no header; the fields are the table's columns in order
    #[arg(long)]
    no_header: bool,
}

/// Formats of files with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Parquet (.parquet, .pq)
    Parquet,
    /// Comma-separated values (.csv), tab-separated values (.tsv)
    Csv,
    /// One JSON object per line (.jsonl, .ndjson, .json)
    Jsonl,
    /// Arrow IPC, file or stream (.arrow, .arrows, .ipc, .feather)
    Arrow,
}

impl Format {
    /// Returns the format for a file extension.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Self::Parquet),
            "csv" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "arrow" | "arrows" | "ipc" | "feather" => Some(Self::Arrow),
            _ => None,
        }
    }
}

type Reader = Box<dyn RecordBatchReader + Send>;

/// Reads the rows of a file. Formats without types of their own are read with the types of `table`.
pub(super) async fn batches(
    input: Input,
    table: &Table,
    meter: Meter,
    operation: &'static str,
) -> Result<Batches, Error> {
    let stdin = input.file.as_os_str() == "-";
    let name = if stdin { "stdin".into() } else { input.file.display().to_string() };
    let failed = |error: Error| error.during(operation).on(name.clone());
    let format = input.input_format.or_else(|| Format::of(&input.file)).ok_or_else(|| {
        failed(Error::invalid_input(
            "the file extension does not tell the format; pass --input-format",
        ))
    })?;
    let schema = match format {
        Format::Csv | Format::Jsonl => {
            Some(table.schema().await.map_err(|error| error.during(operation))?)
        }
        Format::Parquet | Format::Arrow => None,
    };
    // Opening reads the header, which may block on a pipe.
    let opened = tokio::task::spawn_blocking(move || input.open(format, schema));
    let reader = match opened.await {
        Ok(reader) => reader.map_err(failed)?,
        Err(error) => {
            let why = "the thread that reads the file failed";
            return Err(failed(Error::new(ErrorKind::Internal, why).caused_by(error)));
        }
    };
    Ok(Batches::from_reader(Box::new(CountingReader { reader, meter })))
}

impl Input {
    /// Opens the file; `schema` is the table's, for formats without types.
    fn open(self, format: Format, schema: Option<SchemaRef>) -> Result<Reader, Error> {
        let tabs = self.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
        let dialect = csv::Dialect {
            delimiter: if tabs && self.delimiter == b',' { b'\t' } else { self.delimiter },
            null: self.null,
            header: !self.no_header,
        };
        let Some(schema) = schema else { return open_binary(&self.file, format) };
        let source: Box<dyn BufRead + Send> = if self.file.as_os_str() == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(&self.file).map_err(|e| io_error(e, ""))?))
        };
        match format {
            Format::Csv => csv::open(source, &schema, &dialect),
            _ => jsonl(source, schema),
        }
    }
}

/// Opens a file in a format that contains its schema.
pub(super) fn open_binary(path: &Path, format: Format) -> Result<Reader, Error> {
    let name = path.display().to_string();
    let failed = |error| io_error(error, name.clone());
    // Both formats need a seekable file, and a pipe is not seekable.
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map_err(|error| io_error(error, "stdin"))?;
        return match format {
            Format::Parquet => parquet(bytes::Bytes::from(bytes)),
            _ => arrow(Cursor::new(bytes)),
        };
    }
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Error::invalid_input("this is a directory, not a file").on(name));
    }
    let opened = match format {
        Format::Parquet => parquet(file),
        _ => arrow(BufReader::new(file)),
    };
    opened.map_err(|error| error.on(name))
}

fn parquet(source: impl ChunkReader + 'static) -> Result<Reader, Error> {
    let invalid = |error| Error::invalid_input(format!("invalid Parquet file: {error}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new(source).map_err(invalid)?;
    Ok(Box::new(builder.with_batch_size(csv::BATCH_ROWS).build().map_err(invalid)?))
}

fn arrow(mut source: impl BufRead + Seek + Send + 'static) -> Result<Reader, Error> {
    let invalid = |error| Error::invalid_input(format!("invalid Arrow IPC data: {error}"));
    let is_file = source.fill_buf().map_err(|error| io_error(error, ""))?.starts_with(ARROW_FILE);
    if is_file {
        return Ok(Box::new(FileReader::try_new(source, None).map_err(invalid)?));
    }
    Ok(Box::new(StreamReader::try_new(source, None).map_err(invalid)?))
}

fn jsonl(source: Box<dyn BufRead + Send>, schema: SchemaRef) -> Result<Reader, Error> {
    let reader = json::ReaderBuilder::new(schema)
        .with_batch_size(csv::BATCH_ROWS)
        // A field without a column is an error: its values would be lost.
        .with_strict_mode(true)
        .build(source)
        .map_err(|error| Error::invalid_input(format!("invalid JSON: {error}")))?;
    Ok(Box::new(reader))
}

/// A reader that counts its rows with a progress meter.
struct CountingReader {
    reader: Reader,
    meter: Meter,
}

impl Iterator for CountingReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next();
        if let Some(Ok(batch)) = &batch {
            self.meter.add(batch.num_rows() as u64);
        }
        batch
    }
}

impl RecordBatchReader for CountingReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.reader.schema())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright::arrow::ipc::writer::{FileWriter, StreamWriter};
    use lakewright::table::schema_from_types;
    use parquet::arrow::ArrowWriter;

    fn rows(reader: Reader) -> Result<usize, ArrowError> {
        reader.map(|batch| Ok(batch?.num_rows())).sum()
    }

    #[test]
    fn formats_by_extension() {
        for (name, format) in [
            ("a.parquet", Some(Format::Parquet)),
            ("a.b.CSV", Some(Format::Csv)),
            ("a.tsv", Some(Format::Csv)),
            ("a.ndjson", Some(Format::Jsonl)),
            ("a.feather", Some(Format::Arrow)),
            ("a.csv.gz", None),
            ("csv", None),
            ("-", None),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn json_lines() {
        let schema = schema_from_types([("a", "long"), ("b", "string")]).unwrap();
        let read =
            |text: &'static str| rows(jsonl(Box::new(text.as_bytes()), schema.clone()).unwrap());
        assert_eq!(read("{\"a\": 1, \"b\": \"x\"}\n{\"b\": null}\n").unwrap(), 2);
        assert_eq!(read("").unwrap(), 0);
        for bad in ["{\"c\": 1}", "{\"a\": \"x\"}", "[1]", "{"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn binary_formats_are_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let schema = schema_from_types([("a", "long")]).unwrap();
        let batch = RecordBatch::new_empty(schema.clone());
        let path = |name: &str| dir.path().join(name);
        let create = |name: &str| File::create(path(name)).unwrap();
        let mut writer = FileWriter::try_new(create("file"), &schema).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let mut writer = StreamWriter::try_new(create("stream"), &schema).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        ArrowWriter::try_new(create("parquet"), schema.clone(), None).unwrap().close().unwrap();
        std::fs::write(path("text"), "a\n1\n").unwrap();

        for (name, format) in
            [("file", Format::Arrow), ("stream", Format::Arrow), ("parquet", Format::Parquet)]
        {
            assert_eq!(open_binary(&path(name), format).unwrap().schema(), schema, "{name}");
        }
        for format in [Format::Arrow, Format::Parquet] {
            let error = open_binary(&path("text"), format).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let error = open_binary(&path("absent"), format).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(open_binary(dir.path(), format).is_err());
        }
    }
}
